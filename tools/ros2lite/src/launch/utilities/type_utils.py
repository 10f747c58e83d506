"""Values of a wanted type that a launch file gives as such or as substitutions."""

from __future__ import annotations

import typing
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import yaml
from launch.substitution import Substitution
from launch.utilities import expand

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

SCALARS = (bool, int, float, str)
_BOOLS = {"true": True, "1": True, "false": False, "0": False}


def is_substitution(value: Any) -> bool:
    """True for a substitution, and for a list of texts and substitutions with at least one substitution (joined)."""
    if isinstance(value, Substitution):
        return True
    if isinstance(value, str) or not isinstance(value, Iterable):
        return False
    parts = list(value)
    return all(isinstance(part, (str, Substitution)) for part in parts) and any(
        isinstance(part, Substitution) for part in parts
    )


def split_type(data_type: Any) -> tuple[Any, bool]:
    """Scalar type and whether a list of it is meant; `None` stands for "as YAML reads it".

    Raises:
        ValueError: neither a scalar type nor `List[...]` of one.
    """
    is_list = typing.get_origin(data_type) is list
    scalar = typing.get_args(data_type)[0] if is_list else data_type
    if scalar is not None and scalar not in SCALARS:
        raise ValueError(f"unknown type {data_type!r}, expected one of bool, int, float, str or a List of one of these")
    return scalar, is_list


def coerce_to_type(text: str, data_type: Any = None) -> Any:
    """Read a text as the wanted type.

    Raises:
        ValueError: the text does not fit.
    """
    scalar, is_list = split_type(data_type)
    if is_list:
        values = _yaml(text)
        if not isinstance(values, list):
            raise ValueError(f"'{text}' is not a list")
        return [_checked(value, scalar) for value in values]
    if scalar is None:
        return _uniform(_yaml(text)) if text else text
    if scalar is str:
        return text
    if scalar is bool:
        if text.strip().lower() not in _BOOLS:
            raise ValueError(f"'{text}' is not a bool, expected one of {', '.join(_BOOLS)}")
        return _BOOLS[text.strip().lower()]
    return scalar(text)


def normalize_typed_substitution(value: Any, data_type: Any) -> Any:
    """Check at construction what can be checked then; the value comes back unchanged.

    Raises:
        TypeError: neither a substitution nor a value of the wanted type.
    """
    scalar, is_list = split_type(data_type)
    if is_substitution(value):
        return value
    if isinstance(value, SCALARS):
        if is_list:
            raise TypeError(f"{value!r} is not a list of {scalar.__name__}")
        return _checked(value, scalar, TypeError)
    if not isinstance(value, Iterable) or (scalar is not None and not is_list):
        raise TypeError(f"{value!r} is not {'a scalar or a list' if scalar is None else scalar.__name__}")
    return [entry if is_substitution(entry) else _checked(entry, scalar, TypeError) for entry in value]


def perform_typed_substitution(context: LaunchContext, value: Any, data_type: Any) -> Any:
    """Value of the wanted type, computed if need be."""
    if is_substitution(value):
        return coerce_to_type(expand(context, value), data_type)
    if isinstance(value, list):
        scalar, _ = split_type(data_type)
        return _uniform([perform_typed_substitution(context, entry, scalar) for entry in value])
    return value


def _yaml(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"'{text}' cannot be read as YAML: {' '.join(str(error).split())}") from error


def _checked(value: Any, scalar: Any, error: type[Exception] = ValueError) -> Any:
    if scalar is float and type(value) is int:
        return float(value)
    if not isinstance(value, SCALARS if scalar is None else scalar) or (scalar in (int, float) and type(value) is bool):
        wanted = "bool, int, float or str" if scalar is None else scalar.__name__
        raise error(f"{value!r} is of type {type(value).__name__}, expected {wanted}")
    return value


def _uniform(value: Any) -> Any:
    """A scalar, or a list whose members have one type (int beside float becomes float)."""
    if isinstance(value, SCALARS):
        return value
    if not isinstance(value, list) or not all(isinstance(entry, SCALARS) for entry in value):
        raise ValueError(
            f"{value!r} is neither a scalar nor a list of scalars; for a text use ParameterValue(..., value_type=str)"
        )
    kinds = {type(entry) for entry in value}
    if kinds == {int, float}:
        return [float(entry) for entry in value]
    if len(kinds) > 1:
        raise ValueError(f"{value!r} mixes {', '.join(sorted(kind.__name__ for kind in kinds))}; expected one type")
    return value
