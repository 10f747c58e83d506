"""What an output plug-in is: it turns a motion into the messages of one kind of controller."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Protocol

from vlmrl_ros.core.drive import Motion


class Space(enum.Enum):
    """What an output commands."""

    TIP = "tip"
    """The velocity of the tip; the arm needs no model here."""
    JOINT_POSITIONS = "joint positions"
    JOINT_VELOCITIES = "joint velocities"


class Output(Protocol):
    """Entry point: ``build(shell, arm, options) -> Output`` (group ``vlmrl_ros.outputs``).

    The bridge sends a motion at the output's rate, and at once when a command comes. A motion that is ``still`` must
    stop the arm: a velocity of exactly zero, or the position where it is.
    """

    space: Space
    """What it commands. Where these are joints, motions hold them, and the bridge needs the arm's model."""

    options: Mapping[str, Any]
    """Every option in force, by name."""

    def send(self, motion: Motion) -> None:
        """Publish one motion."""
