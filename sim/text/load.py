"""Text tasks by name."""

from __future__ import annotations

from vlmrl_ros.core import registry
from vlmrl_ros.core.text_episode import TextGame


def game(name: str) -> TextGame:
    """What builds a text task, generates its data and knows its scores.

    Args:
        name: a registered text task, or ``textarena:<id>`` for a game of TextArena.

    Raises:
        UnknownNameError: no such task; the message lists those that exist.
        PluginError: the task exists but cannot be loaded.
    """
    if name.startswith("textarena:"):
        from vlmrl_ros.sim.text.arena import ArenaGame  # loads TextArena when it builds a game

        return ArenaGame(name.removeprefix("textarena:"))
    loaded: TextGame = registry.load("text_tasks", name)
    return loaded
