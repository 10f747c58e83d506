"""An own 7-DoF arm of primitive shapes with a two-finger hand, composed as MJCF.

The base frame is the world frame: x forward, y left, z up, origin on the table top under the first joint.
"""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.sim.engine import Element, look_at, mjcf

JOINTS = tuple(f"joint_{i}" for i in range(1, 8))
HOME_RAD = (0.0, 0.45, 0.0, 1.60, 0.0, 1.0916, 0.0)
"""Joint angles, rad, with the hand over the work area and pointing down."""

STIFFNESS_NM = (400.0, 400.0, 300.0, 300.0, 150.0, 150.0, 100.0)
DAMPING_RATIO_S = 0.12
"""Velocity gain over position gain of each joint, s: how far a joint lags behind a moving target."""

_ARMATURE = 0.05
_LIMIT_RAD = (2.9, 2.1, 2.9, 2.1, 2.9, 2.1, 3.0)

SHELL = "0.93 0.94 0.95 1"
DARK = "0.17 0.19 0.22 1"
ACCENT = "0.98 0.45 0.09 1"
STEEL = "0.62 0.65 0.69 1"

FINGER_STROKE_M = 0.035
"""Travel of one finger, m; the opening is twice the finger's position."""
GRASP_Z_M = 0.105
"""Distance from the flange to the middle of the finger pads, m."""


@dataclass(frozen=True)
class _Link:
    """One link: where it starts on the one before (m), its axis, length (m), radius (m)."""

    offset: float
    axis: str
    length: float
    radius: float


_LINKS = (
    _Link(0.15, "z", 0.19, 0.058),
    _Link(0.19, "y", 0.20, 0.054),
    _Link(0.20, "z", 0.20, 0.050),
    _Link(0.20, "y", 0.20, 0.047),
    _Link(0.20, "z", 0.20, 0.043),
    _Link(0.20, "y", 0.08, 0.040),
    _Link(0.08, "z", 0.03, 0.036),
)


def build_arm(*, driven_fingers: bool, held_width_m: float = 0.0) -> mjcf.RootElement:
    """Compose the arm.

    Args:
        driven_fingers: the fingers slide and are actuated (position, m); else they are fixed.
        held_width_m: width between fixed fingers, m.

    Returns:
        a model with body ``hand`` (+z out of the hand), joints and position actuators of the names in :data:`JOINTS`,
        camera ``wrist``, and force sensor ``wrist_force`` in the frame of site ``wrist``.
    """
    root = mjcf.RootElement(model="arm")
    root.compiler.angle = "radian"
    _defaults(root)
    body = root.worldbody.add("body", name="base", gravcomp=1)
    _base_shapes(body)
    for number, link in enumerate(_LINKS, start=1):
        body = _add_link(root, body, number, link)
    hand = body.add("body", name="hand", pos=[0, 0, 0.03], gravcomp=1)
    _hand_shapes(hand)
    for side in (1, -1):
        _add_finger(root, hand, side, driven_fingers, held_width_m)
    eye = (0.085, 0.0, 0.045)
    hand.add("camera", name="wrist", pos=eye, xyaxes=look_at(eye, (0.0, 0.0, 0.145)), fovy=80)
    root.sensor.add("force", name="wrist_force", site=hand.add("site", name="wrist", size=[0.004], group=4))
    return root


def _defaults(root: mjcf.RootElement) -> None:
    """Shapes of the arm neither collide nor weigh but where a part says so."""
    root.default.joint.armature = _ARMATURE
    root.default.joint.damping = 0.5
    root.default.geom.contype = 0
    root.default.geom.conaffinity = 0
    root.default.geom.density = 500
    for name, rgba, shine in (
        ("shell", SHELL, 0.6),
        ("dark", DARK, 0.4),
        ("accent", ACCENT, 0.5),
        ("steel", STEEL, 0.8),
    ):
        root.asset.add("material", name=name, rgba=rgba, specular=shine, shininess=0.5)


def _base_shapes(body: Element) -> None:
    body.add("geom", type="cylinder", size=[0.115, 0.010], pos=[0, 0, 0.010], material="dark")
    body.add("geom", type="cylinder", size=[0.085, 0.055], pos=[0, 0, 0.070], material="shell")
    body.add("geom", type="cylinder", size=[0.087, 0.006], pos=[0, 0, 0.118], material="accent")
    body.add("geom", type="cylinder", size=[0.070, 0.018], pos=[0, 0, 0.135], material="dark")


def _add_link(root: mjcf.RootElement, parent: Element, number: int, link: _Link) -> Element:
    body = parent.add("body", name=f"link_{number}", pos=[0, 0, link.offset], gravcomp=1)
    axis = [0, 0, 1] if link.axis == "z" else [0, 1, 0]
    limit = _LIMIT_RAD[number - 1]
    joint = body.add("joint", name=JOINTS[number - 1], axis=axis, range=[-limit, limit], limited=True)
    gain = STIFFNESS_NM[number - 1]
    root.actuator.add("position", name=joint.name, joint=joint, kp=gain, kv=DAMPING_RATIO_S * gain)
    if link.axis == "y":
        _housing(body, link.radius)
    if number == len(_LINKS):
        body.add(
            "geom", type="cylinder", size=[link.radius, link.length / 2], pos=[0, 0, link.length / 2], material="steel"
        )
    else:
        ends = [0, 0, 0.02, 0, 0, link.length - 0.02]
        body.add("geom", type="capsule", size=[link.radius], fromto=ends, material="shell")
    if link.axis == "z" and 1 < number < len(_LINKS):
        body.add(
            "geom", type="cylinder", size=[link.radius + 0.002, 0.005], pos=[0, 0, 0.012], material="accent", mass=0.01
        )
    return body


def _housing(body: Element, radius: float) -> None:
    """The round housing of an elbow-like joint, with a cap on each side."""
    half = radius + 0.016
    turned = [0.7071068, 0.7071068, 0, 0]
    body.add("geom", type="cylinder", size=[radius + 0.008, half], quat=turned, material="dark")
    for side in (1, -1):
        at = [0, side * half, 0]
        body.add(
            "geom", type="cylinder", size=[radius - 0.006, 0.006], pos=at, quat=turned, material="shell", mass=0.02
        )
        body.add("geom", type="cylinder", size=[0.012, 0.008], pos=at, quat=turned, material="accent", mass=0.01)


def _hand_shapes(hand: Element) -> None:
    hand.add("geom", type="cylinder", size=[0.040, 0.008], pos=[0, 0, 0.008], material="dark", mass=0.1)
    hand.add("geom", type="box", size=[0.030, 0.062, 0.022], pos=[0, 0, 0.036], material="shell", mass=0.3)
    hand.add("geom", type="box", size=[0.031, 0.055, 0.004], pos=[0, 0, 0.054], material="dark", mass=0.05)
    hand.add("geom", type="box", size=[0.010, 0.012, 0.008], pos=[0.040, 0, 0.010], material="dark", mass=0.02)


def _add_finger(root: mjcf.RootElement, hand: Element, side: int, driven: bool, held_width_m: float) -> None:
    """One finger; its pad's inner face lies at y = side * (joint position, or half the held width)."""
    name = "finger_left" if side > 0 else "finger_right"
    start = 0.0 if driven else held_width_m / 2
    finger = hand.add("body", name=name, pos=[0, side * start, 0], gravcomp=1)
    finger.add(
        "geom", type="box", size=[0.009, 0.006, 0.024], pos=[0, side * 0.013, 0.078], material="steel", mass=0.04
    )
    pad = finger.add(
        "geom", type="box", size=[0.009, 0.004, 0.014], pos=[0, side * 0.004, GRASP_Z_M], material="dark", mass=0.02
    )
    if driven:
        pad.contype, pad.conaffinity, pad.condim = 1, 1, 4
        pad.friction, pad.solref = [1.2, 0.02, 0.001], [0.006, 1]
        joint = finger.add(
            "joint",
            name=name,
            type="slide",
            axis=[0, side, 0],
            range=[0, FINGER_STROKE_M],
            limited=True,
            armature=0.1,
            damping=5,
        )
        root.actuator.add("position", name=name, joint=joint, kp=1500, kv=60, ctrlrange=[-0.01, FINGER_STROKE_M])
