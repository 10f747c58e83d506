"""The nodes next to a robot under test: ``arm_bridge``, which must not move the arm, and ``sim_arm``, which is one."""

from __future__ import annotations

import array
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from geometry_msgs.msg import TwistStamped
from sensor_msgs.msg import Image, JointState, Joy
from std_msgs.msg import Float64MultiArray
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from vlmrl_ros.bridge import messages, robot_messages
from vlmrl_ros.core.drive import Motion
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.core.types import Mark
from vlmrl_ros.nodes.bench.fuzz_patient import Patient
from vlmrl_ros.nodes.bench.recording import Recording

JOINTS = [f"joint_{index}" for index in range(1, 8)]
AT = np.array([0.5, 0.0, 0.2])
TURN = (1.0, 0.0, 0.0, 0.0)
DEAD_MAN_BUTTON = 4
CELL: Mapping[str, Any] = {
    "task": "fuzzed",
    "rate_hz": 10.0,
    "horizon": 1_000_000,
    "joints": {"topic": "joint_states", "names": JOINTS},
    "tip": {"source": "topic", "topic": "ee_pose"},
    "wrench": {"topic": "wrench"},
    "poses": {"workpiece": {"topic": "workpiece"}},
    "cameras": {"front": {}, "side": {"compressed": True}},
    "action": {"gripper": True},
    "limits": {"workspace_low": [0.3, -0.3, 0.0], "workspace_high": [0.7, 0.3, 0.5]},
    "observation": [{"kind": "tip_velocity"}, {"kind": "force"}, {"kind": "offset", "of": "workpiece"}],
    "success": {"test": "button"},
    "reset": {"procedure": "manual"},
    "output": {"plugin": "twist", "topic": "servo_node/delta_twist_cmds"},
}
"""An arm that listens to every kind of topic that a description can name without tf2_msgs."""


class ArmBridgePatient(Patient):
    """``arm_bridge`` in an episode, at rest, with an open step: nothing but the right command may move the arm."""

    clock = "wall"

    def more_samples(self) -> Recording:
        """What the arm says, and what it is commanded."""
        return {topic: [message] for topic, message in _sensors(time.time_ns()).items()} | {
            topic: [self._command(1)] for topic in ("command", "guide/command")
        }

    def more_parameters(self, work: Path) -> dict[str, Any]:
        """The description of the arm."""
        path = work / "cell.yaml"
        path.write_text(yaml.safe_dump(dict(CELL)), encoding="utf-8")
        return {"arm": str(path)}

    def bring_up(self) -> None:
        """Begin an episode as a person would, and see the arm move, so that it is known how a motion looks."""
        super().bring_up()
        self._moved = self._moved_before = 0
        self._watch_the_output()
        for _ in range(3):
            self._tick()
            reset = self.node._reset  # type: ignore[attr-defined]
            if self.open_ns() is None and reset is not None:
                self.feed("guide/command", self._command(reset._asked_ns, Mark.RESET))
        if self.open_ns() is None:
            raise VlmrlError("arm_bridge began no episode after the manual reset")
        self._answer()
        if not self._moved:
            raise VlmrlError("arm_bridge did not carry out a real command")

    def begin(self) -> None:
        """Open a step."""
        self._tick()
        super().begin()
        self._moved_before = self._moved

    def work(self) -> None:
        """Answer the open step with a real command, and let the next tick open another."""
        if self._moved != self._moved_before:
            self.wrong["moved the arm on malformed messages"] += 1
        if self.open_ns() is None:
            self.wrong["took a malformed command"] += 1
        else:
            self._answer()
        self._tick()
        self._moved_before = self._moved

    def next_ns(self, topic: str) -> int:
        """Of sensors now, of commands the stamp that they would have to answer."""
        if topic == "guide/command":
            return int(self.node._reset._asked_ns)  # type: ignore[attr-defined]
        if topic == "command":
            return self.open_ns() or 1
        return time.time_ns()

    def open_ns(self) -> int | None:
        """The stamp of the step that waits for its command."""
        step = self.node._open  # type: ignore[attr-defined]
        return None if step is None else int(step.stamp_ns)

    def _answer(self) -> None:
        self.feed("command", self._command(self.open_ns() or 1))

    def _tick(self) -> None:
        """The arm and the dead-man speak, and a tick goes by."""
        for topic, message in _sensors(time.time_ns()).items():
            self.feed(topic, message)
        self.node._tick()  # type: ignore[attr-defined]

    def _watch_the_output(self) -> None:
        """Count what the output plug-in is told, on its way there."""
        output = self.node._actuator._output  # type: ignore[attr-defined]
        send = output.send

        def counted(motion: Motion) -> None:
            self._moved += not motion.still
            send(motion)

        output.send = counted

    @staticmethod
    def _command(stamp_ns: int, mark: Mark = Mark.NONE) -> JointState:
        names = ["linear_x", "linear_y", "linear_z", "gripper", messages.MARK_NAME]
        return messages.named_vector(stamp_ns, names, [0.02, 0.0, 0.0, 0.0, float(mark)])


class SimArmPatient(Patient):
    """``sim_arm`` obeys whatever can be obeyed, as a robot does; its joints must stay where joints can be."""

    clock = "wall"

    def more_samples(self) -> Recording:
        """What its controllers are told."""
        twist = TwistStamped()
        twist.header.frame_id = robot_messages.BASE
        numbers = {f"forward_{kind}_controller/commands": 7 for kind in ("position", "velocity")}
        numbers |= {"gripper_controller/commands": 1}
        point = JointTrajectoryPoint(positions=array.array("d", [0.1] * len(JOINTS)))
        trajectory = JointTrajectory(joint_names=JOINTS, points=[point])
        return {
            "servo_node/delta_twist_cmds": [twist],
            "joint_trajectory_controller/joint_trajectory": [trajectory],
            **{topic: [Float64MultiArray(data=array.array("d", bytes(8 * n)))] for topic, n in numbers.items()},
        }

    def bring_up(self) -> None:
        """It has switched itself on."""
        if not self.node.active:
            raise VlmrlError("sim_arm did not switch itself on")

    def work(self) -> None:
        """Let a tick go by: the robot does what it was told."""
        self.node._tick()  # type: ignore[attr-defined]
        driver = self.node._driver  # type: ignore[attr-defined]
        for name, angle in driver.read().positions.items():
            if not abs(angle) < 2 * np.pi:
                self.wrong[f"joint {name} out of its range"] += 1


def _sensors(stamp_ns: int) -> dict[str, Any]:
    """What an arm at rest and a held dead-man say."""
    joints = dict.fromkeys(JOINTS, 0.1)
    wrench = robot_messages.wrench_message(stamp_ns, np.zeros(3))
    pose = robot_messages.pose_message(stamp_ns, AT, TURN)
    frame = np.zeros((32, 48, 3), np.uint8)
    image = Image(height=32, width=48, encoding="rgb8", step=48 * 3, data=array.array("B", frame.tobytes()))
    image.header.stamp = messages.to_time(stamp_ns)
    jpeg = cv2.imencode(".jpg", frame)[1].tobytes()
    return {
        "joint_states": robot_messages.joint_state(stamp_ns, joints, dict.fromkeys(JOINTS, 0.0)),
        "ee_pose": pose,
        "wrench": wrench,
        "workpiece": pose,
        "front/image_raw": image,
        "side/image_raw/compressed": robot_messages.jpeg_message(stamp_ns, "side", jpeg),
        "joy": Joy(axes=[0.0] * 6, buttons=[int(button == DEAD_MAN_BUTTON) for button in range(11)]),
    }
