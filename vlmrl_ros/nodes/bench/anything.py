"""Whatever the type of a topic can hold, drawn by hypothesis: the widest strategy for any message type."""

from __future__ import annotations

import array
import functools
import importlib
from collections.abc import Callable, Iterator
from typing import Any

from vlmrl_ros.core.errors import PluginError

INTEGERS = {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)} | {"octet"}
CODES = {"int8": "b", "int16": "h", "int32": "i", "int64": "q", "uint8": "B", "octet": "B"}
CODES |= {"uint16": "H", "uint32": "I", "uint64": "Q", "float": "f", "double": "d"}
BATCH = 50


def anything(kind: type[Any], count: int) -> Iterator[Any]:
    """Draw messages of a type; repeatable.

    Args:
        kind: message class.
        count: how many.

    Yields:
        messages that hold anything: no content, extreme numbers, NaN, long lists, any text. They are not to be changed.

    Raises:
        PluginError: hypothesis is not installed.
    """
    left, number = count, 0
    while left > 0:
        drawn = _batch(kind, number)
        yield from drawn[:left]
        left, number = left - len(drawn), number + 1


@functools.lru_cache(maxsize=16)
def _batch(kind: type[Any], number: int) -> list[Any]:
    """The messages of one seed. Drawing is slow, and many topics have one type."""
    try:
        from hypothesis import HealthCheck, Phase, given, seed, settings
    except ImportError as error:
        raise PluginError("the suite fuzz needs hypothesis: pip install hypothesis") from error
    quiet = settings(
        max_examples=BATCH, database=None, deadline=None, phases=(Phase.generate,), suppress_health_check=HealthCheck
    )
    drawn: list[Any] = []
    quiet(seed(number)(given(_strategy(kind))(_collector(drawn))))()
    return drawn


def _collector(drawn: list[Any]) -> Callable[[Any], None]:
    def collect(message: Any) -> None:
        drawn.append(message)

    return collect


@functools.cache
def _strategy(kind: type[Any]) -> Any:
    """A strategy for a message class, field by field."""
    from hypothesis import strategies as st

    fields = kind.get_fields_and_field_types()
    return st.builds(kind, **{name: _field(of) for name, of in fields.items()})


def _field(of: str) -> Any:
    from hypothesis import strategies as st

    if of.startswith("sequence<"):
        inner = of.removeprefix("sequence<").removesuffix(">").partition(",")[0]
        items = st.lists(_field(inner), max_size=12)
        return items.map(lambda x: array.array(CODES[inner], x)) if inner in CODES else items
    if of in INTEGERS:
        bits = int("".join(filter(str.isdigit, of)) or 8)
        signed = of.startswith("int")
        return st.integers(-(2 ** (bits - 1)) if signed else 0, 2 ** (bits - signed) - 1)
    if of in ("float", "double"):
        return st.floats(width=32 if of == "float" else 64)
    if of == "boolean":
        return st.booleans()
    if of.startswith("string"):
        return st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
    package, _, name = of.partition("/")
    return _strategy(getattr(importlib.import_module(f"{package}.msg"), name))
