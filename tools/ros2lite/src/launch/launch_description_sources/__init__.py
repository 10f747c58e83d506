"""Launch files written in Python."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from launch.invalid_launch_file_error import InvalidLaunchFileError
from launch.launch_description import LaunchDescription
from launch.launch_description_source import LaunchDescriptionSource
from launch.some_substitutions_type import SomeSubstitutionsType
from ros2lite.errors import MissingFeatureError, Ros2LiteError, missing

__all__ = [
    "AnyLaunchDescriptionSource",
    "PythonLaunchDescriptionSource",
    "get_launch_description_from_any_launch_file",
    "get_launch_description_from_python_launch_file",
]

_FUNCTION = "generate_launch_description"
_STAND_INS = (
    "launch",
    "launch_ros",
    "launch_xml",
    "launch_yaml",
    "launch_testing",
    "launch_testing_ros",
    "launch_pytest",
)


class PythonLaunchDescriptionSource(LaunchDescriptionSource):
    """Loads a Python launch file."""

    def __init__(self, launch_file_path: SomeSubstitutionsType) -> None:
        """Load from this path."""
        super().__init__(None, launch_file_path, "interpreted python launch file")

    def _load(self, path: str) -> LaunchDescription:
        return get_launch_description_from_python_launch_file(path)


class AnyLaunchDescriptionSource(LaunchDescriptionSource):
    """Loads a launch file of any format that is covered: Python."""

    def __init__(self, launch_file_path: SomeSubstitutionsType) -> None:
        """Load from this path."""
        super().__init__(None, launch_file_path, "any launch file")

    def _load(self, path: str) -> LaunchDescription:
        return get_launch_description_from_any_launch_file(path)


def get_launch_description_from_any_launch_file(launch_file_path: str) -> LaunchDescription:
    """Load a launch file.

    Raises:
        MissingFeatureError: it is not written in Python.
        Ros2LiteError: see `get_launch_description_from_python_launch_file`.
    """
    suffix = Path(launch_file_path).suffix
    if suffix != ".py":
        raise MissingFeatureError(f"launch file format '{suffix}' of '{launch_file_path}'", "covered: .py")
    return get_launch_description_from_python_launch_file(launch_file_path)


def get_launch_description_from_python_launch_file(launch_file_path: str) -> LaunchDescription:
    """Execute the file and call its `generate_launch_description`.

    Raises:
        Ros2LiteError: no such file.
        InvalidLaunchFileError: it does not compile, or returns no launch description.
        MissingFeatureError: it imports a launch module that is not covered.
    """
    path = Path(launch_file_path)
    if not path.is_file():
        raise Ros2LiteError(f"launch file '{path}' not found")
    description = _generate(path)
    if not isinstance(description, LaunchDescription):
        raise InvalidLaunchFileError(
            message=f"{_FUNCTION}() of '{path}' returned {description!r}, expected a LaunchDescription"
        )
    return description


def _generate(path: Path) -> object:
    try:
        generate = getattr(_execute(path), _FUNCTION, None)
        if not callable(generate):
            raise InvalidLaunchFileError(message=f"launch file '{path}' has no function {_FUNCTION}()")
        return generate()
    except Ros2LiteError:
        raise
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in _STAND_INS:
            raise MissingFeatureError(str(error.name), f"imported by '{path}'") from error
        raise InvalidLaunchFileError(message=f"launch file '{path}': {error}") from error
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        line = getattr(error, "lineno", None) or (lines[-1] if lines else "?")
        message = f"launch file '{path}', line {line}: {type(error).__name__}: {error}"
        raise InvalidLaunchFileError(message=message) from error


def _execute(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("python_launch_file", path)
    if spec is None or spec.loader is None:
        raise InvalidLaunchFileError(message=f"launch file '{path}' is no Python file")
    module = importlib.util.module_from_spec(spec)
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writes_bytecode
    return module


def __getattr__(name: str) -> object:
    """Name what a full ROS 2 would have here."""
    raise missing(__name__, name)
