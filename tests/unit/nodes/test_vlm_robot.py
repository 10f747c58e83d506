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
from vlmrl_ros.nodes.bench.supervisor import Supervisor
from vlmrl_ros.nodes.bench.vlm_robot_lessons import (
    Lessons,
    Teacher,
    View,
    askable,
    contents,
    phrases,
    texts,
    word_by_word,
    words_of,
)
from vlmrl_ros.nodes.bench.vlm_robot_play import IN_WORDS, SEEN, UNSEEN, Table, arm, by_hand, judge, tell
from vlmrl_ros.policies.learners.vlm_ppo.config import VlmPpoConfig
from vlmrl_ros.policies.vlm.config import VlmConfig
from vlmrl_ros.sim.operators.tabletop import TabletopOperatorConfig
from vlmrl_ros.sim.operators.words import by_skills, to_pick, to_place
from vlmrl_ros.sim.tasks.tabletop.goals import HELD_OUT, PLACES_TO_BE, THINGS, Goal, Thing, read_goal
from vlmrl_ros.sim.tasks.tabletop.layout import CELLS, place_name
from vlmrl_ros.sim.tasks.tabletop.task import build

LEGAL = [f"{verb} {place_name(cell)}" for verb in ("pick", "place") for cell in CELLS]
PERFECT = Teacher(slips=0.0, misled=0.0)


def right(table: Table) -> list[str]:
    said = [by_skills(arm(task)) for task in table.tasks]
    return [answer(one.thoughts, one.action) for one in said]


def test_a_table_plays_each_seed_once_and_marks_what_was_said():
    table = Table(SEEN, iter(range(3)), 2)
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
    table = Table(SEEN, iter(range(1)), 1)
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
    found = judge(lambda seen: ["nonsense"] * len(seen), SEEN, 3, width=2)
    assert found == {"episodes": 3.0, "successes": 0.0, "right": 0.0, "valid": 0.0, "true": 0.0}
    assert by_hand(UNSEEN, 3)["successes"] == 3.0


def test_a_teacher_errs_as_often_as_told():
    goal, rng = Goal(THINGS[0], "left of", PLACES_TO_BE[0]), np.random.default_rng(0)
    true = to_pick(goal, "mid centre", "far left")
    assert PERFECT.say(true, goal, (1, 1), rng) == true
    assert Teacher(0.0, 1.0).say(true, goal, (1, 1), rng) == true, "only placing has another side"
    slipped = [Teacher(1.0, 0.0).say(true, goal, (1, 1), rng) for _ in range(20)]
    assert len({one.action for one in slipped}) > 5
    assert all(one.thoughts.endswith(one.action.split(" ", 1)[1]) for one in slipped)


def test_a_full_hand_may_be_asked_for_all_that_is_free_and_on_the_table():
    table = Table(SEEN, iter(range(1)), 1)
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
    table = Table(SEEN, iter(range(1)), 1)
    task = arm(table.tasks[0])
    layout = task.layout
    assert {one for one in contents(task) if one} == {*layout.things, *layout.targets}
    assert contents(task)[CELLS.index(layout.thing_cells[1])] == layout.things[1]
    table.move(right(table))
    assert {one for one in contents(task) if one} == {*layout.things[1:], *layout.targets}, "the other is in the hand"
    table.close()


def test_a_stem_learns_colour_and_form_of_each_cell_and_nothing_is_0():
    lying = (None, Thing("red", "block"), Thing("yellow", "plate"))
    assert words_of(lying) == [0, 0, 1, 1, 4, 5]
    assert len({tuple(words_of([one])) for one in (None, *THINGS, *PLACES_TO_BE)}) == 1 + len(THINGS) + len(
        PLACES_TO_BE
    )


def test_thoughts_tell_where_each_word_is_seen_before_they_tell_where_both_are():
    bar, block = Thing("red", "bar"), Thing("red", "block")
    lying = [None] * len(CELLS)
    lying[0], lying[2], lying[4], lying[8] = bar, block, Thing("red", "pad"), Thing("blue", "bar")
    goal = Goal(bar, "on", PLACES_TO_BE[0])
    told = word_by_word(bar, lying, to_pick(goal, "mid centre", "near right"))
    assert told.thoughts == (
        "red: near right, near left, mid centre; bar: near right, far left; "
        "the hand is empty, the red pad is mid centre, the red bar is near right"
    )
    placing = to_place(goal, "mid centre", "mid centre")
    assert word_by_word(bar, lying, placing) == placing


def shown(lesson: str, number: int) -> list[View]:
    return list(getattr(Lessons(PERFECT, seed=0), lesson)(number))


@pytest.mark.parametrize("lesson", ["glances", "carrying", "given_back"])
def test_lessons_ask_for_nothing_that_is_held_out(lesson: str):
    asked = [goal for view in shown(lesson, 10) for goal in goals_of(view)]
    assert asked
    assert all(goal.seen for goal in asked)


def goals_of(view: View) -> list[Goal]:
    return [read_goal(one.observation.text.split("The task: ")[1].split(". Answer")[0]) for one in view.examples]


def test_one_picture_is_asked_for_all_that_may_be_picked_up_and_answered_by_what_lies_there():
    for view in shown("glances", 10):
        things = {one for one in view.contents if one in THINGS and (one.colour, one.kind) not in HELD_OUT}
        assert {goal.thing for goal in goals_of(view)} == things
        for goal, one in zip(goals_of(view), view.examples, strict=True):
            cell = CELLS[view.contents.index(goal.thing)]
            assert read_action(one.answer, LEGAL).action == f"pick {place_name(cell)}"


def test_a_full_hand_is_asked_for_places_alone():
    views = [view for view in shown("carrying", 10) if len(view.examples) > 1]
    assert len(views) >= 8, "now and then a pick fails"
    assert all('"place ' in one.answer for view in views for one in view.examples if "hand is full" in one.answer)


def test_a_person_gives_the_arm_back_anywhere_with_the_hand_empty_or_full():
    views = shown("given_back", 10)
    answers = [view.examples[0].answer for view in views]
    assert any('"pick ' in one for one in answers)
    assert any('"place ' in one for one in answers)
    pictures = {view.examples[0].observation.images[0].tobytes() for view in views}
    assert len(pictures) == len(views), "the arm has moved in between"


def test_lessons_are_the_same_for_a_seed():
    first, again = ([one.answer for view in shown("given_back", 3) for one in view.examples] for _ in range(2))
    assert first == again


def test_the_tokenizer_learns_all_instructions_and_all_that_is_answered():
    views = shown("glances", 3)
    learned = texts(views)
    assert "put the red bar behind the yellow plate" in learned, "also what is not seen in training"
    assert views[-1].examples[-1].answer in learned


def test_phrases_are_parts_of_what_is_said():
    table = Table(SEEN, iter(range(1)), 1)
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
    table = Table(SEEN, iter(range(1)), 1)
    asked = table.observations[0]
    asking = Asking(live.spec, policy)
    assert asking.words == table.tasks[0].legal_actions
    assert asking.prompt(table.tasks[0].instruction) == asked.text
    assert [(one.height, one.width, 3) for one in live.spec.cameras] == [image.shape for image in asked.images]
    live.close()
    table.close()


def test_an_episode_is_told_in_a_picture_of_what_was_seen_thought_and_done(tmp_path):
    tell(tmp_path / "story.png", lambda seen: [answer("nothing fits", "pick near left")] * len(seen), SEEN)
    height, width, _ = imread(tmp_path / "story.png").shape
    assert width / height == pytest.approx(4 * 2.2 / 3.5, rel=0.02), "three turns and how it ended"
