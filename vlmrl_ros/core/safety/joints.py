"""The filter of joint velocities, behind inverse kinematics: for arms that are commanded in joint space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from vlmrl_ros.core.safety.axis import Axis
from vlmrl_ros.core.safety.config import JointLimits, joint_walls, one_each
from vlmrl_ros.core.safety.motion import Applied, MotionFilter, Reason


class JointFilter(MotionFilter):
    """Limits of position, velocity, acceleration and jerk for each joint; see :class:`MotionFilter` for the rules.

    For an arm that takes positions, command the velocity ``(goal - held) / dt_s``, judge it at ``held``, and hold and
    send ``held + applied.action * dt_s`` from then on.
    """

    _beyond_wall = Reason.POSITION
    _place_unknown = Reason.JOINTS_UNKNOWN

    def __init__(self, names: Sequence[str], dt_s: float, limits: JointLimits | None = None) -> None:
        """Check the limits against the joints.

        Args:
            names: of the joints, in the order of the commands.
            dt_s: length of a control step, s.
            limits: none by default.

        Raises:
            ConfigError: a list of the wrong length, or an empty range of positions.
        """
        limits = limits or JointLimits()
        speed, acceleration, jerk = (
            one_each(name, getattr(limits, name), names) for name in ("velocity", "acceleration", "jerk")
        )
        axes = [Axis(-v, v, a, j) for v, a, j in zip(speed, acceleration, jerk, strict=True)]
        super().__init__(names, ["rad/s"] * len(names), axes, joint_walls(limits, names), dt_s, limits.beyond)

    def apply(self, velocity: npt.NDArray[Any] | None, position: npt.NDArray[Any] | None = None) -> Applied:
        """Make one command safe.

        Args:
            velocity: float (J,), rad/s; None when there is none: the joints are braked to rest.
            position: float (J,), rad: measured where the arm takes velocities, the last one sent where it takes
                positions. Needed where there are limits of position.

        Returns:
            the velocities to carry out, and why they differ from the command.
        """
        return self._limit(velocity, position, None)
