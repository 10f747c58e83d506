"""Types accepted wherever a launch file may give one action or several."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Union

from launch.action import Action

SomeActionsType = Union[Action, Iterable[Action]]
