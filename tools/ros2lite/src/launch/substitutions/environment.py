"""What the machine around the launch provides: variables, programs, command output, files."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution
from launch.substitutions.substitution_failure import SubstitutionFailure
from launch.utilities import expand, normalize_to_list_of_substitutions, perform_substitutions

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

_ON_STDERR = ("fail", "ignore", "warn", "capture")


class EnvironmentVariable(Substitution):
    """Value of an environment variable."""

    def __init__(self, name: SomeSubstitutionsType, *, default_value: SomeSubstitutionsType | None = None) -> None:
        """Look up `name`, or fall back on `default_value`."""
        self.name = normalize_to_list_of_substitutions(name)
        self.default_value = None if default_value is None else normalize_to_list_of_substitutions(default_value)

    def describe(self) -> str:
        """See the base class."""
        return f"EnvVar({' + '.join(part.describe() for part in self.name)})"

    def perform(self, context: LaunchContext) -> str:
        """See the base class.

        Raises:
            SubstitutionFailure: not set and without a default.
        """
        name = perform_substitutions(context, self.name)
        if name in context.environment:
            return context.environment[name]
        if self.default_value is None:
            raise SubstitutionFailure(f"environment variable '{name}' does not exist")
        return perform_substitutions(context, self.default_value)


class FindExecutable(Substitution):
    """Path of a program on PATH."""

    def __init__(self, name: SomeSubstitutionsType) -> None:
        """Search for `name`."""
        self.name = normalize_to_list_of_substitutions(name)

    def describe(self) -> str:
        """See the base class."""
        return f"FindExec({' + '.join(part.describe() for part in self.name)})"

    def perform(self, context: LaunchContext) -> str:
        """See the base class.

        Raises:
            SubstitutionFailure: not on PATH.
        """
        name = perform_substitutions(context, self.name)
        path = shutil.which(name, path=context.environment.get("PATH"))
        if path is None:
            raise SubstitutionFailure(f"executable '{name}' not found on the PATH")
        return path


class Command(Substitution):
    """What a command prints."""

    def __init__(self, command: SomeSubstitutionsType, *, on_stderr: SomeSubstitutionsType = "fail") -> None:
        """Run `command` when needed; `on_stderr` is fail, ignore, warn or capture."""
        self.command = normalize_to_list_of_substitutions(command)
        self.on_stderr = normalize_to_list_of_substitutions(on_stderr)

    def describe(self) -> str:
        """See the base class."""
        return f"Command({' + '.join(part.describe() for part in self.command)})"

    def perform(self, context: LaunchContext) -> str:
        """See the base class.

        Raises:
            SubstitutionFailure: the command is missing, fails, or complains and may not.
        """
        text, on_stderr = expand(context, self.command), expand(context, self.on_stderr)
        if on_stderr not in _ON_STDERR:
            raise SubstitutionFailure(f"on_stderr is '{on_stderr}', expected one of {', '.join(_ON_STDERR)}")
        stderr = subprocess.STDOUT if on_stderr == "capture" else subprocess.PIPE
        try:
            done = subprocess.run(shlex.split(text), stdout=subprocess.PIPE, stderr=stderr, text=True, check=False)
        except OSError as error:
            raise SubstitutionFailure(f"command '{text}' cannot be run: {error}") from error
        said = " ".join((done.stderr or "").split())
        if done.returncode != 0 or (said and on_stderr == "fail"):
            raise SubstitutionFailure(f"command '{text}' failed with exit code {done.returncode}: {said}")
        if said and on_stderr == "warn":
            from launch.logging import get_logger

            get_logger("launch").warning("command '%s' says: %s", text, said)
        return done.stdout


class FileContent(Substitution):
    """Text of a file."""

    def __init__(self, path: SomeSubstitutionsType) -> None:
        """Read the file at `path`."""
        self.path = normalize_to_list_of_substitutions(path)

    def perform(self, context: LaunchContext) -> str:
        """See the base class.

        Raises:
            SubstitutionFailure: the file cannot be read.
        """
        path = Path(perform_substitutions(context, self.path))
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise SubstitutionFailure(f"file '{path}' cannot be read: {error.strerror}") from error
