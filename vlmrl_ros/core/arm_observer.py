"""From the state of an arm at each tick to what the bridge publishes of a step. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.arm import ArmDescription
from vlmrl_ros.core.arm_features import ArmState, Features, OwnMotion
from vlmrl_ros.core.spec import FloatArray
from vlmrl_ros.core.types import Observation

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sight:
    """What is seen at one step: the observation, the scene by name in SI units, and whether the tip is in the goal."""

    observation: Observation
    scene: Mapping[str, float]
    in_goal: bool


class ArmObserver:
    """Follows the tip from tick to tick."""

    def __init__(self, arm: ArmDescription) -> None:
        """Lay out the features.

        Raises:
            ShapeError: two components of one vector have the same name.
        """
        self._success = arm.success
        self._features = Features(arm.observation, arm)
        self._scene = Features(arm.scene, arm) if arm.scene else None
        self._before: ArmState | None = None
        self._velocity = np.zeros(3)

    def follow(self, state: ArmState) -> None:
        """Take the state of a tick, whether a step is made of it or not."""
        before, self._before = self._before, state
        if before is not None and state.tip_stamp_ns > before.tip_stamp_ns:
            elapsed_s = (state.tip_stamp_ns - before.tip_stamp_ns) * 1e-9
            self._velocity = (state.tip - before.tip) / elapsed_s

    def lose(self) -> None:
        """A tick without a state: where the tip was before says nothing of its velocity now."""
        self._before = None
        self._velocity = np.zeros(3)

    def see(self, state: ArmState, lag: Array, previous: FloatArray) -> Sight:
        """Make a step of the state that was followed last.

        Args:
            state: of this tick.
            lag: desired minus real tip, float64 (3,), m.
            previous: the action executed at the step before, float32 (A,); zeros at the first of an episode.
        """
        motion = OwnMotion(self._velocity, lag, previous)
        scene: Mapping[str, float] = {}
        if self._scene is not None:
            values = self._scene.vector(state, motion).tolist()
            scene = dict(zip(self._scene.spec.names, values, strict=True))
        observation: Observation = {"state": self._features.vector(state, motion), **state.frames}
        return Sight(observation, scene, self._in_goal(state))

    def _in_goal(self, state: ArmState) -> bool:
        if self._success.test != "pose":
            return False
        away = state.tip - state.poses[self._success.of]
        return bool((away >= self._success.low).all() and (away <= self._success.high).all())
