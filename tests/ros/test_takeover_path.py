"""From a thumb on a joystick to the learner's reward: joystick -> teleop -> bridge, and to whoever learns."""

from __future__ import annotations

import json
import signal
from importlib import resources
from types import SimpleNamespace

import numpy as np
import pytest
from fakes.observer import Observer, Watcher
from fakes.processes import Running, Stage
from std_srvs.srv import SetBool, Trigger

from vlmrl_ros.core.types import Source, Step

pytestmark = pytest.mark.ros

TAKEOVER, SUCCESS, FAILURE, RESET, ESTOP, ADVICE = 10, 0, 1, 4, 9, 5
"""Buttons of the profile ``ps``, whose axes are those of SDL's virtual pad, and one for advice."""
SPEED_M_S = 0.1
TICKS_TO_ZERO = 2
"""A stop that comes after its tick's deadline finds the command before still held, for so many ticks at most."""


@pytest.fixture(scope="module")
def loop(stage: Stage, observer: Observer) -> SimpleNamespace:
    task = {"reach.horizon": 1000, "reach.rate_hz": 20.0}
    stage.node("sim_bridge", {"task": "reach", "time": "realtime", **task})
    stage.node("policy_server", {"seed": 3})
    profile = stage.root / "pad.yaml"
    usual = (resources.files("vlmrl_ros.teleop") / "profiles" / "ps.yaml").read_text()
    profile.write_text(f"{usual}\nadvice_button: {ADVICE}\n")
    stage.node("teleop", {"profile": str(profile), "arbiter.joy_late_s": 0.3})  # on a busy machine too it is never late
    pad = stage.played_joystick({"rate_hz": 100.0})
    observer.bring_up("sim_bridge")
    watcher = Watcher(observer, observer.spec())
    observer.bring_up("policy_server", "teleop", "joystick")
    observer.until(lambda: len(watcher.steps) > 5, "some steps")
    return SimpleNamespace(
        pad=pad, steps=watcher.steps, transitions=watcher.transitions, watcher=watcher, dropped=watcher.join.dropped
    )


def play(pad: Running, *, pressed: tuple[int, ...] = (), forward: float = 0.0) -> None:
    """Hold exactly these buttons and push the left stick forward."""
    act = {"axes": [0.0, -forward], "buttons": [int(button in pressed) for button in range(11)]}
    pad.process.stdin.write(json.dumps(act) + "\n")
    pad.process.stdin.flush()


def next_steps(observer: Observer, steps: list[Step], wanted, what: str) -> Step:
    """The first step from now on for which ``wanted`` holds."""
    begin = len(steps)
    return observer.until(lambda: next((s for s in steps[begin:] if wanted(s)), None), what)


def stopped(observer: Observer, loop: SimpleNamespace, what: str) -> None:
    """Wait for the next stop, and see the arm at rest ``TICKS_TO_ZERO`` ticks later."""
    first = next_steps(observer, loop.steps, lambda s: s.intervention.source is Source.STOPPED, what)
    assert not first.command.any()

    def since() -> list[Step]:
        return [s for s in loop.steps if s.stamp_ns >= first.stamp_ns]

    observer.until(lambda: len(since()) > TICKS_TO_ZERO + 2, "the steps after it")
    assert all(s.intervention.source is Source.STOPPED and not s.executed.any() for s in since()[TICKS_TO_ZERO:])


@pytest.fixture(autouse=True)
def hands_off(observer: Observer, loop: SimpleNamespace):
    yield
    loop.pad.signal(signal.SIGCONT)
    play(loop.pad)
    next_steps(observer, loop.steps, lambda s: s.intervention.source is Source.POLICY, "the policy in control again")


def test_a_press_takes_control_and_the_transition_before_it_earns_minus_one(observer, loop):
    play(loop.pad, pressed=(TAKEOVER,), forward=1.0)
    edge = next_steps(observer, loop.steps, lambda s: s.intervention.edge, "a takeover")
    held = observer.until(lambda: [s for s in loop.steps if s.stamp_ns > edge.stamp_ns][:5][4:], "five held steps")[0]
    play(loop.pad)
    next_steps(observer, loop.steps, lambda s: not s.intervention.active, "the release")

    blamed = [t for t in loop.transitions if t.took_over]
    assert [t.after.stamp_ns for t in blamed] == [edge.stamp_ns]
    assert blamed[0].before.intervention.source is Source.POLICY
    assert blamed[0].after.intervention.reward == -1.0
    between = [s for s in loop.steps if edge.stamp_ns < s.stamp_ns <= held.stamp_ns]
    assert all(s.intervention.active and not s.intervention.edge and s.intervention.reward == 0.0 for s in between)


def test_while_held_the_arm_does_what_the_hand_says_and_the_record_keeps_both_actions(observer, loop):
    play(loop.pad, pressed=(TAKEOVER,), forward=1.0)
    step = next_steps(observer, loop.steps, lambda s: s.command[0] > 0.99 * SPEED_M_S, "full speed ahead")
    np.testing.assert_allclose(step.command, [SPEED_M_S, 0.0, 0.0], atol=1e-3)
    np.testing.assert_array_equal(step.executed, step.command)
    assert not np.allclose(step.policy_action, step.command, atol=1e-3)
    play(loop.pad)
    free = next_steps(observer, loop.steps, lambda s: s.intervention.source is Source.POLICY, "the policy again")
    np.testing.assert_array_equal(free.command, free.policy_action)


def test_advice_is_on_record_while_the_policy_acts_on(observer, loop):
    play(loop.pad, pressed=(ADVICE,), forward=1.0)
    step = next_steps(observer, loop.steps, lambda s: s.intervention.advice, "advice")
    assert step.intervention.source is Source.POLICY
    np.testing.assert_allclose(step.intervention.advice, [SPEED_M_S, 0.0, 0.0], atol=1e-3)
    np.testing.assert_array_equal(step.command, step.policy_action)
    play(loop.pad)
    next_steps(observer, loop.steps, lambda s: not s.intervention.advice, "silence")


def test_a_takeover_that_outlasts_an_episode_is_no_second_takeover(observer, loop):
    play(loop.pad, pressed=(TAKEOVER,))
    edge = next_steps(observer, loop.steps, lambda s: s.intervention.edge, "a takeover")
    observer.call(Trigger, "reset", Trigger.Request())
    fresh = next_steps(observer, loop.steps, lambda s: s.feedback.step == 2, "the next episode")
    assert fresh.feedback.episode == edge.feedback.episode + 1
    since = [s for s in loop.steps if s.stamp_ns > edge.stamp_ns]
    assert all(s.intervention.active and not s.intervention.edge for s in since)


@pytest.mark.parametrize(
    ("button", "terminated", "truncated", "success"),
    [(SUCCESS, True, False, True), (FAILURE, True, False, False), (RESET, False, True, False)],
)
def test_a_mark_by_button_ends_the_episode_as_it_says(observer, loop, button, terminated, truncated, success):
    episode = loop.steps[-1].feedback.episode
    play(loop.pad, pressed=(button,))
    last = next_steps(observer, loop.steps, lambda s: s.feedback.last, "the end of the episode").feedback
    assert last.episode == episode
    assert (last.terminated, last.truncated, last.success) == (terminated, truncated, success)
    play(loop.pad)
    after = next_steps(observer, loop.steps, lambda s: s.feedback.step == 3, "the next episode")
    assert after.feedback.episode == episode + 1


def test_the_estop_service_latches_until_it_is_released(observer, loop):
    assert observer.call(SetBool, "estop", SetBool.Request(data=True)).success
    first = next_steps(observer, loop.steps, lambda s: s.intervention.source is Source.STOPPED, "the e-stop")
    play(loop.pad, pressed=(TAKEOVER,), forward=1.0)
    observer.until(lambda: len([s for s in loop.steps if s.stamp_ns >= first.stamp_ns]) > 10, "ten stopped steps")
    since = [s for s in loop.steps if s.stamp_ns >= first.stamp_ns]
    assert all(s.intervention.source is Source.STOPPED for s in since)
    assert not any(s.executed.any() for s in since[TICKS_TO_ZERO:])
    observer.until(lambda: "e-stop" in observer.diagnosis("/teleop")[0], "the e-stop in the diagnostics")
    play(loop.pad)
    assert observer.call(SetBool, "estop", SetBool.Request(data=False)).success


def test_the_estop_button_stops_and_only_the_service_releases(observer, loop):
    play(loop.pad, pressed=(ESTOP,))
    next_steps(observer, loop.steps, lambda s: s.intervention.source is Source.STOPPED, "the e-stop")
    play(loop.pad)
    begin = len(loop.steps)
    observer.until(lambda: len(loop.steps) > begin + 5, "five steps")
    assert all(s.intervention.source is Source.STOPPED and not s.executed.any() for s in loop.steps[begin + 1 :])
    observer.call(SetBool, "estop", SetBool.Request(data=False))


def test_a_joystick_that_is_pulled_out_while_held_stops_the_arm_until_it_is_back_and_released(observer, loop):
    play(loop.pad, pressed=(TAKEOVER,), forward=1.0)
    next_steps(observer, loop.steps, lambda s: s.intervention.active and s.command[0] > 0.05, "a held step")
    loop.pad.process.stdin.write('{"attached": false}\n')
    loop.pad.process.stdin.flush()
    stopped(observer, loop, "the stop")
    observer.until(lambda: "while held" in observer.diagnosis("/teleop")[0], "the loss in teleop's diagnostics")
    observer.until(lambda: "there is no joystick" in observer.diagnosis("/joystick")[0], "the loss in the device's")
    loop.pad.process.stdin.write('{"attached": true}\n')
    play(loop.pad, pressed=(TAKEOVER,), forward=1.0)
    observer.until(lambda: observer.diagnosis("/joystick")[0] == "active", "the joystick back")
    begin = len(loop.steps)
    observer.until(lambda: len(loop.steps) > begin + 3, "three steps")
    assert all(s.intervention.source is Source.STOPPED and not s.executed.any() for s in loop.steps[begin:])


def test_a_joystick_that_falls_silent_while_held_stops_the_arm_until_it_is_back_and_released(observer, loop):
    observer.until(lambda: observer.diagnosis("/teleop")[0] == "active", "diagnostics without the loss before")
    play(loop.pad, pressed=(TAKEOVER,), forward=1.0)
    next_steps(observer, loop.steps, lambda s: s.intervention.active and s.command[0] > 0.05, "a held step")
    loop.pad.signal(signal.SIGSTOP)
    stopped(observer, loop, "the stop")
    observer.until(lambda: "joystick silent for" in observer.diagnosis("/teleop")[0], "the silence in the diagnostics")
    loop.pad.signal(signal.SIGCONT)
    begin = len(loop.steps)
    observer.until(lambda: len(loop.steps) > begin + 5, "five steps")
    assert all(s.intervention.source is Source.STOPPED for s in loop.steps[begin:])


def test_no_step_was_lost_on_the_way(loop):
    assert loop.watcher.chain.broken == 0
    assert loop.watcher.join.dropped == loop.dropped
