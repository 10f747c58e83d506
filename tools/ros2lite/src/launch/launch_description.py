"""The list of entities a launch file returns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from launch.launch_description_entity import LaunchDescriptionEntity

if TYPE_CHECKING:
    from launch.action import Action
    from launch.actions.declare_launch_argument import DeclareLaunchArgument
    from launch.launch_context import LaunchContext


class LaunchDescription(LaunchDescriptionEntity):
    """Entities that are visited in order."""

    def __init__(
        self,
        initial_entities: Iterable[LaunchDescriptionEntity] | None = None,
        *,
        deprecated_reason: str | None = None,
    ) -> None:
        """Take the entities; a `deprecated_reason` is shown as a warning when the description is visited."""
        self.entities = list(initial_entities or [])
        self.deprecated_reason = deprecated_reason

    @property
    def deprecated(self) -> bool:
        """True if the author gave a reason not to use it."""
        return self.deprecated_reason is not None

    def visit(self, context: LaunchContext) -> Iterable[LaunchDescriptionEntity] | None:
        """See the base class."""
        if self.deprecated_reason is not None:
            from launch.logging import get_logger

            place = context.get_locals_as_dict().get("current_launch_file_path", "launch description")
            get_logger("launch").warning("%s is deprecated: %s", place, self.deprecated_reason)
        return self.entities

    def describe_sub_entities(self) -> list[LaunchDescriptionEntity]:
        """See the base class."""
        return self.entities

    def add_entity(self, entity: LaunchDescriptionEntity) -> None:
        """Append an entity."""
        self.entities.append(entity)

    def add_action(self, action: Action) -> None:
        """Append an action."""
        self.add_entity(action)

    def get_launch_arguments(self, conditional_inclusion: bool = False) -> list[DeclareLaunchArgument]:
        """Arguments declared here and in what is included, first declaration of each name, in order of appearance."""
        found: dict[str, DeclareLaunchArgument] = {}
        _collect(self.entities, conditional_inclusion, found)
        return list(found.values())


def _collect(
    entities: Iterable[LaunchDescriptionEntity], conditional: bool, found: dict[str, DeclareLaunchArgument]
) -> None:
    from launch.actions.declare_launch_argument import DeclareLaunchArgument
    from launch.actions.launch_configurations import ResetLaunchConfigurations

    for entity in entities:
        if isinstance(entity, ResetLaunchConfigurations):
            return
        if isinstance(entity, DeclareLaunchArgument) and entity.name not in found:
            entity.conditionally_included = conditional or entity.condition is not None
            found[entity.name] = entity
        _collect(entity.describe_sub_entities(), conditional, found)
        for _, subs in entity.describe_conditional_sub_entities():
            _collect(subs, True, found)
