"""Real time: the arm keeps its own pace and never acts on what is too old."""

from __future__ import annotations

import os
import resource
import signal
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import rclpy
from fakes.observer import Observer
from fakes.processes import Stage
from sensor_msgs.msg import JointState

from vlmrl_ros.bridge import messages

pytestmark = pytest.mark.ros

TIMEOUT_S = 0.3
RATE_HZ = 20.0
PACED_S = 3.0
"""Long enough for a pace within a fifth on a machine that is busy now and then."""


@pytest.fixture(scope="module")
def loop(stage: Stage, observer: Observer) -> SimpleNamespace:
    sees = {"reach.observation": "both", "reach.cameras": ["front"], "reach.image_size": 32}
    task = {"task": "reach", "reach.rate_hz": RATE_HZ, "reach.horizon": 2000, **sees}
    bridge = stage.node("sim_bridge", {**task, "time": "realtime", "command_timeout_s": TIMEOUT_S})
    policy = stage.node("policy_server")
    stage.node("teleop", {"profile": "scripted"})
    executed = observer.listen(JointState, "executed")
    commands = observer.listen(JointState, "command")
    observer.bring_up("teleop", "policy_server", "sim_bridge")
    observer.until(lambda: any(moving(m) for m in executed), "a movement")
    return SimpleNamespace(bridge=bridge, policy=policy, executed=executed, commands=commands)


def moving(message: JointState) -> bool:
    return any(message.position[:3])


def test_without_commands_the_arm_stands_still_at_the_second_tick_and_time_goes_on(observer, loop):
    loop.policy.signal(signal.SIGSTOP)
    begin = len(loop.executed)
    late = observer.until(lambda: loop.executed[begin + 2 :][5:], "ticks after the silence")
    assert not any(moving(m) for m in late)
    assert all(m.position[3] == 0.0 for m in late), "standing still is no cut command"
    observer.until(lambda: "no command for more than 0.3 s" in observer.diagnosis("/sim_bridge")[0], "a complaint")


def test_it_moves_again_as_soon_as_there_are_commands(observer, loop):
    loop.policy.signal(signal.SIGCONT)
    begin = len(loop.executed)
    observer.until(lambda: any(moving(m) for m in loop.executed[begin:]), "a movement")
    observer.until(lambda: observer.diagnosis("/sim_bridge")[0] == "active", "the all-clear")


def test_ticks_keep_their_pace_and_say_so(observer, loop):
    begin, begun_s = len(loop.executed), time.monotonic()
    observer.watch(PACED_S)
    ticks = (len(loop.executed) - begin) / (time.monotonic() - begun_s)
    assert 0.8 * RATE_HZ < ticks < 1.2 * RATE_HZ
    said = observer.diagnosis("/sim_bridge")[1]
    assert 0.0 < float(said["jitter_p99_ms"]) < 1e3 / RATE_HZ
    assert int(said["missed_ticks"]) < len(loop.executed)
    may = os.geteuid() == 0 or resource.getrlimit(resource.RLIMIT_RTPRIO)[0] > 0
    assert said["realtime_priority"].startswith("yes" if may else "no: this user may not have it")
    stamps = [messages.stamp_of(m) for m in loop.executed]
    assert all(b - a == round(1e9 / RATE_HZ) for a, b in pairwise(stamps))


@pytest.mark.skipif("fastrtps" not in rclpy.get_rmw_implementation_identifier(), reason="names threads of Fast DDS")
def test_what_receives_or_draws_has_the_priority_of_the_ticks_and_nothing_else(observer, loop):
    pid = loop.bridge.process.pid
    threads = {int(task.parent.name): task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/comm")}
    ahead = {thread for thread in threads if os.sched_getscheduler(thread) & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO}
    receiving = {thread for thread, name in threads.items() if name.startswith("dds.")}
    drawing = {thread for thread, name in threads.items() if name.startswith("llvmpipe")}  # none with a graphics card
    assert receiving
    has = observer.diagnosis("/sim_bridge")[1]["realtime_priority"] == "yes"
    assert ahead == ({pid} | receiving | drawing if has else set())


def test_a_stale_command_moves_nothing(stage, observer, loop):
    loop.policy.signal(signal.SIGTERM)
    loop.policy.wait()
    observer.drain()
    observer.until(lambda: not any(moving(m) for m in loop.executed[-5:]), "a stop")
    command = observer.publisher(JointState, "command")
    names = list(loop.commands[-1].name)
    begin = len(loop.executed)
    old_ns = messages.stamp_of(loop.executed[-1])
    command.publish(messages.named_vector(old_ns, names, [0.1, 0.1, 0.1, 0.0, 0.0]))
    observer.until(lambda: len(loop.executed) > begin + 5, "more ticks")
    assert not any(moving(m) for m in loop.executed[begin:])
