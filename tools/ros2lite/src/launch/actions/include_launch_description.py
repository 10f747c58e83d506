"""Launch files within launch files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from launch.action import Action
from launch.actions.launch_configurations import SetLaunchConfiguration
from launch.actions.opaque_function import OpaqueFunction
from launch.launch_description import LaunchDescription
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.launch_description_source import LaunchDescriptionSource
from launch.launch_description_sources import AnyLaunchDescriptionSource
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.utilities import expand
from ros2lite.errors import Ros2LiteError

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

_FILE, _FOLDER = "current_launch_file_path", "current_launch_file_directory"
Arguments = Iterable[tuple[SomeSubstitutionsType, SomeSubstitutionsType]]


class IncludeLaunchDescription(Action):
    """Visits another description with arguments, which stay set afterwards unless a group around it ends them."""

    def __init__(
        self,
        launch_description_source: LaunchDescriptionSource | SomeSubstitutionsType,
        *,
        launch_arguments: Arguments | Mapping[Any, SomeSubstitutionsType] | None = None,
        **kwargs: Any,
    ) -> None:
        """Include the source (or the file at this path) with `launch_arguments`, pairs of name and value."""
        super().__init__(**kwargs)
        if not isinstance(launch_description_source, LaunchDescriptionSource):
            launch_description_source = AnyLaunchDescriptionSource(launch_description_source)
        pairs = launch_arguments.items() if isinstance(launch_arguments, Mapping) else launch_arguments
        self.launch_description_source = launch_description_source
        self.launch_arguments = tuple(pairs or ())

    def get_sub_entities(self) -> list[LaunchDescriptionEntity]:
        """See the base class."""
        description = self.launch_description_source.try_get_launch_description_without_context()
        return [] if description is None else [description]

    def execute(self, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        """Load the description, set the arguments and visit it.

        Raises:
            Ros2LiteError: a required argument is missing.
        """
        description = self.launch_description_source.get_launch_description(context)
        given = {expand(context, name) for name, _ in self.launch_arguments}
        self._check_required(description, given | set(context.launch_configurations))
        before = {key: value for key, value in context.get_locals_as_dict().items() if key in (_FILE, _FOLDER)}
        path = os.path.abspath(self.launch_description_source.location)
        if os.path.exists(path):
            context.extend_locals({_FILE: path, _FOLDER: os.path.dirname(path)})
        settings = [SetLaunchConfiguration(name, value) for name, value in self.launch_arguments]
        restore = OpaqueFunction(function=lambda context: context.extend_locals(before))
        return [*settings, description, restore]

    def _check_required(self, description: LaunchDescription, given: set[str]) -> None:
        for argument in description.get_launch_arguments():
            if argument.default_value is None and not argument.conditionally_included and argument.name not in given:
                raise Ros2LiteError(
                    f"launch file '{self.launch_description_source.location}' misses the required argument "
                    f"'{argument.name}' ({argument.description}); given: {', '.join(sorted(given)) or 'none'}"
                )
