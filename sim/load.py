"""Tasks and operators by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vlmrl_ros.core import registry
from vlmrl_ros.core.interfaces import Task


def build(name: str, config: Mapping[str, Any]) -> Task:
    """Make a task.

    Args:
        name: a registered task, ``gym:<id>`` for a Gymnasium environment, or ``dm:<name>`` for one of dm_control.
        config: deviations from the task's defaults.

    Raises:
        UnknownNameError: no such task or option; the message lists those that exist.
        ConfigError: a value of the wrong type or out of range.
        PluginError: the task exists but cannot be loaded.
    """
    if name.startswith("gym:"):
        from vlmrl_ros.sim.adapters import gym  # loads gymnasium

        return gym.build(name.removeprefix("gym:"), config)
    if name.startswith("dm:"):
        from vlmrl_ros.sim.adapters import dm  # loads dm_control's environments

        return dm.build(name.removeprefix("dm:"), config)
    task: Task = registry.load("tasks", name)(config)
    return task
