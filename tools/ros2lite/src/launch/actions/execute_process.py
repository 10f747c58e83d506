"""Processes given by a command."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from launch.actions.execute_local import ExecuteLocal
from launch.descriptions import Executable, Variables
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution


class ExecuteProcess(ExecuteLocal):
    """Runs a command."""

    def __init__(
        self,
        *,
        cmd: Iterable[SomeSubstitutionsType],
        prefix: SomeSubstitutionsType | None = None,
        name: SomeSubstitutionsType | None = None,
        cwd: SomeSubstitutionsType | None = None,
        env: Variables | None = None,
        additional_env: Variables | None = None,
        **kwargs: Any,
    ) -> None:
        """Run `cmd`; see `Executable` and `ExecuteLocal` for the arguments."""
        executable = Executable(cmd=cmd, prefix=prefix, name=name, cwd=cwd, env=env, additional_env=additional_env)
        super().__init__(process_description=executable, **kwargs)

    @property
    def cmd(self) -> list[list[Substitution]]:
        """Argument vector; computed once the process is prepared."""
        return self.process_description.cmd

    @property
    def name(self) -> str:
        """Name in the log, `exe-1`; empty before the process is prepared."""
        return self.process_description.final_name
