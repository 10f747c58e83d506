"""What an output plug-in is: it turns a motion into the messages of one kind of controller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from vlmrl_ros.core.drive import Motion


class Output(Protocol):
    """Entry point: ``build(shell, arm, options) -> Output`` (group ``vlmrl_ros.outputs``).

    The bridge sends a motion at the output's rate, and at once when a command comes. A motion that is ``still`` must
    stop the arm: a velocity of exactly zero, or the position where it is.
    """

    needs_joints: bool
    """The motion must hold joint positions and velocities; the bridge then needs the arm's model."""

    options: Mapping[str, Any]
    """Every option in force, by name."""

    def send(self, motion: Motion) -> None:
        """Publish one motion."""
