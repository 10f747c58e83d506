"""What a process action starts."""

from __future__ import annotations

import itertools
import os
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitutions.launch_configuration import LaunchConfiguration
from launch.utilities import expand, normalize_to_list_of_substitutions

if TYPE_CHECKING:
    from launch.action import Action
    from launch.launch_context import LaunchContext

_NUMBERS = itertools.count(1)
Variables = Mapping[str, SomeSubstitutionsType]


class Executable:
    """Command, folder and environment of a process; computed by `prepare`."""

    def __init__(
        self,
        *,
        cmd: Iterable[SomeSubstitutionsType],
        prefix: SomeSubstitutionsType | None = None,
        name: SomeSubstitutionsType | None = None,
        cwd: SomeSubstitutionsType | None = None,
        env: Variables | None = None,
        additional_env: Variables | None = None,
    ) -> None:
        """Describe the process.

        Args:
            cmd: argument vector; each entry may be put together from several parts.
            prefix: command put before it; default is the launch configuration `launch-prefix`, which
                `launch-prefix-filter` limits to programs whose name matches.
            name: shown in the log instead of the program's name.
            cwd: working directory.
            env: the whole environment, instead of the launch's.
            additional_env: variables on top of it.
        """
        self.cmd = [normalize_to_list_of_substitutions(part) for part in cmd]
        self.prefix = None if prefix is None else normalize_to_list_of_substitutions(prefix)
        self.name = None if name is None else normalize_to_list_of_substitutions(name)
        self.cwd = None if cwd is None else normalize_to_list_of_substitutions(cwd)
        self.env = env
        self.additional_env = additional_env
        self.final_cmd: list[str] = []
        self.final_cwd: str | None = None
        self.final_env: dict[str, str] = {}
        self.final_name = ""

    def prepare(self, context: LaunchContext, action: Action) -> None:
        """Compute everything and number the process."""
        cmd = [expand(context, part) for part in self.cmd]
        self.final_cmd = [*self._prefix(context, os.path.basename(cmd[0])), *cmd]
        name = os.path.basename(self.final_cmd[0]) if self.name is None else expand(context, self.name)
        self.final_name = f"{name}-{next(_NUMBERS)}"
        self.final_cwd = None if self.cwd is None else expand(context, self.cwd)
        base = dict(context.environment) if self.env is None else _computed(context, self.env)
        self.final_env = base | _computed(context, self.additional_env or {})

    def _prefix(self, context: LaunchContext, program: str) -> list[str]:
        if self.prefix is not None:
            return shlex.split(expand(context, self.prefix))
        wanted = expand(context, LaunchConfiguration("launch-prefix-filter", default=""))
        if wanted and re.match(wanted, program) is None:
            return []
        return shlex.split(expand(context, LaunchConfiguration("launch-prefix", default="")))


def _computed(context: LaunchContext, variables: Variables) -> dict[str, str]:
    return {expand(context, name): expand(context, value) for name, value in variables.items()}
