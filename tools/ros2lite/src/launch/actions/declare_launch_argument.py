"""Arguments of a launch file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from launch.action import Action
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions
from ros2lite.errors import Ros2LiteError

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext


class DeclareLaunchArgument(Action):
    """Declares `name:=value`, with default, description and valid values."""

    def __init__(
        self,
        name: str,
        *,
        default_value: SomeSubstitutionsType | None = None,
        description: str | None = None,
        choices: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        """Declare the argument; without `default_value` it must be given.

        Raises:
            Ros2LiteError: no choices, or a default that is none of them.
        """
        super().__init__(**kwargs)
        self.name = name
        self.choices = None if choices is None else list(choices)
        self.default_value = None if default_value is None else normalize_to_list_of_substitutions(default_value)
        self.conditionally_included = False
        if self.choices is not None and (
            not self.choices or (isinstance(default_value, str) and default_value not in choices)
        ):
            raise Ros2LiteError(
                f"argument '{name}' has the default {default_value!r}, which is none of its choices {self.choices}"
            )
        self.description = _describe(description, self.choices)

    def execute(self, context: LaunchContext) -> None:
        """Set the default unless a value is there; check the value.

        Raises:
            Ros2LiteError: no value, or one that is not valid.
        """
        if self.name not in context.launch_configurations:
            if self.default_value is None:
                raise Ros2LiteError(f"Required launch argument '{self.name}' was not provided ({self.description})")
            context.launch_configurations[self.name] = perform_substitutions(context, self.default_value)
        value = context.launch_configurations[self.name]
        if self.choices is not None and value not in self.choices:
            raise Ros2LiteError(
                f"Argument '{self.name}' provided value '{value}' is not valid. Valid options are: {self.choices}"
            )


def _describe(description: str | None, choices: list[str] | None) -> str:
    if choices is None:
        return description or "no description given"
    if description is None:
        return f"One of: {choices}"
    return f"{description.removesuffix('.')}. Valid choices are: {choices}"
