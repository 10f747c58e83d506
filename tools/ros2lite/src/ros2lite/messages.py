"""Messages by name, as plain data, and from plain data."""

from __future__ import annotations

import array
import importlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import yaml

from ros2lite.errors import Ros2LiteError

TRUNCATE_AT = 128
_BOUNDED = re.compile(r"^(?:sequence<(?P<sequence>.+?)(?:, \d+)?>|(?P<array>.+)\[\d+\])$")
_NUMERIC = (array.array, np.ndarray)


def load_type(name: str, kind: str = "msg") -> Any:
    """Class of `pkg/Type` or `pkg/msg/Type` (`kind` is msg or srv).

    Raises:
        Ros2LiteError: no such type.
    """
    parts = name.split("/")
    package, type_name = parts[0], parts[-1]
    if len(parts) not in (2, 3) or (len(parts) == 3 and parts[1] != kind) or not all(parts):
        raise Ros2LiteError(f"type '{name}' is malformed, expected 'package/{kind}/Type'")
    try:
        return getattr(importlib.import_module(f"{package}.{kind}"), type_name)
    except ModuleNotFoundError as error:
        raise Ros2LiteError(f"type '{name}' not found: package '{package}' has no {kind}") from error
    except AttributeError as error:
        names = sorted(entry for entry in vars(importlib.import_module(f"{package}.{kind}")) if entry[0].isupper())
        raise Ros2LiteError(f"type '{name}' not found; {package} has: {', '.join(names)}") from error


def to_plain(value: Any, limit: int | None = None) -> Any:
    """A message (or part of one) as dicts, lists and scalars; longer texts and arrays are cut at `limit` elements."""
    if hasattr(value, "get_fields_and_field_types"):
        return {name: to_plain(getattr(value, name), limit) for name in value.get_fields_and_field_types()}
    if isinstance(value, (bytes, str)):
        cut = value if limit is None else value[:limit]
        text = cut if isinstance(cut, str) else cut.hex(" ")
        return text if len(cut) == len(value) else f"{text}..."
    if isinstance(value, (*_NUMERIC, Sequence)):
        members = [to_plain(member, limit) for member in (value if limit is None else value[:limit])]
        return members if len(members) == len(value) else [*members, "..."]
    return value.item() if isinstance(value, np.generic) else value


def to_yaml(message: Any, limit: int | None = TRUNCATE_AT) -> str:
    """A message as YAML."""
    text = yaml.safe_dump(to_plain(message, limit), sort_keys=False, allow_unicode=True, width=float("inf"))
    return text.removesuffix("...\n")


def parse_values(text: str) -> dict[str, Any]:
    """Field values written as a YAML mapping.

    Raises:
        Ros2LiteError: something else.
    """
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Ros2LiteError(f"'{text}' is no YAML: {' '.join(str(error).split())}") from error
    if values is not None and not isinstance(values, dict):
        raise Ros2LiteError(f"'{text}' is no YAML mapping of field names to values")
    return values or {}


def fill(message: Any, values: Mapping[str, Any], now: Any = None, path: str = "") -> Any:
    """Set fields from plain data and return the message.

    Args:
        message: message, request or a part of one.
        values: values by field name, nested as the message is.
        now: `builtin_interfaces/msg/Time` for stamps given as `now` and headers given as `auto`.
        path: where we are, for errors.

    Raises:
        Ros2LiteError: an unknown field or a value of the wrong type.
    """
    types = message.get_fields_and_field_types()
    for name, value in values.items():
        where = f"{path}{name}"
        if name not in types:
            raise Ros2LiteError(
                f"field '{where}' not found; {type(message).__name__} has: {', '.join(types) or 'none'}"
            )
        try:
            converted = _convert(getattr(message, name), types[name], value, now, where)
            type(message)(check_fields=True, **{name: converted})  # setters check types only if told so
            setattr(message, name, converted)
        except (AssertionError, TypeError, ValueError, OverflowError) as error:
            said = " ".join(str(error).split())
            raise Ros2LiteError(f"field '{where}' cannot be {value!r}, expected {types[name]} ({said})") from error
    return message


def _convert(current: Any, type_name: str, value: Any, now: Any, where: str) -> Any:
    if now is not None and type_name == "builtin_interfaces/Time" and value == "now":
        return now
    if now is not None and type_name == "std_msgs/Header" and value == "auto":
        current.stamp = now
        return current
    if hasattr(current, "get_fields_and_field_types"):
        if not isinstance(value, Mapping):
            raise TypeError("a mapping of its fields is needed")
        return fill(current, value, now, f"{where}.")
    element = _BOUNDED.match(type_name)
    if element is not None:
        return [_element(element["sequence"] or element["array"], entry, now, where) for entry in value]
    return type(current)(value) if isinstance(current, float) and not isinstance(value, (bool, str)) else value


def _element(type_name: str, value: Any, now: Any, where: str) -> Any:
    if "/" in type_name:
        return fill(load_type(type_name)(), value, now, f"{where}.")
    return float(value) if type_name in ("float", "double") and not isinstance(value, (bool, str)) else value
