from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.core.safety import SafetyConfig
from vlmrl_ros.core.spec import TaskSpec, VectorSpec
from vlmrl_ros.core.types import Feedback, Source
from vlmrl_ros.nodes.bench.command_watch import CommandJudge

DT_NS = 100_000_000
BOUND = np.array([0.1], np.float32)
VECTOR = VectorSpec(("linear_x",), ("m/s",), -BOUND, BOUND)
SPEC = TaskSpec("a task", VECTOR, VECTOR, (), 0.1, 100)


class Scene:
    """A judge that hears one step every 0.1 s."""

    def __init__(self, **limits) -> None:
        self.judge = CommandJudge(SPEC, SafetyConfig(**limits), 0.1)
        self.step = 0

    def carry_out(self, *speeds: float, source: Source = Source.POLICY) -> None:
        for speed in speeds:
            stamp_ns, now_s = (self.step + 1) * DT_NS, self.step * 0.1
            self.judge.hear_feedback(stamp_ns, Feedback(0.0, False, False, False, 0, self.step), now_s)
            self.judge.hear_source(stamp_ns, source, now_s + 0.01)
            self.judge.hear_executed(stamp_ns, np.array([speed], np.float32), now_s + 0.1)
            self.step += 1


@pytest.mark.parametrize("speed", [0.11, -0.2, float("nan")])
def test_a_command_beyond_the_bounds_is_outside(speed):
    scene = Scene()
    scene.carry_out(0.1, speed, 0.0)
    assert scene.judge.outside_limits == 1
    assert "outside the limits" in scene.judge.problems[0]


def test_the_limits_of_the_bridge_count_too_and_zero_is_always_allowed():
    scene = Scene(velocity=(0.05,), acceleration=(0.2,))
    scene.carry_out(0.02, 0.04, 0.0)
    assert scene.judge.outside_limits == 0
    scene.carry_out(0.05)
    assert scene.judge.outside_limits == 1, "it went up too fast"
    scene.carry_out(0.06)
    assert scene.judge.outside_limits == 2


def test_what_was_answered_before_the_death_is_no_command_of_a_dead_source_and_what_comes_later_is():
    scene = Scene()
    scene.carry_out(0.1)
    scene.judge.died("policy_server", 0.05)
    scene.carry_out(0.1)
    assert scene.judge.from_dead_source == 0
    scene.carry_out(0.1)
    assert scene.judge.from_dead_source == 1
    scene.judge.revived("policy_server")
    scene.carry_out(0.1)
    assert scene.judge.from_dead_source == 1


def test_a_dead_joystick_matters_only_while_a_person_acts():
    scene = Scene()
    scene.judge.died("joystick", -1.0)
    scene.carry_out(0.1, source=Source.POLICY)
    assert scene.judge.from_dead_source == 0
    scene.carry_out(0.1, source=Source.HUMAN)
    assert scene.judge.from_dead_source == 1


def test_ticks_to_zero_end_with_the_zero_that_no_motion_follows():
    scene = Scene()
    scene.carry_out(0.1, 0.1, 0.0, 0.1)
    assert scene.judge.ticks_to_zero(0.15) is None
    scene.carry_out(0.0, 0.0)
    assert scene.judge.ticks_to_zero(0.15) == 3
    assert scene.judge.ticks_to_zero(0.45) == 1
    assert scene.judge.ticks_to_zero(9.0) is None


@pytest.mark.parametrize(("since_s", "ticks"), [(0.05, 2), (0.15, 1), (0.199, 1), (0.21, 1)])
def test_a_step_that_had_begun_to_move_before_a_stop_is_the_tick_that_had_begun(since_s, ticks):
    scene = Scene()
    scene.carry_out(0.1, 0.1, 0.0, 0.0, 0.0)
    assert scene.judge.ticks_to_zero(since_s) == ticks
