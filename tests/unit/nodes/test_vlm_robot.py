from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from ament_index_python.packages import get_package_share_directory
from matplotlib.image import imread

from vlmrl_ros.core.asking import Asking
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.prompts import answer
from vlmrl_ros.core.text_action import read_action
from vlmrl_ros.nodes.bench.vlm_robot_play import (
    EVALUATION_SEEDS,
    IN_WORDS,
    Supervisor,
    Table,
    Teacher,
    arm,
    askable,
    by_hand,
    judge,
    tell,
)
from vlmrl_ros.nodes.bench.vlm_robot_runs import contents, phrases, texts
from vlmrl_ros.policies.learners.vlm_ppo.config import VlmPpoConfig
from vlmrl_ros.policies.vlm.config import VlmConfig
from vlmrl_ros.sim.operators.tabletop import TabletopOperatorConfig
from vlmrl_ros.sim.operators.words import by_skills, to_place
from vlmrl_ros.sim.tasks.tabletop.goals import PLACES_TO_BE, THINGS, Goal
from vlmrl_ros.sim.tasks.tabletop.task import build

SMALL = {"combinations": "seen", "observation": "state"}


def right(table: Table) -> list[str]:
    said = [by_skills(arm(task)) for task in table.tasks]
    return [answer(one.thoughts, one.action) for one in said]


def test_a_table_plays_each_seed_once_and_marks_what_was_said():
    table = Table(SMALL, iter(range(3)), 2)
    moves = table.move(right(table))
    assert [(move.right, move.true, move.taken_over) for move in moves] == [(True, True, False)] * 2
    wrong = answer("the hand is full", "place near left")
    moves = table.move([wrong, *right(table)[1:]])
    assert [(move.right, move.true) for move in moves] == [(False, False), (True, True)]
    assert [move.step.last for move in moves] == [False, True]
    while table.tasks:
        moves = table.move(right(table))
    assert moves[-1].step.info["success"]
    table.close()


def test_a_takeover_does_the_right_thing_and_leaves_what_was_said():
    table = Table(SMALL, iter(range(1)), 1)
    for _ in range(2):
        (move,) = table.move(["hm"], Supervisor(attention=1.0, seed=0))
        assert move.taken_over
        assert move.said.action is None
    assert move.step.info["success"]
    table.close()


def test_who_does_not_look_takes_nothing_over_and_who_is_right_is_left_alone():
    assert not any(Supervisor(0.0, 0).objects(right=False) for _ in range(50))
    careful = Supervisor(0.7, 0)
    assert not any(careful.objects(right=True) for _ in range(50))
    assert 0.6 < np.mean([careful.objects(right=False) for _ in range(500)]) < 0.8


def test_judges_count_what_the_speaker_does():
    found = judge(lambda seen: ["nonsense"] * len(seen), SMALL, 3, width=2)
    assert found == {"episodes": 3.0, "successes": 0.0, "right": 0.0, "valid": 0.0, "true": 0.0}
    assert by_hand({**SMALL, "combinations": "unseen"}, 3)["successes"] == 3.0


def test_a_teacher_errs_as_often_as_told_and_is_misled_to_the_other_side():
    table = Table(SMALL, iter([EVALUATION_SEEDS]), 1)
    task, rng = arm(table.tasks[0]), np.random.default_rng(0)
    assert Teacher(0.0, 0.0).show(task, rng) == by_skills(task)
    assert Teacher(0.0, 1.0).show(task, rng) == by_skills(task), "only placing has another side"
    slipped = [Teacher(1.0, 0.0).show(task, rng) for _ in range(20)]
    assert len({one.action for one in slipped}) > 5
    assert all(one.thoughts.endswith(one.action.split(" ", 1)[1]) for one in slipped)
    table.close()


def test_a_full_hand_may_be_asked_for_all_that_is_free_and_on_the_table():
    table = Table(SMALL, iter(range(1)), 1)
    layout = arm(table.tasks[0]).layout
    found = askable(layout)
    assert (layout.goal, layout.target_cells[0], layout.goal_cell) in found
    assert {goal.thing for goal, _, _ in found} == {layout.goal.thing}
    assert {goal.target for goal, _, _ in found} == set(layout.targets)
    for goal, own, cell in found:
        assert cell not in layout.thing_cells[1:]
        assert (cell == own) == (goal.relation == "on")
    table.close()


def test_a_misled_teacher_names_the_other_side_where_there_is_one():
    goal, middle, edge = Goal(THINGS[0], "left of", PLACES_TO_BE[0]), (1, 1), (1, 2)
    rng, misled = np.random.default_rng(0), Teacher(0.0, 1.0)
    assert misled.say(to_place(goal, "mid centre", "mid left"), goal, middle, rng).action == "place mid right"
    goal = Goal(THINGS[0], "right of", PLACES_TO_BE[0])
    assert misled.say(to_place(goal, "mid left", "mid centre"), goal, edge, rng).action == "place mid centre"


def test_what_lies_where_is_told_for_all_cells():
    table = Table(SMALL, iter(range(1)), 1)
    task = arm(table.tasks[0])
    numbers = sorted(number for number in contents(task) if number)
    things = [1 + THINGS.index(thing) for thing in task.layout.things]
    targets = [1 + len(THINGS) + PLACES_TO_BE.index(target) for target in task.layout.targets]
    assert numbers == sorted(things + targets)
    table.move(right(table))
    assert sorted(number for number in contents(task) if number) == sorted(things[1:] + targets)
    table.close()


@pytest.mark.parametrize("text", texts()[480::997])
def test_the_tokenizer_learns_from_answers_that_can_be_read(text: str):
    said = read_action(
        text,
        [
            f"{verb} {row} {column}"
            for verb in ("pick", "place")
            for row in ("near", "mid", "far")
            for column in ("left", "centre", "right")
        ],
    )
    assert said.valid


def test_phrases_are_parts_of_what_is_said():
    table = Table(SMALL, iter(range(1)), 1)
    said = [table.observations[0].text, *right(table)]
    table.move(right(table))
    said += right(table)
    assert IN_WORDS.words == "skills"
    assert all(any(phrase in text for text in said) for phrase in phrases())
    table.close()


def test_the_loop_asks_its_model_as_it_was_taught_by_the_parameters_that_come_along():
    file = Path(get_package_share_directory("vlmrl_ros")) / "config" / "tabletop_by_words.yaml"
    told = {node: given["ros__parameters"] for node, given in yaml.safe_load(file.read_text()).items()}
    policy = from_mapping(VlmConfig, told["/**"]["vlm"])
    assert policy.model == "runs/bench/vlm_robot/taught_0"
    assert from_mapping(TabletopOperatorConfig, told["/**"]["operator"]).trigger == "heard"
    from_mapping(VlmPpoConfig, told["/**/learner"]["vlm_ppo"])
    live = build({})
    table = Table(SMALL, iter(range(1)), 1)
    asked = table.observations[0]
    asking = Asking(live.spec, policy)
    assert asking.words == table.tasks[0].legal_actions
    assert asking.prompt(table.tasks[0].instruction) == asked.text
    assert [(one.height, one.width, 3) for one in live.spec.cameras] == [image.shape for image in asked.images]
    live.close()
    table.close()


def test_an_episode_is_told_in_a_picture_of_what_was_seen_thought_and_done(tmp_path):
    tell(tmp_path / "story.png", lambda seen: [answer("nothing fits", "pick near left")] * len(seen), SMALL)
    height, width, _ = imread(tmp_path / "story.png").shape
    assert width / height == pytest.approx(4 * 2.2 / 3.5, rel=0.02), "three turns and how it ended"
