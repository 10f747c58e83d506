"""Values given as `name:=value` or set by the launch file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution
from launch.substitutions.substitution_failure import SubstitutionFailure
from launch.utilities import expand, normalize_to_list_of_substitutions, perform_substitutions

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext


class LaunchConfiguration(Substitution):
    """Value of a launch configuration."""

    def __init__(self, variable_name: SomeSubstitutionsType, *, default: Any = None) -> None:
        """Look up `variable_name`, or fall back on `default` (anything; lists are joined)."""
        self.variable_name = normalize_to_list_of_substitutions(variable_name)
        self._default = None if default is None else default_text(default)

    def describe(self) -> str:
        """See the base class."""
        return f"LaunchConfig({' + '.join(part.describe() for part in self.variable_name)})"

    def perform(self, context: LaunchContext) -> str:
        """See the base class.

        Raises:
            SubstitutionFailure: not set and without a default.
        """
        name = perform_substitutions(context, self.variable_name)
        if name in context.launch_configurations:
            return context.launch_configurations[name]
        if self._default is None:
            known = ", ".join(sorted(context.launch_configurations)) or "none"
            raise SubstitutionFailure(f"launch configuration '{name}' does not exist; set here: {known}")
        return expand(context, self._default)


def default_text(default: Any) -> list[Substitution]:
    """Any default as substitutions; what is neither text nor substitution is written as Python does."""
    parts = (
        [default] if isinstance(default, (str, Substitution)) or not isinstance(default, Iterable) else list(default)
    )
    return normalize_to_list_of_substitutions(
        [part if isinstance(part, (str, Substitution)) else str(part) for part in parts]
    )
