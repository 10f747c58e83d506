"""The sections of an arm's description. Positions in m and rad, in ``base_frame``, unless an option says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vlmrl_ros.core.config import option
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.safety import SafetyConfig

FRESH_STEPS = 1.5
"""How old a value may be by default, control steps: so that a topic's silence stops the arm within two of them."""
_TOPIC_AGE = (
    "a value older than this, by receipt or by its stamp, is missing, and the arm stands still; 0: 1.5 control steps, "
    "so that silence stops the arm within two"
)


@dataclass(frozen=True)
class GeneralConfig:
    """Keys at the top of the file."""

    task: str = option("", "name of the task, as in spec and checkpoints; needed")
    rate_hz: float = option(10.0, "control ticks", unit="Hz", low=0.1, high=1000.0)
    horizon: int = option(80, "control steps after which an episode is truncated", low=1, high=1_000_000)
    post_success_steps: int = option(8, "control steps that an episode goes on after success", low=0, high=1_000_000)
    base_frame: str = option("base_link", "frame of all poses, and of the commanded velocity")

    @property
    def tick_s(self) -> float:
        """Length of a control step, s."""
        return 1.0 / self.rate_hz


@dataclass(frozen=True)
class StreamConfig:
    """Any topic that the arm publishes."""

    topic: str = option("", "topic, relative to the bridge's namespace")
    age_limit_s: float = option(0.0, _TOPIC_AGE, unit="s", low=0.0, high=3600.0)

    def age_limit(self, tick_s: float) -> float:
        """The age limit in force, s, where a control step takes ``tick_s``."""
        return self.age_limit_s or FRESH_STEPS * tick_s


@dataclass(frozen=True)
class JointsConfig(StreamConfig):
    """``joints``: sensor_msgs/JointState and the joints' limits."""

    topic: str = option("joint_states", "sensor_msgs/JointState")
    names: tuple[str, ...] = option((), "the arm's joints, in the order of its controller; needed")
    position_low: tuple[float, ...] = option((), "lower position limits; empty: those of the model", unit="rad")
    position_high: tuple[float, ...] = option((), "upper position limits; empty: those of the model", unit="rad")
    velocity: tuple[float, ...] = option((), "velocity limits; empty: none", unit="rad/s", low=1e-6)
    acceleration: tuple[float, ...] = option((), "acceleration limits; empty: none", unit="rad/s^2", low=1e-6)
    jerk: tuple[float, ...] = option((), "jerk limits; empty: none", unit="rad/s^3", low=1e-6)


@dataclass(frozen=True)
class TipConfig(StreamConfig):
    """``tip``: the pose of the end effector's tip."""

    source: str = option(
        "topic",
        "topic: a PoseStamped; tf: base_frame to frame in /tf; kinematics: forward kinematics of the model",
        choices=("topic", "tf", "kinematics"),
    )
    topic: str = option("ee_pose", "geometry_msgs/PoseStamped in base_frame, with source topic")
    frame: str = option("tool0", "frame of the tip, with source tf")


@dataclass(frozen=True)
class WrenchConfig(StreamConfig):
    """``wrench``: geometry_msgs/WrenchStamped, tared; no topic means no force."""

    axes: str = option("base", "frame in which the force is given: of the base or of the tip", choices=("base", "tip"))


@dataclass(frozen=True)
class PoseConfig(StreamConfig):
    """``poses.<name>``: a geometry_msgs/PoseStamped in base_frame, such as a workpiece's."""


@dataclass(frozen=True)
class CameraConfig(StreamConfig):
    """``cameras.<name>``: sensor_msgs/Image (rgb8, bgr8) or CompressedImage (JPEG, PNG)."""

    compressed: bool = option(False, "the topic carries CompressedImage")
    height: int = option(128, "height of the observation's frames", unit="px", low=16, high=1080)
    width: int = option(128, "width of the observation's frames", unit="px", low=16, high=1920)


@dataclass(frozen=True)
class ModelConfig:
    """``model``: the arm's MJCF; needed by outputs that command joints, and by ``tip.source: kinematics``."""

    mjcf: str = option("", "path of an MJCF (relative to the arm's file), or 'vlmrl_arm' for the simulation's own arm")
    site: str = option("", "site of the tip")
    body: str = option("", "where there is no site: body that carries the tip")
    tip_offset: tuple[float, ...] = option((), "the tip in the body's frame, x y z", unit="m")


@dataclass(frozen=True)
class ActionConfig:
    """``action``: the velocity of the tip that policy and person command, in base_frame."""

    linear: float = option(0.1, "bound of linear_x, linear_y, linear_z", unit="m/s", low=1e-4, high=10.0)
    angular: float = option(
        0.0, "bound of angular_x, angular_y, angular_z; 0: the orientation is kept", unit="rad/s", low=0.0, high=10.0
    )
    gripper: bool = option(False, "the action has 'gripper': rate of the opening, -1 closes at full speed")
    leash_m: float = option(
        0.02, "the desired tip stays so close to the real one on each axis", unit="m", low=1e-4, high=1.0
    )


@dataclass(frozen=True)
class HomeConfig:
    """``home``: where the arm rests between two episodes."""

    position: tuple[float, ...] = option((), "of the tip, x y z", unit="m")
    orientation: tuple[float, ...] = option((), "of the tip, quaternion x y z w; empty: as it is", unit="1")
    joints: tuple[float, ...] = option((), "posture that inverse kinematics prefers", unit="rad")


@dataclass(frozen=True)
class SuccessConfig:
    """``success``: how the bridge knows that the task is done."""

    test: str = option(
        "none",
        "pose: the tip lies in a box around a named pose; classifier: the cameras show it; button: the operator says "
        "so, as they may with every test; none",
        choices=("none", "button", "pose", "classifier"),
    )
    classifier: str = option("", "directory of a reward classifier, with test classifier")
    of: str = option("", "name of the pose, with test pose")
    low: tuple[float, ...] = option((-0.01, -0.01, -0.01), "lower corner of the box: tip minus pose, x y z", unit="m")
    high: tuple[float, ...] = option((0.01, 0.01, 0.01), "upper corner of the box", unit="m")


@dataclass(frozen=True)
class ResetConfig:
    """``reset``: what happens between two episodes."""

    procedure: str = option(
        "home",
        "home: the bridge drives the arm (lift, sideways, down); manual: a person does, and presses success or reset",
        choices=("home", "manual"),
    )
    service: str = option("", "std_srvs/Trigger called when the arm is out of the way, such as a change of workpiece")
    service_timeout_s: float = option(30.0, "longest wait for its answer", unit="s", low=0.1, high=3600.0)
    lift_z_m: float = option(
        0.12, "height of the tip, at least, while it goes sideways", unit="m", low=-10.0, high=10.0
    )
    around: str = option("", "named pose around which the start is drawn; empty: home.position")
    start_low: tuple[float, ...] = option((0.0, 0.0, 0.0), "lower corner of the start's box, from there", unit="m")
    start_high: tuple[float, ...] = option((0.0, 0.0, 0.0), "upper corner of the start's box", unit="m")
    speed_m_s: float = option(0.1, "greatest speed of homing on each axis", unit="m/s", low=1e-3, high=10.0)
    tolerance_m: float = option(0.002, "homing is done within this distance on each axis", unit="m", low=1e-5, high=0.1)
    gripper: str = option("hold", "what the gripper does meanwhile", choices=("hold", "open", "close"))
    timeout_s: float = option(30.0, "homing that takes longer is complained of, and begins anew", unit="s", low=0.1)


@dataclass(frozen=True)
class OutputConfig:
    """``output``: the plug-in that tells the arm what to do; its own options stand beside these."""

    plugin: str = option("twist", "name of the output plug-in: twist, forward, trajectory")
    rate_hz: float = option(50.0, "how often the arm is told its motion", unit="Hz", low=1.0, high=1000.0)

    @property
    def period_s(self) -> float:
        """Time between two messages, s."""
        return 1.0 / self.rate_hz


KINDS: Mapping[str, tuple[str, str, str]] = {
    "offset": ("offset", "m", "xyz"),
    "tip_from": ("tip", "m", "xyz"),
    "tip_position": ("tip", "m", "xyz"),
    "tip_orientation": ("tip_quaternion", "1", "xyzw"),
    "tip_velocity": ("tip_velocity", "m/s", "xyz"),
    "command_lag": ("command_lag", "m", "xyz"),
    "force": ("wrist_force", "N", "xyz"),
    "torque": ("wrist_torque", "N m", "xyz"),
    "force_norm": ("force", "N", ""),
    "joint_position": ("", "rad", ""),
    "joint_velocity": ("", "rad/s", ""),
    "previous_action": ("previous", "", ""),
}
"""Kinds of features: usual name, unit, axes. Where there are no axes, the kind has its own components."""
_OF_A_POSE = ("offset", "tip_from")
_OF_THE_WRENCH = ("force", "torque", "force_norm")


@dataclass(frozen=True)
class FeatureConfig:
    """One entry of ``observation`` or ``scene``: a kind of feature, one component for each axis."""

    kind: str = option("", "what it is", choices=tuple(KINDS))
    of: str = option("", "named pose; for offset (pose minus tip) and tip_from (tip minus pose)")
    name: str = option("", "prefix of the components' names; empty: the kind's usual one")
    axes: str = option("", "which axes, such as xy; empty: all that the kind has")
    bound: float = option(0.0, "components saturate at -bound and bound, SI units; 0: no bound", low=0.0)

    def check(self, where: str, has_wrench: bool) -> None:
        """See that the entry makes sense.

        Args:
            where: the arm, for messages.
            has_wrench: the arm has a force sensor.

        Raises:
            ConfigError: it does not.
        """
        if not self.kind:
            raise ConfigError(f"{where}: a feature needs 'kind'; valid: {', '.join(KINDS)}")
        axes = KINDS[self.kind][2]
        if (self.kind in _OF_A_POSE) != bool(self.of):
            raise ConfigError(f"{where}: 'of' names the pose of {' and '.join(_OF_A_POSE)}; got {self}")
        if any(axis not in axes for axis in self.axes) or len(set(self.axes)) != len(self.axes):
            raise ConfigError(f"{where}: feature {self.kind} has axes '{self.axes}'; valid: some of '{axes}'")
        if self.kind in _OF_THE_WRENCH and not has_wrench:
            raise ConfigError(f"{where}: feature {self.kind} needs wrench.topic")


SECTIONS: Mapping[str, type[Any]] = {
    "joints": JointsConfig,
    "tip": TipConfig,
    "wrench": WrenchConfig,
    "model": ModelConfig,
    "action": ActionConfig,
    "limits": SafetyConfig,
    "home": HomeConfig,
    "success": SuccessConfig,
    "reset": ResetConfig,
    "output": OutputConfig,
}
