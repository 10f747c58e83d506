"""Configuration: one frozen dataclass is the only home of a component's defaults.

Fields are declared with :func:`option`, which keeps the description, unit, range and choices beside the default. The
same declaration makes ROS parameters, checks YAML files and prints the tables of the documentation.
"""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from vlmrl_ros.core.errors import ConfigError, UnknownNameError

T = TypeVar("T")

Value = bool | int | float | str | tuple[str, ...] | tuple[float, ...] | tuple[int, ...]


@dataclass(frozen=True)
class Option:
    """What is known of one configuration value besides its type and default."""

    description: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


def option(
    default: Any,
    description: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """Declare a dataclass field with its documentation and its limits.

    Args:
        default: the only home of the default.
        description: one sentence for the parameter table.
        unit: SI unit, empty where there is none.
        low: least valid value, inclusive.
        high: greatest valid value, inclusive.
        choices: the valid strings.

    Returns:
        a dataclass field.
    """
    return dataclasses.field(default=default, metadata={"option": Option(description, unit, low, high, choices)})


def options(config_type: type[Any]) -> dict[str, tuple[type[Any], Any, Option]]:
    """The options of a configuration class: name to (type, default, option), in order of declaration."""
    hints = typing.get_type_hints(config_type)
    return {f.name: (hints[f.name], f.default, f.metadata["option"]) for f in dataclasses.fields(config_type)}


def from_mapping(config_type: type[T], values: Mapping[str, Any], where: str = "configuration") -> T:
    """Build a configuration from loose values (YAML, ROS parameters, command line).

    Args:
        config_type: a frozen dataclass whose fields are made by :func:`option`.
        values: name to value; only deviations from the defaults need to be present.
        where: what the values configure, for the error message.

    Returns:
        the checked configuration.

    Raises:
        UnknownNameError: a key that the configuration does not have.
        ConfigError: a value of the wrong type, out of range, or not among the choices.
    """
    known = options(config_type)
    for name in values:
        if name not in known:
            raise UnknownNameError(f"{where} key", name, known)
    checked = {name: _checked(f"{where}.{name}", value, *known[name]) for name, value in values.items()}
    return config_type(**checked)


def to_mapping(config: Any) -> dict[str, Any]:
    """The plain values of a configuration, fit for JSON and YAML (tuples become lists)."""
    plain = {f.name: getattr(config, f.name) for f in dataclasses.fields(config)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}


def _checked(name: str, value: Any, kind: type[Any], default: Any, about: Option) -> Value:
    """The value in its declared type, within its limits."""
    if typing.get_origin(kind) is tuple:
        return _checked_tuple(name, value, kind, about)
    result: Value = cast(name, value, kind)
    _check_limits(name, result, about)
    return result


def _checked_tuple(name: str, value: Any, kind: type[Any], about: Option) -> Value:
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise ConfigError(f"{name} must be a list, got {value!r}")
    item_kind = typing.get_args(kind)[0]
    items = tuple(cast(name, item, item_kind) for item in value)
    for item in items:
        _check_limits(name, item, about)
    return items


def cast(name: str, value: Any, kind: type[Any]) -> Any:
    """A loss-free conversion: int to float is fine, everything else must match."""
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ConfigError(f"{name} must be of type {kind.__name__}, got {value!r}")
    return value


def _check_limits(name: str, value: Any, about: Option) -> None:
    if about.choices and value not in about.choices:
        raise ConfigError(f"{name} is '{value}'; valid: {', '.join(about.choices)}")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        low = -math.inf if about.low is None else about.low
        high = math.inf if about.high is None else about.high
        if not low <= value <= high:
            unit = "" if about.unit == "1" else about.unit
            raise ConfigError(f"{name} is {value:g}; valid: {low:g} to {high:g} {unit}".rstrip())
