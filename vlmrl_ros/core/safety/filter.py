"""The filter of commands: Cartesian velocities, or whatever the action of a task is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.safety.axis import Axis
from vlmrl_ros.core.safety.config import SafetyConfig, one_each, workspace_walls
from vlmrl_ros.core.safety.motion import Applied, MotionFilter, Reason
from vlmrl_ros.core.spec import VectorSpec


class SafetyFilter(MotionFilter):
    """The last word on every command; see :class:`MotionFilter` for the rules.

    The action is a velocity. Stale commands count as zero; so does every command while the dead-man's button, where one
    is configured, is not held or not heard of.
    """

    def __init__(self, action: VectorSpec, dt_s: float, config: SafetyConfig | None = None) -> None:
        """Check the limits against the task.

        Args:
            action: spec of the command; zero is allowed whatever its bounds say.
            dt_s: length of a control step, s.
            config: the limits.

        Raises:
            ConfigError: a list of the wrong length, an empty box, or a box although the action has no translation.
        """
        self.config = config or SafetyConfig()
        speed, acceleration, jerk = (
            one_each(name, getattr(self.config, name), action.names) for name in ("velocity", "acceleration", "jerk")
        )
        high = np.maximum(np.minimum(action.high, speed), 0.0).tolist()
        low = np.minimum(np.maximum(action.low, np.negative(speed)), 0.0).tolist()
        axes = [Axis(*limits) for limits in zip(low, high, acceleration, jerk, strict=True)]
        walls = workspace_walls(self.config, action.names)
        super().__init__(action.names, action.units, axes, walls, dt_s, self.config.beyond)
        self._gripped_s: float | None = None

    def hear_dead_man(self, held: bool, now_s: float) -> None:
        """Take one reading of the dead-man's button.

        Args:
            held: it is pressed.
            now_s: time of reception on a steady clock, s.
        """
        self._gripped_s = now_s if held else None

    def apply(
        self,
        command: npt.NDArray[Any] | None,
        age_s: float = 0.0,
        tip: npt.NDArray[Any] | None = None,
        now_s: float = 0.0,
    ) -> Applied:
        """Make one command safe.

        Args:
            command: float (A,) in the units of the spec; None when nothing came.
            age_s: how old the command is, s.
            tip: position of the tip, float (3,), m, in base_link; None when the task does not know it.
            now_s: steady clock, s, as in :meth:`hear_dead_man`; without a dead-man it does not matter.

        Returns:
            what to carry out, and why it differs from the command.
        """
        distrust = None
        if self._released(now_s):
            distrust = Reason.DEAD_MAN
        elif command is not None and not age_s <= self.config.command_timeout_s:
            distrust = Reason.STALE
        return self._limit(command, tip, distrust)

    def _released(self, now_s: float) -> bool:
        if self.config.dead_man_button < 0:
            return False
        return self._gripped_s is None or not 0 <= now_s - self._gripped_s <= self.config.dead_man_timeout_s
