"""The topics of an arm, kept in stream buffers and read at each tick."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from geometry_msgs.msg import PoseStamped, WrenchStamped
from sensor_msgs.msg import CompressedImage, Image, JointState

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.frames import check_compressed, check_image, fit, read_frame
from vlmrl_ros.bridge.shell import Shell
from vlmrl_ros.core.arm import ArmDescription
from vlmrl_ros.core.arm_features import ArmState
from vlmrl_ros.core.arm_sections import StreamConfig
from vlmrl_ros.core.errors import NonFiniteError, PluginError, RangeError, ShapeError
from vlmrl_ros.core.frame_tree import FrameTree, Link
from vlmrl_ros.core.rotations import rotate, unit
from vlmrl_ros.core.stream_buffer import StreamBuffer, Verdict

Array = npt.NDArray[np.float64]
Pose = tuple[Array, Array]
"""Position, float64 (3,), m, and quaternion, float64 (4,), x y z w."""

_TF_DYNAMIC, _TF_STATIC = "/tf", "/tf_static"


class ArmInputs:
    """Subscribes to what the description names, refuses what makes no sense, and assembles the state of a tick."""

    def __init__(self, shell: Shell[Any], arm: ArmDescription, locate: Callable[[Array], Pose] | None) -> None:
        """Subscribe.

        Args:
            shell: the node.
            arm: whose topics.
            locate: forward kinematics, joints float64 (J,) to the tip's pose; for ``tip.source: kinematics``.

        Raises:
            PluginError: ``tip.source: tf`` and no tf2_msgs.
        """
        self._shell, self._arm, self._locate = shell, arm, locate
        self._buffers: dict[str, StreamBuffer[Any]] = {}
        self._last_tick_ns = 0
        self._tree = FrameTree()
        joints, wrench = arm.joints, arm.wrench
        self._listen("joints", joints, JointState, self._read_joints)
        if arm.tip.source == "topic":
            self._listen("tip", arm.tip, PoseStamped, self._read_pose)
        elif arm.tip.source == "tf":
            self._listen_to_tf()
        if wrench.topic:
            self._listen("wrench", wrench, WrenchStamped, self._read_wrench)
        for name, pose in arm.poses.items():
            self._listen(f"pose {name}", pose, PoseStamped, self._read_pose, name)
        for name, camera in arm.cameras.items():
            kind, check = (CompressedImage, check_compressed) if camera.compressed else (Image, check_image)
            self._listen(f"camera {name}", camera, kind, partial(self._checked, check, name), name)

    def look(self, tick_ns: int) -> tuple[ArmState | None, list[str]]:
        """What is known at a tick.

        Args:
            tick_ns: stamp of the tick, ns.

        Returns:
            the state, or None and the streams that have no fresh value.

        Raises:
            ShapeError: a camera's frame is damaged.
        """
        now_ns, steady_ns = self._now_ns(), time.monotonic_ns()
        found = {name: buffer.get(tick_ns, now_ns, steady_ns) for name, buffer in self._buffers.items()}
        missing = [name for name, stamped in found.items() if stamped is None]
        if missing:
            return None, missing
        values = {name: stamped.value for name, stamped in found.items() if stamped is not None}
        recent: Sequence[Any] = ()
        if "wrench" in values:
            since = self._buffers["wrench"].since(self._last_tick_ns, now_ns, steady_ns)
            recent = [stamped.value for stamped in since] or [values["wrench"]]
        self._last_tick_ns = tick_ns
        stamp_ns = found["joints" if self._locate else "tip"].stamp_ns
        return self._state(values, recent, stamp_ns), []

    def _state(self, values: Mapping[str, Any], wrenches: Sequence[Array], tip_stamp_ns: int) -> ArmState:
        joints, velocities = values["joints"]
        tip, quaternion = self._locate(joints) if self._locate else values["tip"]
        force, torque = self._force(wrenches, quaternion)
        return ArmState(
            tip=tip,
            tip_quaternion=quaternion,
            tip_stamp_ns=tip_stamp_ns,
            joints=joints,
            joint_velocities=velocities,
            force=force,
            torque=torque,
            poses={name: values[f"pose {name}"][0] for name in self._arm.poses},
            frames={name: self._frame(name, values[f"camera {name}"]) for name in self._arm.cameras},
        )

    def silent(self) -> list[str]:
        """The streams that have no fresh value now."""
        return [name for name in self._buffers if self._newest(name) is None]

    def tip_now(self) -> Array | None:
        """The newest position of the tip, float64 (3,), m; None where none is fresh."""
        found = self._newest("joints" if self._locate else "tip")
        if found is None:
            return None
        return np.array(self._locate(found.value[0])[0] if self._locate else found.value[0])

    def joints_now(self) -> Array | None:
        """The newest joint positions, float64 (J,), rad; None where none are fresh."""
        found = self._newest("joints")
        return None if found is None else np.array(found.value[0])

    def stamp_of_pose(self, name: str) -> int:
        """The stamp of the newest fresh value of a named pose, ns; 0 where there is none."""
        found = self._newest(f"pose {name}")
        return 0 if found is None else int(found.stamp_ns)

    # Receiving.

    def _listen(
        self, name: str, stream: StreamConfig, kind: type[Any], read: Callable[[Any], Any], topic: str = ""
    ) -> None:
        self._buffers[name] = StreamBuffer(stream.age_limit(self._arm.general.tick_s))

        def on_message(message: Any) -> None:
            value = read(message)
            if value is not None:
                self._put(name, messages.stamp_of(message), value)

        default = topic if not issubclass(kind, (Image, CompressedImage)) else f"{topic}/image_raw"
        if issubclass(kind, CompressedImage):
            default += "/compressed"
        self._shell.listen(kind, stream.topic or default, on_message, qos.SENSOR)

    def _put(self, name: str, stamp_ns: int, value: Any) -> None:
        verdict = self._buffers[name].put(stamp_ns, value, self._now_ns(), time.monotonic_ns())
        if verdict is not Verdict.KEPT:
            self._shell.diagnostics.count(f"{verdict.value} {name}")

    def _listen_to_tf(self) -> None:
        try:
            from tf2_msgs.msg import TFMessage  # not among the wheels: only where it is asked for
        except ImportError as error:
            raise PluginError(
                f"tip.source tf needs the messages tf2_msgs of a ROS 2 installation ({error}); "
                "valid without them: topic, kinematics"
            ) from error
        self._buffers["tip"] = StreamBuffer(self._arm.tip.age_limit(self._arm.general.tick_s))
        self._shell.listen(TFMessage, _TF_DYNAMIC, partial(self.on_transforms, False), qos.SENSOR)
        self._shell.listen(TFMessage, _TF_STATIC, partial(self.on_transforms, True), qos.STEP)

    def on_transforms(self, static: bool, message: Any) -> None:
        """Take a tf2_msgs/TFMessage.

        Args:
            static: it came on ``/tf_static``.
            message: its ``transforms`` are geometry_msgs/TransformStamped.

        Raises:
            NonFiniteError: a rotation or a position is none.
            RangeError: a position beyond :data:`messages.MAX_VALUE`.
        """
        for stamped in message.transforms:
            stamp_ns = None if static else messages.stamp_of(stamped)
            t, q = stamped.transform.translation, stamped.transform.rotation
            link = Link(
                stamped.header.frame_id,
                _finite([t.x, t.y, t.z], stamped.child_frame_id),
                unit(_finite([q.x, q.y, q.z, q.w], stamped.child_frame_id), stamped.child_frame_id),
                stamp_ns,
            )
            self._tree.put(stamped.child_frame_id, link)
        found = self._tree.find(self._arm.general.base_frame, self._arm.tip.frame)
        if found is not None and found[2] is not None:
            self._put("tip", found[2], (found[0], found[1]))

    # Reading messages.

    def _read_joints(self, message: JointState) -> tuple[Array, Array] | None:
        """Positions and velocities; None where the message is about other joints, as of a gripper, alone."""
        names = self._arm.joints.names
        values = messages.read_values(message, "joint states")
        absent = [name for name in names if name not in values]
        if values and len(absent) == len(names):
            self._shell.diagnostics.count("joint states of others")
            return None
        if absent:
            raise ShapeError(f"joint states lack {', '.join(absent)}; they have {', '.join(values) or 'nothing'}")
        positions = _finite([values[name] for name in names], "joint states")
        if len(message.velocity) != len(message.name):
            return positions, self._velocity_to(positions, messages.stamp_of(message))
        velocities = dict(zip(message.name, message.velocity, strict=True))
        return positions, _finite([velocities[name] for name in names], "joint velocities")

    def _velocity_to(self, positions: Array, stamp_ns: int) -> Array:
        """For arms that do not tell it: the velocity since the newest joint states."""
        before = self._newest("joints")
        if before is None or stamp_ns <= before.stamp_ns:
            return np.zeros(len(positions))
        return np.asarray((positions - before.value[0]) / ((stamp_ns - before.stamp_ns) * 1e-9))

    def _read_pose(self, message: PoseStamped) -> Pose:
        base = self._arm.general.base_frame
        if message.header.frame_id != base:
            raise ShapeError(f"a pose in frame '{message.header.frame_id:.80}'; valid: {base}")
        p, q = message.pose.position, message.pose.orientation
        return _finite([p.x, p.y, p.z], "a pose"), unit(_finite([q.x, q.y, q.z, q.w], "a pose"), "a pose")

    @staticmethod
    def _read_wrench(message: WrenchStamped) -> Array:
        f, t = message.wrench.force, message.wrench.torque
        return _finite([f.x, f.y, f.z, t.x, t.y, t.z], "the wrench")

    @staticmethod
    def _checked(check: Callable[[Any, str], None], camera: str, message: Any) -> Any:
        check(message, camera)
        return message

    # Looking.

    def _newest(self, name: str) -> Any:
        now_ns = self._now_ns()
        return self._buffers[name].get(now_ns, now_ns, time.monotonic_ns())

    def _force(self, wrenches: Sequence[Array], quaternion: Array) -> Pose:
        """Mean force and torque in the base frame; zeros without a sensor."""
        if not wrenches:
            return np.zeros(3), np.zeros(3)
        mean = np.mean(wrenches, axis=0)
        if self._arm.wrench.axes == "tip":
            return rotate(quaternion, mean[:3]), rotate(quaternion, mean[3:])
        return mean[:3], mean[3:]

    def _frame(self, name: str, message: Any) -> npt.NDArray[np.uint8]:
        camera = self._arm.cameras[name]
        return fit(read_frame(message, name), camera.height, camera.width)

    def _now_ns(self) -> int:
        return int(self._shell.get_clock().now().nanoseconds)


def _finite(values: list[float], what: str) -> Array:
    array = np.asarray(values, np.float64)
    if not np.isfinite(array).all():
        raise NonFiniteError(f"{what} has {array.tolist()}, which is not finite")
    if np.abs(array).max(initial=0.0) > messages.MAX_VALUE:
        raise RangeError(f"{what} has {np.abs(array).max():g}; the most that is read is {messages.MAX_VALUE:g}")
    return array
