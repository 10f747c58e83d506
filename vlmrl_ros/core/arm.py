"""The description of an arm: one YAML file says how a real (or simulated) arm is reached, limited and reset.

Sections are frozen dataclasses, the only home of their defaults; ``docs/arms.md`` explains each key. Reading a file is
the business of ``bridge.arms``; here its content is checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from vlmrl_ros.core.arm_sections import (
    SECTIONS,
    ActionConfig,
    CameraConfig,
    FeatureConfig,
    GeneralConfig,
    HomeConfig,
    JointsConfig,
    ModelConfig,
    OutputConfig,
    PoseConfig,
    ResetConfig,
    SuccessConfig,
    TipConfig,
    WrenchConfig,
)
from vlmrl_ros.core.config import from_mapping, options
from vlmrl_ros.core.errors import ConfigError, UnknownNameError
from vlmrl_ros.core.safety import SafetyConfig

T = TypeVar("T")

NAMED = {"poses": PoseConfig, "cameras": CameraConfig}
"""Sections that hold any number of named entries."""
LISTED = ("observation", "scene")
"""Sections that hold a list of features."""


@dataclass(frozen=True)
class ArmDescription:
    """A checked description; see the sections for their keys.

    Attributes:
        name: of the file, for messages.
        general: task, rates and lengths.
        joints: joint states and joint limits.
        tip: where the pose of the tip comes from.
        wrench: force at the wrist; an empty topic means none.
        poses: named poses (of workpieces), by name.
        cameras: by name, in the order of the file.
        model: MJCF of the arm, for forward and inverse kinematics.
        action: which velocities are commanded, and their bounds.
        limits: Cartesian limits of the safety filter.
        home: where the arm rests between episodes.
        observation: features of ``observation/state``, in order.
        scene: features of ``scene``, in order.
        success: how success is known.
        reset: what happens between two episodes.
        output: the output plug-in.
        output_options: its options, unchecked: the plug-in checks them.
    """

    name: str
    general: GeneralConfig
    joints: JointsConfig
    tip: TipConfig
    wrench: WrenchConfig
    model: ModelConfig
    action: ActionConfig
    limits: SafetyConfig
    home: HomeConfig
    success: SuccessConfig
    reset: ResetConfig
    output: OutputConfig
    output_options: Mapping[str, Any] = field(default_factory=dict)
    poses: Mapping[str, PoseConfig] = field(default_factory=dict)
    cameras: Mapping[str, CameraConfig] = field(default_factory=dict)
    observation: tuple[FeatureConfig, ...] = ()
    scene: tuple[FeatureConfig, ...] = ()


def parse_arm(name: str, content: Any) -> ArmDescription:
    """Check the content of an arm's file.

    Args:
        name: of the arm or its file, for messages.
        content: what YAML made of it.

    Raises:
        UnknownNameError: a section, key or reference that does not exist; the message lists those that do.
        ConfigError: a value of the wrong type or out of range, or parts that contradict each other.
    """
    where = f"arm '{name}'"
    content = _mapping(where, content)
    scalars = options(GeneralConfig)
    known = (*scalars, *SECTIONS, *NAMED, *LISTED)
    for key in content:
        if key not in known:
            raise UnknownNameError(f"{where} key", str(key), known)
    sections: dict[str, Any] = {
        key: _section(kind, content.get(key, {}), f"{where} {key}", loose=key == "output")
        for key, kind in SECTIONS.items()
    }
    for key, kind in NAMED.items():
        entries = _mapping(f"{where} {key}", content.get(key, {}))
        sections[key] = {str(n): _section(kind, value, f"{where} {key}.{n}") for n, value in entries.items()}
    for key in LISTED:
        sections[key] = _features(content.get(key, []), f"{where} {key}")
    general = from_mapping(GeneralConfig, {key: content[key] for key in scalars if key in content}, where)
    output_options = _output_options(content.get("output", {}))
    arm = ArmDescription(name=name, general=general, output_options=output_options, **sections)
    _check(where, arm)
    return arm


def _mapping(where: str, content: Any) -> Mapping[str, Any]:
    if not isinstance(content, Mapping):
        raise ConfigError(f"{where} must be a mapping; got {str(content)[:80]!r}")
    return content


def _section(kind: type[T], content: Any, where: str, loose: bool = False) -> T:
    content = _mapping(where, content)
    chosen = {key: value for key, value in content.items() if not loose or key in options(kind)}
    return from_mapping(kind, chosen, where)


def _output_options(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key not in options(OutputConfig)}


def _features(content: Any, where: str) -> tuple[FeatureConfig, ...]:
    if not isinstance(content, Sequence) or isinstance(content, str):
        raise ConfigError(f"{where} must be a list of features; got {str(content)[:80]!r}")
    return tuple(_section(FeatureConfig, entry, f"{where}[{i}]") for i, entry in enumerate(content))


def _check(where: str, arm: ArmDescription) -> None:
    """What no section can see alone."""
    if not arm.general.task:
        raise ConfigError(f"{where} needs 'task', the name that the learner and its checkpoints know it by")
    _check_joints(where, arm)
    _check_references(where, arm)
    _check_triples(where, arm)
    if arm.tip.source == "kinematics" and not arm.model.mjcf:
        raise ConfigError(f"{where}: tip.source kinematics needs model.mjcf")
    if not arm.observation:
        raise ConfigError(f"{where} needs at least one feature under 'observation'")
    if arm.success.test == "classifier" and not arm.success.classifier:
        raise ConfigError(f"{where}: success.test classifier needs success.classifier, the directory of one")
    if arm.success.test == "pose" and not arm.success.of:
        raise ConfigError(f"{where}: success.test pose needs success.of; valid: {', '.join(arm.poses) or '(none)'}")
    if arm.general.tick_s < arm.output.period_s:
        raise ConfigError(
            f"{where}: output.rate_hz {arm.output.rate_hz:g} is below rate_hz {arm.general.rate_hz:g}; "
            "the arm is told its motion at least once a tick"
        )


def _check_joints(where: str, arm: ArmDescription) -> None:
    joints, count = arm.joints, len(arm.joints.names)
    if not count:
        raise ConfigError(f"{where} needs joints.names, the arm's joints in the order of its controller")
    if len(set(joints.names)) != count:
        raise ConfigError(f"{where}: joints.names has a name twice: {', '.join(joints.names)}")
    for key in ("position_low", "position_high", "velocity", "acceleration", "jerk"):
        given = len(getattr(joints, key))
        if given not in (0, count):
            raise ConfigError(f"{where}: joints.{key} has {given} numbers; valid: none, or {count} for {joints.names}")
    if any(low >= high for low, high in zip(joints.position_low, joints.position_high, strict=False)):
        raise ConfigError(f"{where}: joints.position_low must be below position_high for each joint")
    if len(arm.home.joints) not in (0, count):
        raise ConfigError(f"{where}: home.joints has {len(arm.home.joints)} numbers; valid: none, or {count}")


def _check_references(where: str, arm: ArmDescription) -> None:
    """Named poses that are spoken of exist."""
    spoken = [(f"observation[{i}].of", feature.of) for i, feature in enumerate(arm.observation)]
    spoken += [(f"scene[{i}].of", feature.of) for i, feature in enumerate(arm.scene)]
    spoken += [("reset.around", arm.reset.around), ("success.of", arm.success.of)]
    for key, name in spoken:
        if name and name not in arm.poses:
            raise UnknownNameError(f"pose in {where} {key}", name, arm.poses)
    for feature in (*arm.observation, *arm.scene):
        feature.check(where, has_wrench=bool(arm.wrench.topic))


def _check_triples(where: str, arm: ArmDescription) -> None:
    """Vectors that have three numbers, and boxes that are not empty."""
    for key, values, count in (
        ("home.position", arm.home.position, 3),
        ("home.orientation", arm.home.orientation, 4),
        ("model.tip_offset", arm.model.tip_offset, 3),
    ):
        if len(values) not in (0, count):
            raise ConfigError(f"{where}: {key} has {len(values)} numbers; valid: none, or {count}")
    boxes = {"reset.start": (arm.reset.start_low, arm.reset.start_high), "success": (arm.success.low, arm.success.high)}
    for key, (low, high) in boxes.items():
        if len(low) != 3 or len(high) != 3 or any(a > b for a, b in zip(low, high, strict=True)):
            raise ConfigError(f"{where}: the box of {key} is {low} to {high}; valid: x y z each, low not above high")
    if arm.reset.procedure == "home" and not (arm.home.position or arm.reset.around):
        raise ConfigError(f"{where}: reset.procedure home needs home.position or reset.around, a place to go to")
