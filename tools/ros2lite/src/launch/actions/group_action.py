"""Several actions with one condition and one scope."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from launch.action import Action
from launch.actions.environment import PopEnvironment, PushEnvironment, ResetEnvironment
from launch.actions.launch_configurations import (
    Configurations,
    PopLaunchConfigurations,
    PushLaunchConfigurations,
    ResetLaunchConfigurations,
    SetLaunchConfiguration,
)
from launch.launch_description_entity import LaunchDescriptionEntity

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext


class GroupAction(Action):
    """Runs actions; what they set ends with a scoped group, and what is set outside enters only a forwarding one."""

    def __init__(
        self,
        actions: Iterable[LaunchDescriptionEntity],
        *,
        scoped: bool = True,
        forwarding: bool = True,
        launch_configurations: Configurations | None = None,
        **kwargs: Any,
    ) -> None:
        """Group `actions`; `launch_configurations` are set (and kept where nothing else is forwarded) inside."""
        super().__init__(**kwargs)
        own = dict(launch_configurations or {})
        body = list(actions)
        settings = [SetLaunchConfiguration(name, value) for name, value in own.items()]
        if scoped:
            start = settings if forwarding else [ResetEnvironment(), ResetLaunchConfigurations(own)]
            body = [
                PushLaunchConfigurations(),
                PushEnvironment(),
                *start,
                *body,
                PopEnvironment(),
                PopLaunchConfigurations(),
            ]
        else:
            body = [*settings, *body]
        self._body: list[LaunchDescriptionEntity] = body

    def get_sub_entities(self) -> list[LaunchDescriptionEntity]:
        """See the base class."""
        return self._body

    def execute(self, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        """See the class."""
        return self._body
