"""From what the topics say of an arm to the named vectors ``observation/state`` and ``scene``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.arm import ArmDescription
from vlmrl_ros.core.arm_sections import KINDS, ActionConfig, FeatureConfig
from vlmrl_ros.core.spec import CameraSpec, FloatArray, TaskSpec, VectorSpec

Array = npt.NDArray[np.float64]
Frame = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ArmState:
    """What is known of an arm at one tick, all in the base frame.

    Attributes:
        tip: position of the tip, float64 (3,), m.
        tip_quaternion: its orientation, float64 (4,), x y z w.
        tip_stamp_ns: when it was there, by the stamp of its message, ns.
        joints: joint positions, float64 (J,), rad.
        joint_velocities: float64 (J,), rad/s.
        force: mean force at the wrist since the last tick, float64 (3,), N.
        torque: the same for the torque, float64 (3,), N m.
        poses: positions of the named poses, float64 (3,) each, m.
        frames: uint8 (H, W, 3) RGB by camera, in the size of the spec.
    """

    tip: Array
    tip_quaternion: Array
    tip_stamp_ns: int
    joints: Array
    joint_velocities: Array
    force: Array = field(default_factory=lambda: np.zeros(3))
    torque: Array = field(default_factory=lambda: np.zeros(3))
    poses: Mapping[str, Array] = field(default_factory=dict)
    frames: Mapping[str, Frame] = field(default_factory=dict)


@dataclass(frozen=True)
class OwnMotion:
    """What the bridge knows of the arm's motion.

    Attributes:
        velocity: of the tip over the last tick, float64 (3,), m/s.
        lag: desired minus real tip, float64 (3,), m.
        previous: the action executed at the last step, float32 (A,).
    """

    velocity: Array
    lag: Array
    previous: FloatArray


def action_spec(action: ActionConfig) -> VectorSpec:
    """The named vector that is commanded: velocities of the tip and, where it has one, the gripper's rate."""
    parts = [(f"linear_{axis}", "m/s", action.linear) for axis in "xyz"]
    if action.angular:
        parts += [(f"angular_{axis}", "rad/s", action.angular) for axis in "xyz"]
    if action.gripper:
        parts.append(("gripper", "1", 1.0))
    return _vector_spec([(name, unit, -bound, bound) for name, unit, bound in parts])


def task_spec(arm: ArmDescription) -> TaskSpec:
    """What the bridge publishes as ``spec``."""
    return TaskSpec(
        task=arm.general.task,
        observation=Features(arm.observation, arm).spec,
        action=action_spec(arm.action),
        cameras=tuple(CameraSpec(name, camera.height, camera.width) for name, camera in arm.cameras.items()),
        control_dt_s=arm.general.tick_s,
        horizon=arm.general.horizon,
    )


class Features:
    """A list of features, evaluated at each tick."""

    def __init__(self, features: Sequence[FeatureConfig], arm: ArmDescription) -> None:
        """Lay out the components.

        Args:
            features: at least one.
            arm: whose joints and actions they speak of.

        Raises:
            ShapeError: two components have the same name.
        """
        self._features = features
        self.spec = _vector_spec([row for feature in features for row in _components(feature, arm)])

    def vector(self, state: ArmState, motion: OwnMotion) -> FloatArray:
        """The components now, float32 (N,), saturated at their bounds, SI units."""
        values = np.concatenate([_value(feature, state, motion) for feature in self._features])
        return np.asarray(np.clip(values, self.spec.low, self.spec.high), np.float32)


def _vector_spec(rows: Sequence[tuple[str, str, float, float]]) -> VectorSpec:
    names, units, low, high = zip(*rows, strict=True)
    return VectorSpec(names, units, np.array(low, np.float32), np.array(high, np.float32))


def _components(feature: FeatureConfig, arm: ArmDescription) -> list[tuple[str, str, float, float]]:
    """Name, unit, low and high of each component."""
    usual, unit, axes = KINDS[feature.kind]
    prefix, bound = feature.name or usual, feature.bound or np.inf
    if feature.kind == "previous_action":
        spec = action_spec(arm.action)
        rows = zip(spec.names, spec.units, spec.low.tolist(), spec.high.tolist(), strict=True)
        return [(f"{prefix}_{name}", unit, low, high) for name, unit, low, high in rows]
    if feature.kind.startswith("joint_"):
        return _joint_components(feature, arm, unit)
    if feature.kind == "force_norm":
        return [(prefix, unit, 0.0, bound)]
    return [(f"{prefix}_{axis}", unit, -bound, bound) for axis in feature.axes or axes]


def _joint_components(feature: FeatureConfig, arm: ArmDescription, unit: str) -> list[tuple[str, str, float, float]]:
    """The joints' own limits are the bounds where the feature has none."""
    joints, endless = arm.joints, (np.inf,) * len(arm.joints.names)
    what = feature.kind.removeprefix("joint_")
    if feature.bound:
        high: Sequence[float] = (feature.bound,) * len(endless)
        low: Sequence[float] = [-bound for bound in high]
    elif what == "position":
        high, low = joints.position_high or endless, joints.position_low or [-x for x in endless]
    else:
        high = joints.velocity or endless
        low = [-bound for bound in high]
    names = [f"{feature.name + '_' if feature.name else ''}{joint}_{what}" for joint in joints.names]
    return list(zip(names, [unit] * len(names), low, high, strict=True))


def _value(feature: FeatureConfig, state: ArmState, motion: OwnMotion) -> npt.NDArray[Any]:
    kind = feature.kind
    if kind == "force_norm":
        return np.array([np.linalg.norm(state.force)])
    if kind in ("offset", "tip_from"):
        away = state.poses[feature.of] - state.tip
        whole: npt.NDArray[Any] = away if kind == "offset" else -away
    else:
        wholes: Mapping[str, npt.NDArray[Any]] = {
            "tip_position": state.tip,
            "tip_orientation": state.tip_quaternion,
            "tip_velocity": motion.velocity,
            "command_lag": motion.lag,
            "force": state.force,
            "torque": state.torque,
            "joint_position": state.joints,
            "joint_velocity": state.joint_velocities,
            "previous_action": motion.previous,
        }
        whole = wholes[kind]
    axes = KINDS[kind][2]
    return whole[[axes.index(axis) for axis in feature.axes]] if feature.axes else whole
