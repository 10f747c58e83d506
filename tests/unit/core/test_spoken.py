from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from fakes.steps import DT_NS, step
from fakes.utterances import spoken
from hypothesis import given
from hypothesis import strategies as st

from vlmrl_ros.core.errors import RangeError, ShapeError
from vlmrl_ros.core.join import SPOKEN, SPOKEN_AGE, StepJoin
from vlmrl_ros.core.spoken import KEPT, MOST_CHARACTERS, SpokenJoin, read_spoken, readable, told


def message(**changes) -> str:
    one = spoken(7 * DT_NS, version=3)
    said = told(one.prompt, one.utterance, one.said, one.said.action)
    return json.dumps({**said, "stamp_ns": one.stamp_ns, "version": one.version, **changes})


def test_what_was_said_survives_the_way_over_the_wire():
    read, sent = read_spoken(message()), spoken(7 * DT_NS, version=3)
    assert (read.stamp_ns, read.version, read.prompt, read.said) == (7 * DT_NS, 3, sent.prompt, sent.said)
    for name in ("prompt_ids", "token_ids", "log_probs"):
        mine, theirs = getattr(read.utterance, name), getattr(sent.utterance, name)
        np.testing.assert_array_equal(mine, theirs)
        assert mine.dtype == theirs.dtype
    assert (read.utterance.text, read.utterance.ended) == (sent.utterance.text, True)


def test_an_action_that_was_drawn_for_a_text_without_one_was_not_said():
    assert read_spoken(message(valid=False, action="left")).said.action is None


def test_an_observation_that_could_not_be_thought_about_has_no_utterance():
    assert read_spoken('{"error": "a prompt of 9999 tokens", "stamp_ns": 1, "version": 0}') is None


@pytest.mark.parametrize(
    "bad",
    [
        {"token_ids": [1, 2]},
        {"token_ids": [1.5, 2, 3]},
        {"token_ids": [-1, 2, 3]},
        {"prompt_ids": [[1]]},
        {"log_probs": [0.0, float("nan"), 0.0]},
        {"thought": "another one"},
        {"prompt": 5},
        {"stamp_ns": None},
    ],
)
def test_what_is_no_thought_of_a_model_is_refused(bad):
    with pytest.raises(ShapeError, match="not a thought of a model"):
        read_spoken(message(**bad))


@given(st.text(max_size=50) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_nothing_else_is_read(text):
    with pytest.raises(ShapeError):
        read_spoken(text)


def test_a_thought_beyond_all_measure_is_not_parsed():
    with pytest.raises(RangeError):
        read_spoken(" " * (MOST_CHARACTERS + 1))


def test_people_are_told_what_was_thought_and_done_in_signs_that_they_can_read():
    one = spoken(0)
    assert readable(one.utterance, one.said) == ("I see it.", "left")
    babble = replace(one.utterance, text='\x1b[31m\u0590 so {"action": "nowhere"}')
    assert readable(babble, replace(one.said, action=None, thought=(0, 8)), 4) == ("·[31", "nothing that it can do")


def stamps(steps) -> list[tuple[int, int | None]]:
    return [(one.feedback.step, one.spoken.stamp_ns // DT_NS if one.spoken else None) for one in steps]


def test_a_step_waits_for_its_utterance_and_those_after_it_wait_with_it():
    join, made = SpokenJoin(), [step(0, k) for k in range(4)]
    assert stamps(join.put(made[0], -1)) == [(0, None)]
    assert join.put(made[1], 0) == []
    assert join.put(made[2], DT_NS) == []
    assert stamps(join.hear(spoken(made[1].stamp_ns))) == [(1, 2), (2, 2)]
    assert stamps(join.put(made[3], 2 * DT_NS)) == [(3, 2)]


def test_one_that_a_later_one_has_overtaken_was_lost_and_keeps_nobody_waiting():
    join, made = SpokenJoin(), [step(0, k) for k in range(2)]
    assert join.put(made[0], 0) == []
    assert stamps(join.hear(spoken(made[1].stamp_ns))) == [(0, None)]
    assert stamps(join.put(made[1], 0)) == [(1, 2)]
    assert join.lost == 1


def test_one_that_never_comes_is_given_up():
    join, made = SpokenJoin(), [step(0, k) for k in range(3)]
    for one, age_ns in zip(made, (0, DT_NS, -1), strict=True):
        assert join.put(one, age_ns) == []
    assert stamps(join.give_up()) == [(0, None)]
    assert stamps(join.give_up()) == [(1, None), (2, None)]
    assert join.give_up() == []
    assert join.lost == 2


def test_no_more_steps_wait_than_are_kept():
    join = SpokenJoin()
    out = [ready for k in range(2 * KEPT) for ready in join.put(step(0, k), 0)]
    assert len(out) == KEPT


def test_the_join_of_a_step_that_is_listened_to_takes_what_was_said_before_or_after_it():
    made, said = step(0, 3), spoken(step(0, 2).stamp_ns)
    for early in (True, False):
        join, out = StepJoin(listens=True), []
        out += join.put(said.stamp_ns, SPOKEN, said) if early else []
        for name in ("state", "feedback", "policy_action", "command", "intervention", "executed"):
            value = made.observation["state"] if name == "state" else getattr(made, name)
            out += join.put(made.stamp_ns, name, value)
        assert out == []
        out += join.put(made.stamp_ns, SPOKEN_AGE, DT_NS)
        out += join.put(said.stamp_ns, SPOKEN, said) if not early else []
        assert [one.spoken for one in out] == [said]
