from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from vlmrl_ros.core import registry
from vlmrl_ros.core.errors import ConfigError, UnknownNameError
from vlmrl_ros.core.interfaces import Glance
from vlmrl_ros.core.skills import PLACES, skills
from vlmrl_ros.core.vocabulary import Motion
from vlmrl_ros.sim import load
from vlmrl_ros.sim.operators.words import by_skills
from vlmrl_ros.sim.tasks.tabletop import task as tabletop
from vlmrl_ros.sim.tasks.tabletop.goals import HELD_OUT, RELATIONS, goals, read_goal
from vlmrl_ros.sim.tasks.tabletop.layout import CELLS, draw, place_name

STATE = {"observation": "state"}


@pytest.fixture
def task() -> Iterator[tabletop.Tabletop]:
    made = tabletop.build(STATE)
    yield made
    made.close()


def carry_out(task: tabletop.Tabletop, motion: Motion, state: np.ndarray) -> np.ndarray:
    drive = motion.begin()
    while not task.success and (action := drive(state)) is not None:
        state = task.step(action).observation["state"]
    return state


def test_seen_and_unseen_share_every_word_and_no_pair_that_is_held_out():
    seen, unseen = goals("seen"), goals("unseen")
    assert len(seen) + len(unseen) == len(goals("all")) == 12 * 5 * 8
    assert {word for goal in unseen for word in str(goal).split()} <= {
        word for goal in seen for word in str(goal).split()
    }
    assert {(goal.thing.colour, goal.thing.kind) for goal in unseen} == set(HELD_OUT)
    assert not {(goal.thing.colour, goal.thing.kind) for goal in seen} & set(HELD_OUT)


@pytest.mark.parametrize("combinations", ["seen", "unseen"])
def test_an_episode_asks_for_what_its_combinations_allow(combinations: str):
    task = tabletop.build({**STATE, "combinations": combinations})
    asked = set()
    for seed in range(30):
        task.reset(np.random.default_rng(seed))
        asked.add(task.instruction)
    assert asked <= {str(goal) for goal in goals(combinations)}
    assert len(asked) > 15


def test_a_sentence_is_read_and_an_unknown_one_refused_with_the_closest():
    assert str(read_goal("Put the  red block on the blue pad.")) == "put the red block on the blue pad"
    with pytest.raises(UnknownNameError, match="put the red block on the blue pad"):
        tabletop.build({**STATE, "instruction": "put the red brick on the blue pad"})


def test_a_given_instruction_is_that_of_every_episode():
    task = tabletop.build({**STATE, "instruction": "put the green bar behind the red plate"})
    for seed in range(3):
        task.reset(np.random.default_rng(seed))
        assert task.instruction == "put the green bar behind the red plate"
        assert (task.layout.things[0].colour, task.layout.things[0].kind) == ("green", "bar")


def test_nothing_lies_where_the_thing_is_to_go_and_no_word_can_be_left_out():
    rng = np.random.default_rng(0)
    for goal in goals("all"):
        layout = draw(goal, rng)
        taken = (*layout.thing_cells, *layout.target_cells)
        assert len(set(taken)) == 5
        assert layout.goal_cell in CELLS
        assert layout.goal_cell not in (*layout.thing_cells, layout.target_cells[1])
        others = layout.things[1:]
        assert {one.colour == goal.thing.colour for one in others} == {True, False}
        assert {one.kind == goal.thing.kind for one in others} == {True, False}
        assert goal.thing not in others
        assert goal.target != layout.targets[1]


@pytest.mark.parametrize("relation", RELATIONS)
def test_what_is_picked_and_placed_where_the_sentence_says_is_a_success(relation: str):
    task = tabletop.build({**STATE, "instruction": f"put the yellow can {relation} the red pad"})
    state = task.reset(np.random.default_rng(1)).observation["state"]
    words, layout = skills(task.spec), task.layout
    state = carry_out(task, words[f"pick {place_name(layout.thing_cells[0])}"], state)
    assert task.holds_thing
    assert not task.success
    carry_out(task, words[f"place {place_name(layout.goal_cell)}"], state)
    assert task.success


def test_the_right_thing_at_the_wrong_place_and_the_wrong_thing_at_the_right_place_are_none(task):
    state = task.reset(np.random.default_rng(2)).observation["state"]
    words, layout = skills(task.spec), task.layout
    taken = {*layout.thing_cells, *layout.target_cells, layout.goal_cell}
    elsewhere = place_name(next(cell for cell in CELLS if cell not in taken))
    state = carry_out(task, words[f"pick {place_name(layout.thing_cells[1])}"], state)
    state = carry_out(task, words[f"place {place_name(layout.goal_cell)}"], state)
    assert not task.success
    state = carry_out(task, words[f"pick {place_name(layout.thing_cells[0])}"], state)
    carry_out(task, words[f"place {elsewhere}"], state)
    assert not task.success


def test_left_and_behind_are_as_the_robot_sees_them():
    task = tabletop.build({**STATE, "instruction": "put the yellow can left of the red pad"})
    task.reset(np.random.default_rng(0))
    assert task.goal_position[1] - task.target_position()[1] == pytest.approx(0.11)
    task = tabletop.build({**STATE, "instruction": "put the yellow can behind the red pad"})
    task.reset(np.random.default_rng(0))
    assert task.goal_position[0] - task.target_position()[0] == pytest.approx(0.10)


def test_the_picture_shows_colour_and_place_of_what_lies_there():
    task = tabletop.build({"instruction": "put the red block on the blue pad"})
    frames = [task.reset(np.random.default_rng(seed)).observation["top"] for seed in range(4)]
    assert {frame.shape for frame in frames} == {(64, 64, 3)}
    for seed, frame in enumerate(frames):
        task.reset(np.random.default_rng(seed))
        red = (frame[..., 0] > 110) & (frame[..., 1] < 60) & (frame[..., 2] < 60)
        rows, columns = np.nonzero(red)
        reds = [task.thing_position(n) for n, thing in enumerate(task.layout.things) if thing.colour == "red"]
        left = max(position[1] for position in reds)
        assert (columns.min() < 26) == (left > 0.05), "the robot's left is on the left"
        far = max(position[0] for position in reds)
        assert (rows.min() < 26) == (far > 0.57), "far is up"
    task.close()


def test_skills_need_a_hand_that_feels_where_it_is():
    with pytest.raises(ConfigError, match="task 'reach' lacks tip_x, tip_y, tip_z, gripper"):
        skills(load.build("reach", {}).spec)
    assert set(skills(tabletop.build(STATE).spec)) == {
        f"{verb} {place}" for verb in ("pick", "place") for place in PLACES
    }


def listener(task: tabletop.Tabletop, **options: object):
    made = registry.load("operators", "tabletop")(task.spec, {"trigger": "heard", **options})
    made.reset(np.random.default_rng(0), demonstrate=False)
    return made


def test_a_person_who_listens_takes_over_at_once_when_it_says_what_is_wrong(task):
    words = skills(task.spec)
    state = task.reset(np.random.default_rng(3)).observation["state"]
    for verb in ("pick", "place"):
        right = by_skills(task).action
        assert right.startswith(verb)
        for word in (*words, "nonsense", ""):
            intent = listener(task).intent(Glance(task.scene(), 5, False, False, False, said=word))
            assert intent.takeover is (word not in (right, "")), word
        state = carry_out(task, words[right], state)
    assert task.success


def test_some_errors_are_not_noticed(task):
    task.reset(np.random.default_rng(3))
    glance = Glance(task.scene(), 5, False, False, False, said="nonsense")
    assert not listener(task, attention=0.0).intent(glance).takeover
    person = listener(task, attention=0.5, hold_steps=1)
    noticed = [person.intent(glance).takeover for _ in range(40)]
    assert 5 < sum(noticed) < 35


def test_whoever_knows_no_words_cannot_listen():
    task = load.build("pick_lift", {})
    with pytest.raises(ConfigError, match="'heard', which goes with words; task 'pick_lift' has none"):
        registry.load("operators", "pick_lift")(task.spec, {"trigger": "heard"})
    task.close()
