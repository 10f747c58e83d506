"""The arm by dialogue: a real simulation behind a text task."""

from __future__ import annotations

import pytest

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.sim.text.tabletop_dialogue import build, normalisation


@pytest.fixture(scope="module")
def task():
    return build({})


def test_a_pick_and_a_place_end_the_dialogue(task):
    said = task.reset(0).text
    assert said == (
        "put the green bar left of the red pad; "
        "the hand is empty, the red pad is far centre, the green bar is near left\n"
    )
    first = task.step("pick near left\n")
    assert first.observation.text.endswith("the hand is full, the red pad is far centre, left of it is far left\n")
    second = task.step("place far left\n")
    assert [first.reward, second.reward] == [-1.0, 0.0]
    assert (second.terminated, second.info["success"]) == (True, True)


def test_a_wrong_place_is_seen_and_can_be_put_right(task):
    task.reset(0)
    task.step("pick near left\n")
    wrong = task.step("place near right\n")
    assert not wrong.last
    assert wrong.observation.text.endswith(
        "the hand is empty, the red pad is far centre, the green bar is near right\n"
    )
    task.step("pick near right\n")
    assert task.step("place far left\n").terminated


def test_what_is_no_skill_costs_a_turn_and_the_last_turn_ends_the_episode():
    task = build({"max_turns": 3})
    before = task.reset(1).text
    steps = [task.step(text) for text in ("pick it up\n", "x" * 10_000, "place nowhere\n")]
    assert [step.reward for step in steps] == [-1.0] * 3
    assert {step.observation.text for step in steps} == {before}
    assert [(step.terminated, step.truncated) for step in steps] == [(False, False)] * 2 + [(False, True)]


def test_scores_are_known_for_the_length_that_was_measured_alone():
    scale = normalisation({})
    assert [scale.score(worth) for worth in (-8.0, -1.0)] == [0, 100]
    with pytest.raises(ConfigError, match="max_turns is 4; scores are known for 8 alone"):
        normalisation({"max_turns": 4})
