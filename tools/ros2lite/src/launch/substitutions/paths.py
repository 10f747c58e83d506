"""Paths and names that depend on the running launch."""

from __future__ import annotations

import os
import re
import secrets
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING

from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution
from launch.substitutions.substitution_failure import SubstitutionFailure
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext


class PathJoinSubstitution(Substitution):
    """Parts joined by slashes; a part may itself be a list, whose members are put together first."""

    def __init__(self, substitutions: Iterable[SomeSubstitutionsType]) -> None:
        """Join `substitutions`."""
        self.substitutions = [normalize_to_list_of_substitutions(part) for part in substitutions]

    def describe(self) -> str:
        """See the base class."""
        parts = " / ".join(" + ".join(sub.describe() for sub in part) for part in self.substitutions)
        return f"PathJoin({parts})"

    def perform(self, context: LaunchContext) -> str:
        """See the base class."""
        return os.path.join(*(perform_substitutions(context, part) for part in self.substitutions))

    def __truediv__(self, part: SomeSubstitutionsType) -> PathJoinSubstitution:
        """`path / part`, as with pathlib."""
        return PathJoinSubstitution([*self.substitutions, part])


class _FromLocals(Substitution):
    local = ""

    def describe(self) -> str:
        """See the base class."""
        return f"{type(self).__name__}()"

    def perform(self, context: LaunchContext) -> str:
        """See the base class.

        Raises:
            SubstitutionFailure: used outside of a launch file.
        """
        values = context.get_locals_as_dict()
        if self.local not in values:
            raise SubstitutionFailure(f"{type(self).__name__} used outside of a launch file")
        return values[self.local]


class ThisLaunchFile(_FromLocals):
    """Path of the launch file that is being read."""

    local = "current_launch_file_path"


class ThisLaunchFileDir(_FromLocals):
    """Folder of the launch file that is being read."""

    local = "current_launch_file_directory"


class LaunchLogDir(Substitution):
    """Folder of this launch's log files."""

    def describe(self) -> str:
        """See the base class."""
        return "LaunchLogDir()"

    def perform(self, context: LaunchContext) -> str:
        """See the base class."""
        from launch.logging import launch_config

        return launch_config.log_dir


class AnonName(Substitution):
    """A name made unique on this machine; the same everywhere in one launch."""

    def __init__(self, name: SomeSubstitutionsType) -> None:
        """Extend `name`."""
        self.name = normalize_to_list_of_substitutions(name)

    def perform(self, context: LaunchContext) -> str:
        """See the base class."""
        name = perform_substitutions(context, self.name)
        unique = f"{name}_{socket.gethostname()}_{os.getpid()}_{secrets.randbits(63)}"
        return context.launch_configurations.setdefault(f"anon{name}", re.sub(r"[.:-]", "_", unique))
