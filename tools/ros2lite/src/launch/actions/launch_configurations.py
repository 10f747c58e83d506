"""Set, unset, remember and restore launch configurations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from launch.action import Action
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.utilities import expand, normalize_to_list_of_substitutions
from ros2lite.errors import Ros2LiteError

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

Configurations = Mapping[Any, SomeSubstitutionsType]


class SetLaunchConfiguration(Action):
    """Sets a launch configuration."""

    def __init__(self, name: SomeSubstitutionsType, value: SomeSubstitutionsType, **kwargs: Any) -> None:
        """Set `name` to `value`."""
        super().__init__(**kwargs)
        self.name = normalize_to_list_of_substitutions(name)
        self.value = normalize_to_list_of_substitutions(value)

    def execute(self, context: LaunchContext) -> None:
        """See the class."""
        context.launch_configurations[expand(context, self.name)] = expand(context, self.value)


class UnsetLaunchConfiguration(Action):
    """Removes a launch configuration."""

    def __init__(self, name: SomeSubstitutionsType, **kwargs: Any) -> None:
        """Remove `name`."""
        super().__init__(**kwargs)
        self.name = normalize_to_list_of_substitutions(name)

    def execute(self, context: LaunchContext) -> None:
        """See the class.

        Raises:
            Ros2LiteError: it is not set.
        """
        name = expand(context, self.name)
        if context.launch_configurations.pop(name, None) is None:
            raise Ros2LiteError(f"launch configuration '{name}' cannot be unset: it is not set")


class PushLaunchConfigurations(Action):
    """Remembers all launch configurations."""

    def execute(self, context: LaunchContext) -> None:
        """See the class."""
        context.push_launch_configurations()


class PopLaunchConfigurations(Action):
    """Returns to the launch configurations remembered last."""

    def execute(self, context: LaunchContext) -> None:
        """See the class."""
        context.pop_launch_configurations()


class ResetLaunchConfigurations(Action):
    """Removes all launch configurations but those it is given."""

    def __init__(self, launch_configurations: Configurations | None = None, **kwargs: Any) -> None:
        """Keep only `launch_configurations`, computed before the others go."""
        super().__init__(**kwargs)
        self.launch_configurations = dict(launch_configurations or {})

    def execute(self, context: LaunchContext) -> None:
        """See the class."""
        kept = {expand(context, name): expand(context, value) for name, value in self.launch_configurations.items()}
        context.launch_configurations.clear()
        context.launch_configurations.update(kept)
