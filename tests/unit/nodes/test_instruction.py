"""The bridge says in words what a task asks for, where it does."""

from __future__ import annotations

import time

import numpy as np
import rclpy
from fakes.processes import free_domain
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.nodes.sim_bridge import SimBridge
from vlmrl_ros.sim.tasks.tabletop.goals import read_goal

OPTIONS = ("task:=tabletop", "tabletop.observation:=state", "tabletop.horizon:=1")


def test_each_episode_begins_with_its_instruction():
    said: list[str] = []
    with free_domain() as domain:
        arguments = ["--ros-args", *(part for option in OPTIONS for part in ("-p", option))]
        rclpy.init(args=arguments, domain_id=domain, signal_handler_options=SignalHandlerOptions.NO)
        bridge, person = SimBridge(), rclpy.create_node("person")
        commands = person.create_publisher(JointState, "command", qos.COMMAND)
        still = np.zeros(4)
        names = ["linear_x", "linear_y", "linear_z", "gripper"]

        def answer(message: JointState) -> None:
            commands.publish(messages.named_vector(messages.stamp_of(message), names, still))

        person.create_subscription(JointState, "feedback", answer, qos.STEP)
        person.create_subscription(String, "instruction", lambda message: said.append(message.data), qos.LATCHED)
        executor = SingleThreadedExecutor()
        executor.add_node(bridge)
        executor.add_node(person)
        bridge.trigger_configure()
        bridge.trigger_activate()
        deadline_s = time.monotonic() + 30
        while len(set(said)) < 3 and time.monotonic() < deadline_s:
            executor.spin_once(timeout_sec=0.1)
        bridge.trigger_deactivate()
        bridge.trigger_cleanup()
        for node in (bridge, person):
            node.destroy_node()
        rclpy.shutdown()
    assert len(set(said)) >= 3
    assert len(said) == len(set(said)), "said once for each episode"
    assert all(str(read_goal(one)) == one for one in said)
