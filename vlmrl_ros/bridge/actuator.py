"""Between the safety filter and the output: keeps telling the arm its motion, and stops it when nobody says more."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from vlmrl_ros.bridge.arm_inputs import ArmInputs
from vlmrl_ros.bridge.outputs.output import Output, Space
from vlmrl_ros.bridge.shell import Shell
from vlmrl_ros.core.arm import ArmDescription
from vlmrl_ros.core.arm_features import ArmState
from vlmrl_ros.core.drive import Drive, Motion
from vlmrl_ros.core.safety import JointFilter, JointLimits
from vlmrl_ros.core.spec import FloatArray, VectorSpec

Array = npt.NDArray[np.float64]

SETTLE_S = 0.2
"""Time in which an arm that takes joint velocities makes good what it lags behind."""


class JointModel(Protocol):
    """Forward and inverse kinematics; see :class:`vlmrl_ros.sim.arm_model.ArmModel`."""

    limits: JointLimits
    """Of the joints, for the joint filter."""

    def locate(self, joints_rad: Array) -> tuple[Array, Array]:
        """Pose of the tip."""

    def follow(self, joints_rad: Array, position: Array, quaternion: Array, dt_s: float) -> Array:
        """Joint velocities that lead to a pose."""


class Actuator:
    """Holds the newest action until its deadline and sends a motion at the output's rate."""

    def __init__(
        self,
        shell: Shell[Any],
        arm: ArmDescription,
        action: VectorSpec,
        inputs: ArmInputs,
        output: Output,
        joints: tuple[JointModel, JointFilter] | None,
    ) -> None:
        """Begin at rest; nothing is sent before :meth:`start`.

        Args:
            shell: the node.
            arm: its description.
            action: spec of the action.
            inputs: where the newest tip and joints come from.
            output: the plug-in.
            joints: kinematics and joint limits, for outputs that command joints.
        """
        self._shell, self._inputs, self._output = shell, inputs, output
        self._joints = joints
        self._orientation = np.array(arm.home.orientation) if arm.home.orientation else None
        self._turns = arm.action.angular > 0
        self._drive = Drive(action, arm.action.leash_m, (arm.limits.workspace_low, arm.limits.workspace_high))
        self._period_s = arm.output.period_s
        self._until_s = 0.0
        self._sent_s = 0.0
        self._tip: Array | None = None
        self._held = np.zeros(0)

    def start(self) -> None:
        """Begin to send."""
        self._timer = self._shell.steady_timer(self._period_s, self._send)

    def end(self) -> None:
        """Stop the arm and send no more."""
        self.stop()
        self._shell.destroy_timer(self._timer)

    def anchor(self, state: ArmState) -> None:
        """The arm is here and at rest: at the start, and after its topics were silent."""
        # An arm whose orientation is not commanded keeps the one that it has when it is first seen.
        first = self._tip is None and self._orientation is None
        kept = state.tip_quaternion if first or self._turns else self._orientation
        self._drive.anchor(state.tip, kept)
        self._tip, self._held = state.tip, state.joints

    def hold(self, action: FloatArray, until_s: float) -> None:
        """Carry out float32 (A,), that the safety filter has passed, until a time on the steady clock, s."""
        self._drive.hold(action)
        self._until_s = until_s
        if self._output.space is Space.TIP or not action.any():
            self._send()

    def stop(self) -> None:
        """Stand still, at once."""
        self._drive.halt()
        self._send()

    def lag(self, tip: Array) -> Array:
        """Desired minus real tip, float64 (3,), m."""
        return self._drive.lag(tip)

    def _send(self) -> None:
        if self._tip is None:
            return  # nobody knows yet where the arm is
        now_s = time.monotonic()
        if now_s > self._until_s:
            self._drive.halt()
        tip = self._inputs.tip_now()
        if self._inputs.silent():  # at the output's rate: the next tick may be too late
            self._drive.halt()
        if tip is not None:
            self._tip = tip
        elapsed_s = min(max(now_s - self._sent_s, 1e-3), 2 * self._period_s)
        self._sent_s = now_s
        motion = self._drive.advance(self._tip, elapsed_s)
        self._output.send(motion if self._joints is None else self._with_joints(motion, *self._joints))

    def _with_joints(self, motion: Motion, model: JointModel, limits: JointFilter) -> Motion:
        """Add what the joints do; a motion that is still leaves them where they are."""
        if motion.still:
            limits.restart()
            return replace(motion, joints=self._held, joint_velocities=np.zeros(len(self._held)))
        if self._output.space is Space.JOINT_POSITIONS:
            wanted = model.follow(self._held, motion.position, motion.quaternion, self._period_s)
            velocities = self._limited(limits, wanted, self._held)
            self._held = self._held + velocities * self._period_s
            return replace(motion, joints=self._held, joint_velocities=velocities)
        measured = self._inputs.joints_now()
        if measured is None:
            limits.restart()
            return replace(motion, joints=self._held, joint_velocities=np.zeros(len(self._held)))
        ahead = motion.position + motion.twist[:3] * SETTLE_S
        wanted = model.follow(measured, ahead, motion.quaternion, SETTLE_S)
        self._held = measured
        return replace(motion, joints=measured, joint_velocities=self._limited(limits, wanted, measured))

    def _limited(self, limits: JointFilter, wanted: Array, positions: Array) -> Array:
        """Joint velocities within the limits; a change shows in diagnostics."""
        applied = limits.apply(wanted, positions)
        if applied.reasons:
            for reason in applied.reasons:
                self._shell.diagnostics.count(f"joints limited by {reason.value}")
            self._shell.diagnostics.value("joints limited because", limits.explain())
        return applied.action.astype(np.float64)
