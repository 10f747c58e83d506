"""Parameters with a wanted type, and parameter files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitutions import SubstitutionFailure
from launch.utilities import expand, normalize_to_list_of_substitutions
from launch.utilities.type_utils import normalize_typed_substitution, perform_typed_substitution
from launch_ros.utilities.templates import fill
from ros2lite.errors import missing

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

__all__ = ["Parameter", "ParameterFile", "ParameterValue"]

_FOLDER = "params_folder"


class ParameterValue:
    """A value, or substitutions read as `value_type` (None: as YAML reads them)."""

    def __init__(self, value: Any, *, value_type: Any = None) -> None:
        """Keep the value.

        Raises:
            TypeError: it cannot be of `value_type`.
        """
        self.value = normalize_typed_substitution(value, value_type)
        self.value_type = value_type

    def evaluate(self, context: LaunchContext) -> Any:
        """Compute the value."""
        return perform_typed_substitution(context, self.value, self.value_type)


class Parameter:
    """A name with a value, handed over as `-p name:=value`."""

    def __init__(self, name: SomeSubstitutionsType, value: Any, *, value_type: Any = None) -> None:
        """Keep name and value; see `ParameterValue`."""
        self.name = normalize_to_list_of_substitutions(name)
        self._value = ParameterValue(value, value_type=value_type)

    def evaluate(self, context: LaunchContext) -> tuple[str, Any]:
        """Compute name and value."""
        return expand(context, self.name), self._value.evaluate(context)


class ParameterFile:
    """A YAML file of parameters; with `allow_substs`, `$(var name)` and `$(env NAME [default])` in it are filled in."""

    def __init__(
        self,
        param_file: SomeSubstitutionsType | os.PathLike[str],
        *,
        allow_substs: bool | SomeSubstitutionsType = False,
    ) -> None:
        """Keep the path."""
        path = os.fspath(param_file) if isinstance(param_file, os.PathLike) else param_file
        self.param_file = normalize_to_list_of_substitutions(path)
        self.allow_substs = normalize_typed_substitution(allow_substs, bool)

    def evaluate(self, context: LaunchContext) -> Path:
        """Path of the file, or of a filled-in copy that lives as long as the launch.

        Raises:
            SubstitutionFailure: the filled-in text is no YAML.
        """
        path = Path(expand(context, self.param_file))
        if not perform_typed_substitution(context, self.allow_substs, bool):
            return path
        text = fill(context, path.read_text(encoding="utf-8"))
        try:
            yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise SubstitutionFailure(
                f"parameter file '{path}', filled in, is no YAML: {' '.join(str(error).split())}"
            ) from error
        return write_params(context, text)


def write_params(context: LaunchContext, text: str) -> Path:
    """Write a parameter file that is removed at the end of the launch."""
    if _FOLDER not in context.get_locals_as_dict():
        folder = context.cleanup.enter_context(tempfile.TemporaryDirectory(prefix="launch_params_"))
        context.extend_globals({_FOLDER: folder})
    with tempfile.NamedTemporaryFile(
        "w",
        prefix="launch_params_",
        suffix=".yaml",
        dir=context.get_locals_as_dict()[_FOLDER],
        delete=False,
        encoding="utf-8",
    ) as file:
        file.write(text)
    return Path(file.name)


def __getattr__(name: str) -> object:
    """Name what a full ROS 2 would have here."""
    raise missing(__name__, name)
