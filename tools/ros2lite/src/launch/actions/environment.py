"""Set, unset, extend, remember and restore environment variables."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from launch.action import Action
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.utilities import expand, normalize_to_list_of_substitutions
from launch.utilities.type_utils import normalize_typed_substitution, perform_typed_substitution

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext


class SetEnvironmentVariable(Action):
    """Sets a variable for the children to come."""

    def __init__(self, name: SomeSubstitutionsType, value: SomeSubstitutionsType, **kwargs: Any) -> None:
        """Set `name` to `value`."""
        super().__init__(**kwargs)
        self.name = normalize_to_list_of_substitutions(name)
        self.value = normalize_to_list_of_substitutions(value)

    def execute(self, context: LaunchContext) -> None:
        """See the class."""
        context.environment[expand(context, self.name)] = expand(context, self.value)


class UnsetEnvironmentVariable(Action):
    """Removes a variable, if it is there."""

    def __init__(self, name: SomeSubstitutionsType, **kwargs: Any) -> None:
        """Remove `name`."""
        super().__init__(**kwargs)
        self.name = normalize_to_list_of_substitutions(name)

    def execute(self, context: LaunchContext) -> None:
        """See the class."""
        context.environment.pop(expand(context, self.name), None)


class AppendEnvironmentVariable(Action):
    """Extends a variable, or sets it if it is not there."""

    def __init__(
        self,
        name: SomeSubstitutionsType,
        value: SomeSubstitutionsType,
        prepend: bool | SomeSubstitutionsType = False,
        separator: SomeSubstitutionsType = os.pathsep,
        **kwargs: Any,
    ) -> None:
        """Put `value` behind (or before) what `name` holds, with `separator` between."""
        super().__init__(**kwargs)
        self.name = normalize_to_list_of_substitutions(name)
        self.value = normalize_to_list_of_substitutions(value)
        self.prepend = normalize_typed_substitution(prepend, bool)
        self.separator = normalize_to_list_of_substitutions(separator)

    def execute(self, context: LaunchContext) -> None:
        """See the class."""
        name, value = expand(context, self.name), expand(context, self.value)
        parts = [context.environment[name], value] if name in context.environment else [value]
        if perform_typed_substitution(context, self.prepend, bool):
            parts.reverse()
        context.environment[name] = expand(context, self.separator).join(parts)


class PushEnvironment(Action):
    """Remembers the environment."""

    def execute(self, context: LaunchContext) -> None:
        """See the class."""
        context.push_environment()


class PopEnvironment(Action):
    """Returns to the environment remembered last."""

    def execute(self, context: LaunchContext) -> None:
        """See the class."""
        context.pop_environment()


class ResetEnvironment(Action):
    """Returns to the environment the launch started with."""

    def execute(self, context: LaunchContext) -> None:
        """See the class."""
        context.reset_environment()
