from __future__ import annotations

import numpy as np
import pytest
from fakes.arbiters import PERSON, POLICY, SPEC, STEP_NS, Scene, edges, sources
from hypothesis import given
from hypothesis import strategies as st

from vlmrl_ros.core.arbiter import Arbiter, HumanInput
from vlmrl_ros.core.arbiter_config import ArbiterConfig
from vlmrl_ros.core.errors import NonFiniteError, ShapeError
from vlmrl_ros.core.types import Mark, Source


def test_the_policy_acts_while_nobody_holds_the_takeover():
    decision = Scene().step()
    assert decision.intervention.source is Source.POLICY
    assert not decision.intervention.active
    np.testing.assert_array_equal(decision.command, POLICY)


def test_the_person_acts_exactly_while_the_takeover_is_held():
    decisions = Scene().steps(False, True, True, False)
    assert sources(decisions) == [Source.POLICY, Source.HUMAN, Source.HUMAN, Source.POLICY]
    np.testing.assert_array_equal(decisions[1].command, PERSON)
    np.testing.assert_array_equal(decisions[3].command, POLICY)


def test_only_the_first_step_of_a_takeover_costs_one():
    decisions = Scene().steps(False, True, True, False, False, True)
    assert edges(decisions) == [False, True, False, False, False, True]
    assert [decision.intervention.reward for decision in decisions] == [0.0, -1.0, 0.0, 0.0, 0.0, -1.0]


def test_a_demonstration_from_the_first_step_on_is_no_takeover():
    scene = Scene()
    scene.steps(False)
    scene.hear(True)
    first = scene.step(first=True)
    assert first.intervention.active
    assert not first.intervention.edge
    assert not scene.step().intervention.edge


def test_held_control_outlasts_the_end_of_an_episode():
    scene = Scene()
    scene.steps(False, True)
    scene.hear(True)
    assert scene.step(first=True).intervention.source is Source.HUMAN


def test_a_toggle_takes_control_with_one_press_and_gives_it_back_with_the_next():
    decisions = Scene(mode="toggle").steps(False, True, True, False, False, True, False)
    human, policy = Source.HUMAN, Source.POLICY
    assert sources(decisions) == [policy, human, human, human, human, policy, policy]
    assert edges(decisions) == [False, True, False, False, False, False, False]


def test_a_toggle_press_shorter_than_a_step_counts():
    scene = Scene(mode="toggle")
    scene.step()
    scene.hear(True)
    scene.hear(False)
    assert scene.step().intervention.source is Source.HUMAN


def test_where_no_policy_acts_the_arm_stands_still_without_a_person_and_their_grip_is_no_takeover():
    decisions = Scene(policy_acts=False).steps(False, True, False, True)
    assert sources(decisions) == [Source.STOPPED, Source.HUMAN, Source.STOPPED, Source.HUMAN]
    assert edges(decisions) == [False] * 4
    assert decisions[0].reason == "nobody holds control"


def test_after_a_release_the_policy_waits_for_the_re_entry_delay():
    decisions = Scene(reentry_delay_s=0.25).steps(False, True, False, False, False)
    assert sources(decisions) == [Source.POLICY, Source.HUMAN, Source.STOPPED, Source.STOPPED, Source.POLICY]
    np.testing.assert_array_equal(decisions[2].command, np.zeros(2))


def test_a_grip_renewed_during_the_delay_is_no_takeover():
    decisions = Scene(reentry_delay_s=0.25).steps(False, True, False, True)
    assert edges(decisions) == [False, True, False, False]


def test_a_new_episode_begins_without_the_delay_of_the_last():
    scene = Scene(reentry_delay_s=1.0)
    scene.steps(True, False)
    assert scene.step(first=True).intervention.source is Source.POLICY


def test_a_clock_that_was_set_back_does_not_prolong_the_delay():
    scene = Scene(reentry_delay_s=0.25)
    scene.steps(True, False)
    assert scene.arbiter.step(0, POLICY, scene.now_ns).intervention.source is Source.POLICY


def test_a_simulation_that_pauses_is_no_silence_where_the_joystick_keeps_step_with_it():
    arbiter = Arbiter(SPEC, STEP_NS * 1e-9, ArbiterConfig(joy_timeout_s=0.5))
    for stamp_ns in (0, STEP_NS, 2 * STEP_NS):
        arbiter.hear(HumanInput(True, PERSON), stamp_ns)
        assert arbiter.step(stamp_ns, POLICY, stamp_ns).intervention.source is Source.HUMAN


@pytest.mark.parametrize(
    ("proposal", "reason"),
    [
        (None, "silent"),
        (np.array([np.nan, 0.0], np.float32), "linear_x"),
        (np.zeros(3, np.float32), r"shape (3,)"),
    ],
)
def test_a_policy_that_gives_no_usable_action_stops_the_arm_until_it_does(proposal, reason):
    scene = Scene()
    stopped = scene.step(proposal)
    assert stopped.intervention.source is Source.STOPPED
    assert reason in stopped.reason
    np.testing.assert_array_equal(stopped.command, np.zeros(2))
    assert scene.step().intervention.source is Source.POLICY


def test_taking_over_out_of_a_standstill_blames_no_policy_step():
    scene = Scene()
    scene.step(None)
    scene.hear(True)
    decision = scene.step()
    assert decision.intervention.active
    assert decision.intervention.reward == 0.0


def test_a_person_may_act_while_the_policy_is_silent():
    scene = Scene()
    scene.hear(True)
    assert scene.step(None).intervention.source is Source.HUMAN


def test_the_estop_is_latched_and_outranks_the_person():
    scene = Scene()
    scene.steps(True)
    scene.hear(True, estop=True)
    decisions = scene.steps(True, False, True)
    assert sources(decisions) == [Source.STOPPED] * 3
    assert decisions[0].reason == "e-stop button"
    assert scene.arbiter.estopped


def test_a_takeover_held_through_the_release_of_the_estop_does_not_jump():
    scene = Scene()
    scene.steps(True)
    scene.arbiter.estop("service")
    scene.steps(True)
    scene.arbiter.release_estop()
    assert sources(scene.steps(True, False, True)) == [Source.STOPPED, Source.POLICY, Source.HUMAN]


def test_a_mark_is_given_once_per_press_however_long_or_short():
    scene = Scene()
    scene.hear(False, Mark.SUCCESS)
    scene.hear(False)
    assert [scene.step().mark, scene.step().mark] == [Mark.SUCCESS, Mark.NONE]
    scene.hear(False, Mark.RESET)
    marks = [scene.step().mark]
    scene.hear(False, Mark.RESET)
    assert [*marks, scene.step().mark] == [Mark.RESET, Mark.NONE]


def test_a_mark_pressed_before_an_episode_does_not_reach_into_it():
    scene = Scene()
    scene.hear(False, Mark.SUCCESS)
    assert scene.step(first=True).mark is Mark.NONE
    assert scene.step().mark is Mark.NONE


def test_a_bad_reading_is_refused_and_does_not_move_the_arm():
    scene = Scene()
    scene.steps(True)
    with pytest.raises(NonFiniteError, match="linear_y"):
        scene.arbiter.hear(HumanInput(True, np.array([0.0, np.inf], np.float32)), scene.now_ns)
    with pytest.raises(ShapeError, match="joystick action"):
        scene.arbiter.hear(HumanInput(True, np.zeros(1, np.float32)), scene.now_ns)
    scene.arbiter.lose("bad reading")
    assert "bad reading while held" in scene.step().reason


EVENTS = st.sampled_from(["press", "release", "estop", "unlatch", "lose", "silence", "step", "mute", "first"])


@given(
    st.lists(EVENTS, max_size=40),
    st.sampled_from(["hold", "toggle"]),
    st.sampled_from([0.0, 0.25]),
    st.booleans(),
)
def test_whatever_happens_each_step_is_consistent(events, mode, delay_s, require_joy):
    scene = Scene(mode=mode, reentry_delay_s=delay_s, require_joy=require_joy)
    before = Source.STOPPED
    for event in events:
        if event in ("press", "release", "estop"):
            scene.hear(event == "press", estop=event == "estop")
        elif event == "unlatch":
            scene.arbiter.release_estop()
        elif event == "lose":
            scene.arbiter.lose("unplugged")
        elif event == "silence":
            scene.now_ns += 10 * STEP_NS
        else:
            decision = scene.step(None if event == "mute" else POLICY, first=event == "first")
            said = decision.intervention
            expected = {Source.POLICY: POLICY, Source.HUMAN: PERSON, Source.STOPPED: np.zeros(2)}[said.source]
            np.testing.assert_array_equal(decision.command, expected)
            assert said.active == (said.source is Source.HUMAN)
            assert said.edge == (said.active and before is Source.POLICY and event != "first")
            assert said.reward == (-1.0 if said.edge else 0.0)
            assert bool(decision.reason) == (said.source is Source.STOPPED)
            assert not (scene.arbiter.estopped and said.source is not Source.STOPPED)
            before = said.source


def test_an_arm_that_is_reset_by_hand_follows_who_holds_it_and_nobody_else():
    scene = Scene()
    assert scene.arbiter.guide(scene.now_ns).reason == "nobody holds the takeover"
    scene.hear(True)
    moved = scene.arbiter.guide(scene.now_ns + STEP_NS // 2)
    np.testing.assert_array_equal(moved.command, PERSON)
    assert not moved.intervention.active, "it is no step, so nobody intervenes"
    assert not scene.arbiter.guide(scene.now_ns + 2 * STEP_NS).command.any(), "the joystick is late"
    scene.hear(True)
    scene.arbiter.estop("a test")
    assert scene.arbiter.guide(scene.now_ns + STEP_NS // 2).reason == "a test"


def test_a_mark_that_ends_a_reset_by_hand_is_said_once_and_does_not_mark_the_episode():
    scene = Scene()
    scene.hear(False, Mark.RESET)
    marks = [scene.arbiter.guide(scene.now_ns).mark for _ in range(2)]
    assert marks == [Mark.RESET, Mark.NONE]
    assert scene.step(first=True).mark is Mark.NONE


def test_a_person_may_say_what_they_would_do_while_the_policy_acts():
    scene = Scene()
    scene.arbiter.hear(HumanInput(False, PERSON, advises=True), scene.now_ns + STEP_NS // 2)
    decision = scene.step()
    np.testing.assert_array_equal(decision.command, POLICY)
    assert decision.intervention.advice == tuple(PERSON.tolist())
    scene.hear(False)
    assert scene.step().intervention.advice == ()


def test_a_person_in_control_acts_and_a_silent_stick_advises_nothing():
    scene = Scene()
    scene.arbiter.hear(HumanInput(True, PERSON, advises=True), scene.now_ns + STEP_NS // 2)
    assert scene.step().intervention.advice == ()
    scene.arbiter.hear(HumanInput(False, PERSON, advises=True), scene.now_ns)
    scene.now_ns += 2 * STEP_NS
    assert scene.step().intervention.advice == ()
