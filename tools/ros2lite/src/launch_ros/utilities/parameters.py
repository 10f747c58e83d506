"""Parameters of a launch file as parameter files and values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from launch.substitution import Substitution
from launch.utilities import expand
from launch.utilities.type_utils import coerce_to_type, is_substitution
from launch_ros.parameter_descriptions import Parameter, ParameterFile, ParameterValue
from ros2lite.errors import Ros2LiteError

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

_SCALARS = (bool, int, float, str)
Normalized = tuple["Mapping[Any, Any] | Parameter | ParameterFile", ...]


def normalize_parameters(parameters: Any) -> Normalized:
    """Check a list of dicts, files and `Parameter`s; a path becomes a `ParameterFile`.

    Raises:
        TypeError: not a list, or a value no parameter can have.
    """
    if isinstance(parameters, (str, Mapping)) or not isinstance(parameters, Sequence):
        raise TypeError(f"parameters is {parameters!r}, expected a list of dicts, paths and ParameterFiles")
    entries = []
    for entry in parameters:
        if isinstance(entry, Mapping):
            _check(entry)
        entries.append(entry if isinstance(entry, (Mapping, Parameter, ParameterFile)) else ParameterFile(entry))
    return tuple(entries)


def evaluate_parameters(
    context: LaunchContext, parameters: Normalized
) -> list[dict[str, Any] | Path | tuple[str, Any]]:
    """Compute them: dicts of plain values, paths of files, and pairs of name and value."""
    return [
        evaluate_dict(context, entry) if isinstance(entry, Mapping) else entry.evaluate(context) for entry in parameters
    ]


def evaluate_dict(context: LaunchContext, parameters: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    """Compute names and values; nested dicts become dotted names.

    Raises:
        Ros2LiteError: a value cannot be read; names the parameter.
    """
    found: dict[str, Any] = {}
    for key, value in parameters.items():
        name = prefix + expand(context, key)
        if isinstance(value, Mapping):
            found.update(evaluate_dict(context, value, f"{name}."))
            continue
        try:
            found[name] = _evaluate(context, value)
        except ValueError as error:
            raise Ros2LiteError(f"parameter '{name}': {error}") from error
    return found


def parameter_text(value: Any) -> str:
    """A value as written behind `-p name:=`."""
    return yaml.safe_dump(value, default_flow_style=True, width=float("inf")).removesuffix("...\n").strip()


def _evaluate(context: LaunchContext, value: Any) -> Any:
    """Texts are texts; substitutions are read as YAML; lists have one type."""
    if isinstance(value, ParameterValue):
        return value.evaluate(context)
    if is_substitution(value):
        return coerce_to_type(expand(context, value))
    if isinstance(value, (*_SCALARS, bytes)):
        return value
    members = [_evaluate(context, member) for member in value]
    return coerce_to_type(yaml.safe_dump(members))


def _check(parameters: Mapping[Any, Any]) -> None:
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            _check(value)
        elif not _allowed(value):
            raise TypeError(
                f"parameter {name!r} is {value!r} of type {type(value).__name__}, expected "
                "bool, int, float, str, a list of one of these, or a substitution"
            )


def _allowed(value: Any) -> bool:
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return all(is_substitution(member) or isinstance(member, _SCALARS) for member in value)
    return isinstance(value, (*_SCALARS, bytes, ParameterValue, Substitution))
