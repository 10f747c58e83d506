"""What small models are shown of the card games: demonstrations, prompts and pictures."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fakes.cards import dealt

from vlmrl_ros.sim.cards.demonstrations import Teacher, true_thoughts
from vlmrl_ros.sim.cards.game import Card
from vlmrl_ros.sim.cards.number_line import NumberLine
from vlmrl_ros.sim.cards.points import EZPoints
from vlmrl_ros.sim.cards.prompts import TOLD, answer, fixed_parts
from vlmrl_ros.sim.cards.task import GAMES, CardTask, CardTaskConfig


def test_a_teacher_without_mistakes_always_succeeds_and_thinks_what_is_true():
    for name, at_length in (("number_line", False), ("ez_points", False), ("ez_points", True)):
        for seed in range(20):
            task, rng = CardTask(name), np.random.default_rng(seed)
            task.reset(seed)
            while True:
                thought, action = Teacher(at_length=at_length).show(task.game, rng)
                assert thought in true_thoughts(task.game)
                assert action in task.game.right_actions()
                step = task.step(answer(task.game.facts, thought, action))
                if step.last:
                    break
            assert step.info["success"]


@pytest.mark.parametrize("thoughts", [True, False])
@pytest.mark.parametrize("name", GAMES)
def test_a_game_is_shown_as_it_is_asked_for(name, thoughts):
    task = CardTask(name, CardTaskConfig(thoughts=thoughts))
    task.reset(0)
    said, right = task.demonstrate(), task.game.right_actions()
    assert said == task.demonstrate(), "it draws nothing"
    assert list(json.loads(said)) == ([*task.game.facts, "thoughts", "action"] if thoughts else ["action"])
    assert task.step(said).info["action"] in right


def test_states_that_mislead_do_so_as_often_as_asked_and_no_others():
    rng, misled = np.random.default_rng(0), Teacher(misled=0.7)
    for current, target, share in ((1, 5, 0.7), (1, 4, 0.0)):
        game = dealt(NumberLine(), current=current, target=target)
        wrong = [misled.show(game, rng) == (f"{current} is larger than {target}, so -", "-") for _ in range(500)]
        assert np.mean(wrong) == pytest.approx(share, abs=0.06)
    game = dealt(EZPoints(), cards=(Card(6, "S"), Card(2, "H")), numbers=(6, 2), formula=["2"])
    shown = {misled.show(game, rng) for _ in range(50)}
    assert shown == {("2 + 6 = 12, so +", "+"), ("2 * 6 = 12, so *", "*")}
    assert true_thoughts(game) == {"2 * 6 = 12, so *", "2 * 6 = 12, cards 6 2, written 2, left * 6, so *"}


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("thoughts", [True, False])
def test_what_a_game_always_says_is_in_its_prompts_and_answers(name, thoughts):
    task = CardTask(name, CardTaskConfig(thoughts=thoughts))
    asked = task.reset(0)
    said = answer(task.game.facts, "so", "=") if thoughts else answer({}, None, "=")
    for part in fixed_parts(task.game, thoughts):
        assert part in asked.text + said or (part in TOLD and "formula" not in task.game.facts)


def test_a_worse_camera_shifts_and_blurs_from_its_own_seed():
    config = CardTaskConfig(size=64, shift=4, noise=10.0)
    seen = [CardTask("number_line", config).reset(seed).images[0] for seed in (3, 3, 4)]
    assert (seen[0].shape, seen[0].dtype) == ((64, 64, 3), np.uint8)
    assert np.array_equal(seen[0], seen[1])
    calm = CardTask("number_line", CardTaskConfig(size=64)).reset(3).images[0].astype(float)
    best = min(
        np.std(np.roll(calm, (down, right), (0, 1)) - seen[0]) for down in range(-4, 5) for right in range(-4, 5)
    )
    assert 5 < best < 11
