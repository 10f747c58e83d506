"""Base of values that are known only while a launch runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext


class Substitution:
    """A text that is computed from the launch context when it is needed."""

    def describe(self) -> str:
        """Short text for `--show-args`."""
        return repr(self)

    def perform(self, context: LaunchContext) -> str:
        """Compute the text."""
        raise NotImplementedError(f"{type(self).__name__} does not implement perform()")
