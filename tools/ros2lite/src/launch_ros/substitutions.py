"""Packages, their executables, and parameters set for all nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution
from launch.substitutions import PathJoinSubstitution, SubstitutionFailure
from launch.substitutions.launch_configuration import default_text
from launch.utilities import expand, normalize_to_list_of_substitutions
from ros2lite import packages
from ros2lite.errors import UnknownNameError, missing

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

__all__ = ["ExecutableInPackage", "FindPackage", "FindPackagePrefix", "FindPackageShare", "Parameter"]


class FindPackage(Substitution):
    """A place that belongs to a package."""

    def __init__(self, package: SomeSubstitutionsType) -> None:
        """Find `package`."""
        self.package = normalize_to_list_of_substitutions(package)

    def find(self, package_name: str) -> str:
        """The place."""
        raise NotImplementedError(f"{type(self).__name__} does not implement find()")

    def describe(self) -> str:
        """See the base class."""
        return f"{type(self).__name__}(pkg={' + '.join(part.describe() for part in self.package)})"

    def perform(self, context: LaunchContext) -> str:
        """See the base class.

        Raises:
            SubstitutionFailure: unknown package.
        """
        try:
            return self.find(expand(context, self.package))
        except UnknownNameError as error:
            raise SubstitutionFailure(str(error)) from error


class FindPackagePrefix(FindPackage):
    """Prefix a package is installed in."""

    def find(self, package_name: str) -> str:
        """See the base class."""
        return str(packages.package_prefix(package_name))


class FindPackageShare(FindPackage):
    """Share folder of a package."""

    def find(self, package_name: str) -> str:
        """See the base class."""
        return str(packages.package_share(package_name))

    def __truediv__(self, part: SomeSubstitutionsType) -> PathJoinSubstitution:
        """`share / part`, as with pathlib."""
        return PathJoinSubstitution([self, part])


class ExecutableInPackage(FindPackage):
    """Path of an executable of a package."""

    def __init__(self, executable: SomeSubstitutionsType, package: SomeSubstitutionsType) -> None:
        """Find `executable` of `package`."""
        super().__init__(package)
        self.executable = normalize_to_list_of_substitutions(executable)

    def describe(self) -> str:
        """See the base class."""
        return f"ExecInPkg(pkg={self.package}, exec={self.executable})"

    def perform(self, context: LaunchContext) -> str:
        """See the base class.

        Raises:
            SubstitutionFailure: unknown package or executable.
        """
        try:
            return str(packages.executable(expand(context, self.package), expand(context, self.executable)))
        except UnknownNameError as error:
            raise SubstitutionFailure(str(error)) from error


class Parameter(Substitution):
    """Value of a parameter that SetParameter set before."""

    def __init__(self, name: SomeSubstitutionsType, *, default: Any = None) -> None:
        """Look up `name`, or fall back on `default`."""
        self.name = normalize_to_list_of_substitutions(name)
        self._default = None if default is None else default_text(default)

    def perform(self, context: LaunchContext) -> str:
        """See the base class.

        Raises:
            SubstitutionFailure: not set and without a default.
        """
        name = expand(context, self.name)
        pairs = (entry for entry in context.launch_configurations.get("global_params", []) if isinstance(entry, tuple))
        values = [value for key, value in pairs if key == name]
        if values:
            return str(values[-1])
        if self._default is None:
            raise SubstitutionFailure(f"parameter '{name}' was not set")
        return expand(context, self._default)


def __getattr__(name: str) -> object:
    """Name what a full ROS 2 would have here."""
    raise missing(__name__, name)
