"""The policy server with a policy that thinks as long as the test wants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes.thinking_server import SPEC, Bench, serving
from safetensors.numpy import save
from std_msgs.msg import String, UInt8MultiArray
from std_srvs.srv import Trigger

from vlmrl_ros.bridge import messages
from vlmrl_ros.bridge.weights import Weights, encode
from vlmrl_ros.core.checkpoint import POLICY_FILE, write_checkpoint
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Feedback


@pytest.fixture
def served(request, monkeypatch) -> Iterator[Bench]:
    with serving(monkeypatch, **getattr(request, "param", {})) as bench:
        yield bench


def steady(folder: Path, spec: TaskSpec, action: float) -> Path:
    """A checkpoint whose policy, of one observation and one action, always does the same."""
    shapes = {"weight": (1, 1), "bias": (1,)}
    weights = {
        f"actor/{layer}/{part}": np.zeros(shape, np.float32)
        for layer in ("hidden_0", "mean", "log_std")
        for part, shape in shapes.items()
    }
    weights["actor/mean/bias"][:] = np.arctanh(action)
    raw = save(weights)
    return write_checkpoint(folder, 1, {POLICY_FILE: lambda: [raw]}, {"task_spec": spec.to_json()}, None).path


HOLD = {"deadline_s": 0.0, "hold_policy": "gaussian", "gaussian.explore": "false"}


def test_meanwhile_the_hold_policy_acts_with_the_weights_of_its_checkpoint(monkeypatch, tmp_path):
    with serving(monkeypatch, hold_checkpoint=steady(tmp_path, SPEC, 0.25), **HOLD) as served:
        for stamp in range(2):
            served.see(stamp)
            assert served.answer(stamp) == (pytest.approx(0.25), True)
        served.thought(1)
        served.until(lambda: served.node._thinkers[0]._deliberation._drive is not None)
        served.see(2)
        assert served.answer(2) == (0.5, False)
        assert served.counts["steps held"] == 2


def test_a_hold_policy_of_another_task_or_of_no_name_ends_the_node(monkeypatch, tmp_path):
    other = replace(SPEC, task="other", observation=replace(SPEC.observation, names=("y",)))
    for given in ({**HOLD, "hold_checkpoint": steady(tmp_path, other, 0.25)}, {"hold_policy": "nobody"}):
        with serving(monkeypatch, **given) as served:
            served.until(served.node.done.done)
            assert served.node.done.result() == 1
            assert not served.node._thinkers


def test_a_motion_answers_its_observation_and_those_that_follow(served):
    served.see(0)
    served.thought(1)
    assert [served.answer(0)] == [(0.5, False)]
    for stamp in (1, 2):
        served.see(stamp)
        assert served.answer(stamp) == (0.5, False)
    served.see(3)
    served.thought(2)
    assert served.answer(3) == (0.5, False)
    assert len(served.speaker.asked) == 2
    assert [served.ages[stamp] for stamp in range(4)] == [0, 1, 2, 0]


@pytest.mark.parametrize("served", [{"deadline_s": 0.0}], indirect=True)
def test_in_real_time_the_arm_is_held_until_the_policy_has_decided(served):
    for stamp in range(3):
        served.see(stamp)
        assert served.answer(stamp) == (0.0, True)
        served.until(lambda: served.speaker.asked)
    served.thought(1)
    served.until(lambda: served.node._thinkers[0]._deliberation._drive is not None)
    served.see(3)
    assert served.answer(3) == (0.5, False)
    assert [served.ages[stamp] for stamp in range(4)] == [-1, -1, -1, 3], "that was decided on the first one"
    assert served.counts["observations overtaken by a newer one"] == 1
    assert served.counts["steps held"] == 3


@pytest.mark.parametrize("served", [{"deadline_s": 0.05}], indirect=True)
def test_an_observation_waits_until_the_deadline_and_no_longer(served):
    served.see(0)
    assert served.answer(0) == (0.0, True)
    assert served.counts["deadlines passed"] == 1


def test_an_observation_that_the_bridge_went_on_without_is_held(served):
    served.see(0)
    served.see(1)
    assert served.answer(0) == (0.0, True)
    served.thought(1)
    assert served.answer(1) == (0.5, False)


def test_a_takeover_drops_the_motion_and_a_reset_what_was_being_thought(served):
    served.see(0)
    served.thought(1)
    served.answer(0)
    served.take_over(1)
    assert served.counts["motions dropped at a takeover"] == 1
    served.let_go(1)
    served.see(2)
    served.until(lambda: len(served.speaker.asked) == 2)
    served.see(10, episode=1)
    served.speaker.may.release()
    served.until(lambda: served.counts.get("thoughts too late or flushed"))
    served.thought(3)
    assert served.answer(10) == (0.5, False)
    assert served.answer(2) == (0.0, True)


def test_what_is_being_thought_about_at_a_takeover_is_held(served):
    served.see(4)
    served.until(lambda: len(served.speaker.asked) == 1)
    served.take_over(4)
    assert served.answer(4) == (0.0, True)


def test_nothing_is_thought_while_a_person_drives_nor_at_the_end_of_an_episode(served):
    served.take_over(0)
    served.see(1)
    assert served.answer(1) == (0.0, True)
    served.let_go(1)
    served.see(2, last=True)
    assert served.answer(2) == (0.0, True)
    served.see(3, episode=1)
    served.thought(1)
    assert served.answer(3) == (0.5, False)
    assert len(served.speaker.asked) == 1
    assert [served.ages[stamp] for stamp in (1, 2, 3)] == [-1, -1, 0]


def test_a_text_without_action_holds_the_arm_for_a_step_and_the_step_says_so(served):
    served.speaker.steps = 0
    served.see(0)
    served.thought(1)
    assert served.answer(0) == (0.0, True)
    assert served.counts["invalid texts"] == 1
    assert served.ages[0] == 0


def test_a_text_without_action_may_end_the_episode_before_the_step_is_answered_and_nothing_is_thought_until_then(
    served,
):
    asked: list[bool] = []

    def reset(_: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        asked.append(0 in served.actions)
        return response

    served.node.create_service(Trigger, "reset", reset)
    served.speaker.steps, served.speaker.ends = 0, True
    served.see(0)
    served.thought(1)
    assert served.answer(0) == (0.0, True)
    assert asked == [False]
    served.see(1)
    assert served.answer(1) == (0.0, True)
    assert len(served.speaker.asked) == 1
    served.speaker.steps, served.speaker.ends = 3, False
    served.tell("/feedback", messages.feedback_message(2, Feedback(0.0, False, False, False, 1, 0, 0)))
    served.tell("/observation/state", messages.named_vector(2, ("x",), [0.0]))
    served.thought(2)
    assert served.answer(2) == (0.5, False)


def test_where_no_bridge_can_end_the_episode_it_goes_on(served):
    served.speaker.steps, served.speaker.ends = 0, True
    for stamp in (0, 1):
        served.see(stamp)
        served.thought(stamp + 1)
        assert served.answer(stamp) == (0.0, True)


@pytest.mark.parametrize("served", [{"deadline_s": 0.0}], indirect=True)
def test_in_real_time_the_step_that_is_held_next_is_that_of_a_text_without_action(served):
    served.speaker.steps = 0
    served.see(0)
    served.thought(1)
    served.until(lambda: served.counts.get("invalid texts"))
    for stamp in (1, 2):
        served.see(stamp)
        served.answer(stamp)
    assert [served.ages[stamp] for stamp in range(3)] == [-1, 1, -1]


def test_a_defect_of_the_policy_holds_the_arm_and_stays_in_sight(served):
    served.speaker.value = 0.0
    served.see(0)
    served.thought(1)
    assert served.answer(0) == (0.0, True)
    assert served.counts["thoughts that met a defect"] == 1
    assert not served.node.diagnostics.defect("the policy met a defect: ZeroDivisionError")


def test_an_instruction_is_part_of_the_next_question_and_a_long_or_empty_one_is_counted(served):
    for text in ("put it down", "x" * 1001):
        served.tell("/instruction", String(data=text))
    served.see(0)
    served.until(lambda: served.speaker.asked)
    assert served.speaker.asked[0].instruction == "put it down"
    served.tell("/instruction", String(data="  "))
    assert (served.counts["refused instruction"], served.counts["empty instructions"]) == (1, 1)


def test_weights_speak_from_the_next_question_on_and_those_that_do_not_fit_are_counted(served):
    served.tell("/weights", encode(Weights({"bad": np.zeros(1, np.float32)}, 1, 0)))
    served.until(lambda: served.counts.get("refused weights"))
    served.tell("/weights", encode(Weights({"good": np.zeros(1, np.float32)}, 2, 0)))
    served.until(lambda: served.node._ready == 2)
    served.see(0)
    served.thought(1)
    assert served.answer(0) == (0.75, False)


@pytest.mark.parametrize("served", [{"sync": "true"}], indirect=True)
def test_in_sync_an_observation_waits_for_its_weights_and_the_node_ends_with_those_that_do_not_fit(served):
    served.see(0, version=1)
    served.tell("/weights", encode(Weights({"good": np.zeros(1, np.float32)}, 1, 0)))
    served.thought(1)
    assert served.answer(0) == (0.75, False)
    served.see(9, version=2)
    bad: UInt8MultiArray = encode(Weights({"bad": np.zeros(1, np.float32)}, 2, 0))
    served.tell("/weights", bad)
    served.until(served.node.done.done)
    assert served.node.done.result() == 1
    assert len(served.speaker.asked) == 1
