"""``doctor``: looks at the machine that the loop shall run on, and says what to fix."""

from vlmrl_ros.nodes.doctor.command import main

__all__ = ["main"]
