"""Who acts when the joystick is late, lost or back again, and what is taken back between two steps."""

from __future__ import annotations

import numpy as np
import pytest
from fakes.arbiters import PERSON, POLICY, SPEC, STEP_NS, Scene, sources

from vlmrl_ros.core.arbiter import Arbiter, HumanInput
from vlmrl_ros.core.types import Mark, Source


def test_silence_while_held_stops_the_arm_at_zero_and_says_so():
    scene = Scene(joy_timeout_s=0.2)
    scene.steps(False, True)
    stopped = scene.step()
    assert stopped.intervention.source is Source.STOPPED
    assert "late by 0.15" in stopped.reason
    stopped = scene.step()
    assert stopped.intervention.source is Source.STOPPED
    assert not stopped.intervention.active
    np.testing.assert_array_equal(stopped.command, np.zeros(2))
    assert "silent for 0.25" in stopped.reason


@pytest.mark.parametrize("mode", ["hold", "toggle"])
def test_a_reconnected_joystick_acts_only_after_it_has_shown_a_release(mode):
    scene = Scene(mode=mode)
    scene.steps(False, True)
    scene.arbiter.lose("joystick unplugged")
    assert sources([scene.step(), *scene.steps(True, True)]) == [Source.STOPPED] * 3
    assert sources(scene.steps(False, True)) == [Source.POLICY, Source.HUMAN]


def test_a_joystick_that_returns_between_two_steps_still_counts_as_lost():
    scene = Scene(joy_timeout_s=0.25)
    scene.steps(False, True)
    scene.now_ns += 4 * STEP_NS
    assert sources(scene.steps(True)) == [Source.STOPPED]


def test_a_gap_shorter_than_the_loss_stops_the_arm_and_control_goes_on_with_the_next_reading():
    scene = Scene()
    scene.steps(False, True)
    assert scene.step().intervention.source is Source.STOPPED
    assert sources(scene.steps(True)) == [Source.HUMAN]


def test_the_shorter_the_step_the_sooner_a_joystick_is_late_down_to_a_floor():
    for dt_s, late_s in ((0.1, 0.08), (0.05, 0.04), (0.02, 0.04)):
        arbiter = Arbiter(SPEC, dt_s)
        arbiter.hear(HumanInput(True, PERSON), 0)
        for age_s, source in ((late_s - 0.001, Source.HUMAN), (late_s + 0.001, Source.STOPPED)):
            assert arbiter.step(0, POLICY, round(age_s * 1e9)).intervention.source is source


def test_a_command_of_a_person_is_taken_back_between_two_steps_when_their_joystick_falls_silent():
    scene = Scene()
    scene.steps(False, True, True)
    assert scene.arbiter.withdraw(scene.now_ns + STEP_NS // 4) is None
    taken_back = scene.arbiter.withdraw(scene.now_ns + STEP_NS // 2)
    np.testing.assert_array_equal(taken_back.command, np.zeros(2))
    assert taken_back.intervention.source is Source.STOPPED
    assert "late" in taken_back.reason
    assert scene.arbiter.withdraw(scene.now_ns + STEP_NS) is None, "it is taken back once"


def test_a_takeover_that_is_taken_back_stays_a_takeover_and_a_mark_stays_a_mark():
    scene = Scene()
    scene.steps(False)
    scene.hear(True, Mark.SUCCESS)
    assert scene.step().intervention.edge
    taken_back = scene.arbiter.withdraw(scene.now_ns + STEP_NS)
    assert taken_back.intervention.edge
    assert taken_back.mark is Mark.SUCCESS
    np.testing.assert_array_equal(taken_back.command, np.zeros(2))


def test_the_estop_takes_back_the_command_of_a_policy_and_silence_alone_does_not():
    scene = Scene()
    scene.step()
    assert scene.arbiter.withdraw(scene.now_ns + 10 * STEP_NS) is None
    scene.hear(False, estop=True)
    taken_back = scene.arbiter.withdraw(scene.now_ns)
    assert taken_back.intervention.source is Source.STOPPED
    np.testing.assert_array_equal(taken_back.command, np.zeros(2))


def test_silence_while_nobody_holds_leaves_the_policy_at_work():
    scene = Scene(joy_timeout_s=0.05)
    scene.hear(False)
    assert scene.step().intervention.source is Source.POLICY


def test_with_require_joy_the_policy_stops_with_the_joystick_and_goes_on_with_it():
    scene = Scene(require_joy=True)
    assert scene.step().reason == "no live joystick"
    assert sources(scene.steps(False)) == [Source.POLICY]
    assert scene.step().intervention.source is Source.STOPPED
    assert sources(scene.steps(False)) == [Source.POLICY]
