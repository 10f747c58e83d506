"""Base of conditions on actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext


class Condition:
    """Wraps a predicate on the launch context."""

    def __init__(self, *, predicate: Callable[[LaunchContext], bool] | None = None) -> None:
        """Use `predicate`; without one the condition always holds."""
        self._predicate = predicate

    def evaluate(self, context: LaunchContext) -> bool:
        """Decide for this context."""
        return self._predicate is None or self._predicate(context)

    def describe(self) -> str:
        """Short text for messages."""
        return repr(self)
