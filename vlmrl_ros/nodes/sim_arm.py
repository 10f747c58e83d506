"""``sim_arm``: a robot and nothing else. It knows joints, commands and a workpiece, but no episodes and no learning."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped, TwistStamped, WrenchStamped
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from vlmrl_ros.bridge import qos, robot_messages
from vlmrl_ros.bridge.pacing import PacedTicks
from vlmrl_ros.bridge.parameters import plugin_options, show_options
from vlmrl_ros.bridge.shell import Shell, run
from vlmrl_ros.core.config import option
from vlmrl_ros.core.streams import stream
from vlmrl_ros.nodes.sim_cameras import SimCameras
from vlmrl_ros.sim.arena import CAMERAS
from vlmrl_ros.sim.arm import JOINTS
from vlmrl_ros.sim.channel import Channel
from vlmrl_ros.sim.driver import RATE_HZ, ArmDriver
from vlmrl_ros.sim.load import build as build_task

CELLS = ("reach", "peg_insert", "pick_lift")
UPRIGHT = (1.0, 0.0, 0.0, 0.0)
TICK_S = 0.01


@dataclass(frozen=True)
class SimArmConfig:
    """Parameters of ``sim_arm``; options of the cell are ``<cell>.<option>``."""

    cell: str = option("peg_insert", "arm task whose work cell the arm stands in", choices=CELLS)
    seed: int = option(0, "seed of the workpiece's places, the noise and the losses", low=0, high=2**31 - 1)
    latency_ms: float = option(
        0.0, "mean delay of each sensor message and of each command", unit="ms", low=0.0, high=1000.0
    )
    jitter_ms: float = option(0.0, "standard deviation of the delay", unit="ms", low=0.0, high=1000.0)
    drop_rate: float = option(
        0.0, "share of sensor messages and of commands that never arrive", unit="1", low=0.0, high=1.0
    )
    joint_noise_rad: float = option(0.0, "standard deviation of joint positions", unit="rad", low=0.0, high=0.1)
    pose_noise_mm: float = option(
        0.0, "standard deviation of the workpiece's estimate, on each axis", unit="mm", low=0.0, high=10.0
    )
    force_noise_n: float = option(0.0, "standard deviation of the wrist force, on each axis", unit="N", high=50.0)
    command_timeout_s: float = option(
        0.25, "a speed that is not commanded again for so long is dropped", unit="s", low=0.01, high=10.0
    )
    pose_every: int = option(3, "ticks of 10 ms between two poses of the workpiece", low=1, high=100)
    cameras: tuple[str, ...] = option((), "cameras to publish; none by default", choices=CAMERAS)
    camera_every: int = option(5, "ticks of 10 ms between two frames", low=1, high=100)
    image_size: int = option(128, "height and width of a frame", unit="px", low=16, high=1080)
    compressed: bool = option(False, "frames as JPEG on image_raw/compressed instead of image_raw")


class SimArm(Shell[SimArmConfig]):
    """Like every driver, it starts by itself as soon as it is switched on, and keeps time before whoever computes."""

    config_type = SimArmConfig

    def __init__(self) -> None:
        """Switch the robot on."""
        super().__init__("sim_arm")
        self._task: Any = None
        self.trigger_configure()
        if not self.done.done():
            self.trigger_activate()

    def configure(self) -> None:
        """Build the cell, offer the topics of a driver and its controllers."""
        config = self.config
        options = plugin_options(self, config.cell)
        self._task = build_task(config.cell, {**options, "rate_hz": RATE_HZ, "image_size": config.image_size})
        show_options(self, config.cell, self._task.options)
        self._driver = ArmDriver(self._task, config.seed, config.command_timeout_s)
        self._noise = stream(config.seed, "noise")
        self._channels: list[tuple[Channel[Any], Callable[[Any], None]]] = []
        self._ticks = 0
        self._joints = self._sender(JointState, "joint_states")
        self._pose = self._sender(PoseStamped, "ee_pose")
        self._wrench = self._sender(WrenchStamped, "wrench")
        self._workpiece = self._sender(PoseStamped, "workpiece/pose")
        self._estimate = self._sender(PoseStamped, "workpiece/estimate")
        self._cameras = SimCameras(self._task, config, self._sender)
        self._offer_controllers()
        self.create_service(Trigger, "shuffle", self._on_shuffle)

    def activate(self) -> None:
        """Let time run."""
        self._pacing = PacedTicks(self.diagnostics, TICK_S)
        self._timer = self.steady_timer(TICK_S, self._tick)

    def deactivate(self) -> None:
        """Stop time."""
        self.destroy_timer(self._timer)

    def close(self) -> None:
        """Free the simulation."""
        if self._task is not None:
            self._task.close()
            self._task = None

    # Commands and sensor messages each go through a channel of their own.

    def _offer_controllers(self) -> None:
        drive, joints = self._driver, len(JOINTS)
        self._receiver(TwistStamped, "servo_node/delta_twist_cmds", robot_messages.read_linear_twist, drive.twist)
        for name, act in (("position", drive.position), ("velocity", drive.velocity)):
            topic = f"forward_{name}_controller/commands"
            read = partial(robot_messages.read_numbers, size=joints, what=topic)
            self._receiver(Float64MultiArray, topic, read, act)
        read_trajectory = partial(robot_messages.read_trajectory, joints=JOINTS)
        self._receiver(
            JointTrajectory,
            "joint_trajectory_controller/joint_trajectory",
            read_trajectory,
            lambda motion: drive.trajectory(*motion),
        )
        if drive.has_fingers:
            read = partial(robot_messages.read_numbers, size=1, what="gripper_controller/commands")
            self._receiver(
                Float64MultiArray, "gripper_controller/commands", read, lambda finger: drive.grip(float(finger[0]))
            )

    def _receiver(self, kind: type[Any], topic: str, read: Callable[[Any], Any], act: Callable[[Any], None]) -> None:
        channel = self._channel(topic, act)
        self.listen(kind, topic, lambda message: channel.put(time.monotonic(), read(message)), qos.ROBOT)

    def _sender(self, kind: type[Any], topic: str) -> Callable[[Any], None]:
        channel = self._channel(topic, self.publisher(kind, topic, qos.ROBOT).publish)
        return lambda message: channel.put(time.monotonic(), message)

    def _channel(self, topic: str, act: Callable[[Any], None]) -> Channel[Any]:
        config = self.config
        rng = stream(config.seed, topic)
        made: Channel[Any] = Channel(config.latency_ms / 1000, config.jitter_ms / 1000, config.drop_rate, rng)
        self._channels.append((made, act))
        return made

    # One tick.

    def _tick(self) -> None:
        if not self.active:
            return
        now_s = time.monotonic()
        self._pacing.tick()
        skipped = self._driver.catch_up(now_s)
        if skipped:
            self.diagnostics.count("ticks left out", skipped)
        self._sense()
        for channel, act in self._channels:
            for item in channel.due(now_s + TICK_S / 2):  # to the nearest tick
                act(item)
        self.diagnostics.tick()
        self.diagnostics.value("messages lost", sum(channel.dropped for channel, _ in self._channels))

    def _sense(self) -> None:
        config, reading = self.config, self._driver.read()
        stamp_ns = self.get_clock().now().nanoseconds
        positions = self._noisy(np.array(list(reading.positions.values())), config.joint_noise_rad)
        named = dict(zip(reading.positions, positions.tolist(), strict=True))
        self._joints(robot_messages.joint_state(stamp_ns, named, reading.velocities))
        self._pose(robot_messages.pose_message(stamp_ns, reading.tip, reading.quaternion))
        force = self._noisy(reading.force, config.force_noise_n)
        self._wrench(robot_messages.wrench_message(stamp_ns, force))
        if self._ticks % config.pose_every == 0:
            workpiece = self._task.workpiece()
            estimate = self._noisy(workpiece.estimate, config.pose_noise_mm / 1000)
            self._workpiece(robot_messages.pose_message(stamp_ns, workpiece.position, UPRIGHT))
            self._estimate(robot_messages.pose_message(stamp_ns, estimate, UPRIGHT))
        if self._ticks % config.camera_every == 0:
            self._cameras.publish(stamp_ns)
        self._ticks += 1

    def _noisy(self, values: Any, deviation: float) -> Any:
        return values + deviation * self._noise.normal(size=values.shape) if deviation else values

    def _on_shuffle(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success = self._driver.shuffle()
        response.message = (
            "the workpiece stands somewhere else" if response.success else "the hand is in the way: raise it first"
        )
        return response


def main() -> None:
    """Entry point."""
    sys.exit(run(SimArm, "A simulated arm behind the topics of a real one.", SimArmConfig))
