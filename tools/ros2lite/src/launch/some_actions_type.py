"""Types accepted wherever a launch file may give one action or several."""

from __future__ import annotations

from collections.abc import Iterable

from launch.action import Action

SomeActionsType = Action | Iterable[Action]
