from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from vlmrl_ros.sim.text import text_nav, textworld_nav
from vlmrl_ros.sim.text.house import ROOMS, House, plan

BACK = {"north": "south", "south": "north", "east": "west", "west": "east"}


@pytest.fixture(scope="module")
def textworld():
    """TextWorld's house, compiled once."""
    return textworld_nav.build({})


def begin(room: str, options: dict | None = None):
    """A task that begins in a room."""
    task = text_nav.build(options or {})
    seed = next(seed for seed in range(1000) if task.reset(seed) and task.rules.house.room == room)
    task.reset(seed)
    return task


def test_every_way_leads_back():
    for here, ways in ROOMS.items():
        for direction, there in ways.items():
            assert ROOMS[there][BACK[direction]] == here


@pytest.mark.parametrize(
    ("room", "commands"),
    [("living room", 6), ("dining room", 7), ("office", 7), ("bedroom", 7), ("kitchen", 8)],
)
def test_the_planner_wins_from_each_room_by_the_shortest_way(room, commands):
    task = begin(room)
    steps = []
    while not steps or not steps[-1].last:
        steps.append(task.step(plan(task.rules.house)))
    assert len(steps) == commands
    assert [step.reward for step in steps] == [0.0] * (commands - 1) + [1.0]
    assert steps[-1].terminated
    assert steps[-1].info["success"]


def test_eating_the_stale_food_ends_the_episode_for_nothing():
    task = begin("living room")
    task.step("take stale food from table")
    step = task.step("eat stale food")
    assert (step.reward, step.terminated, step.info["success"]) == (0.0, True, False)


def test_fifteen_commands_cut_the_episode_off_and_impossible_ones_count():
    task = begin("garden")
    steps = [task.step("go up") for _ in range(15)]
    assert [step.truncated for step in steps] == [False] * 14 + [True]
    assert not steps[-1].terminated
    assert task.rules.house == House("garden")


def test_food_in_an_open_fridge_is_not_yet_won():
    task = begin("living room")
    for command in ("take stale food from table", "go west", "go west", "open fridge", "insert stale food into fridge"):
        step = task.step(command)
        assert step.info["valid"]
        assert step.reward == 0.0
    assert task.step("Close  Fridge").reward == 1.0


def test_partial_observation_hides_room_and_hands_and_remembers():
    full, partial = begin("living room"), begin("living room", {"observed": "partial"})
    start = partial.step("take stale food from table").observation.text
    text = partial.step("go west").observation.text
    assert text.startswith(start + "go west\n")
    assert "You are in" not in text
    assert "You carry" not in text
    full.step("take stale food from table")
    text = full.step("go west").observation.text
    assert text.startswith("Done. You are in the dining room.")
    assert "You carry: stale food." in text


def test_the_data_are_of_two_policies_each_right_in_its_half_of_the_rooms():
    episodes = list(islice(text_nav.episodes({}, 0), 100))
    assert {episode.info["policy"] for episode in episodes} == set(text_nav.HALVES)
    turns = [turn for episode in episodes if episode.info["policy"] == "outer" for turn in episode.turns]
    for room, always in (("bathroom", True), ("kitchen", False)):
        said = {turn.action for turn in turns if f"in the {room}" in turn.observation}
        assert (len(said) == 1) == always


def test_textworld_has_the_same_commands_and_outcomes(textworld):
    fast, rng = text_nav.build({}), np.random.default_rng(0)
    for seed in range(4):
        textworld.reset(seed)
        fast.reset(seed)
        step = None
        while step is None or not step.last:
            assert sorted(textworld.legal_actions) == sorted(fast.legal_actions)
            command = fast.legal_actions[rng.integers(len(fast.legal_actions))]
            step, then = fast.step(command), textworld.step(command)
            assert (step.reward, step.terminated, step.truncated) == (then.reward, then.terminated, then.truncated)
            assert step.info["anchor"] == then.info["anchor"]


def test_the_planner_wins_in_textworld(textworld):
    textworld.reset(0)
    step = None
    while step is None or not step.last:
        step = textworld.step(plan(textworld.rules.house))
    assert (step.reward, step.info["success"]) == (1.0, True)
