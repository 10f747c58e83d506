"""From silence and from the e-stop to zero, and what chaos makes the arm do: real processes, in real time."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator

import pytest
from fakes.processes import environment, free_domain

from vlmrl_ros.nodes.bench import chaos
from vlmrl_ros.nodes.bench.silence import LOOP, WATCHED_S
from vlmrl_ros.nodes.bench.stage import Stage

pytestmark = pytest.mark.ros


@pytest.fixture
def domain(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[int]:
    with free_domain() as number:
        for name, value in environment(number, tmp_path / "ros_log").items():
            monkeypatch.setenv(name, value)
        yield number


@pytest.fixture
def stage(domain, tmp_path) -> Iterator[Stage]:
    with Stage(tmp_path, LOOP) as made:
        made.until_moving()
        yield made


def test_the_arm_is_commanded_zero_two_ticks_after_its_source_fell_silent(stage):
    for name in ("policy_server", "teleop"):
        since_s = stage.signal(name, signal.SIGSTOP)
        stage.listen(WATCHED_S)
        assert stage.watch.ticks_to_zero(since_s) <= 2, name
        stage.signal(name, signal.SIGCONT)
        stage.until_moving()


def test_the_estop_stops_in_one_tick_although_teleop_hangs_and_outlives_a_new_teleop(stage):
    stage.signal("teleop", signal.SIGSTOP)
    since_s = stage.estop(press=True)
    stage.listen(WATCHED_S)
    assert stage.watch.ticks_to_zero(since_s) <= 1
    stage.signal("teleop", signal.SIGKILL)
    stage.start("teleop")
    begin = stage.watch.executed
    stage.until(lambda: stage.watch.executed > begin + 40, "four seconds, in which the new teleop comes up")
    assert stage.watch.moving_since(since_s + 1.0) == 0
    stage.estop(press=False)
    stage.until_moving()


@pytest.mark.skipif(shutil.which("cc") is None, reason="setting the clock of one process needs a C compiler")
def test_chaos_never_makes_the_arm_leave_its_limits_or_follow_the_dead(domain, tmp_path):
    found = chaos.measure(quick=True, work=tmp_path, disturbances=6)
    assert found["commands.outside_limits"] == 0.0, (tmp_path / "problems.txt").read_text()
    assert found["commands.from_dead_source"] == 0.0, (tmp_path / "problems.txt").read_text()
    assert found["chaos.commands"] > 30
