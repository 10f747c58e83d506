"""How the suite ``rl4vlm`` plays, takes over, judges and compares."""

from __future__ import annotations

from dataclasses import replace
from itertools import count, cycle

import numpy as np
import pytest
import torch

from vlmrl_ros.core.side_by_side import turn_of
from vlmrl_ros.core.text_action import read_action
from vlmrl_ros.nodes.bench import rl4vlm
from vlmrl_ros.nodes.bench.rl4vlm_arms import ARMS, PREFERENCES
from vlmrl_ros.nodes.bench.rl4vlm_play import Supervisor, Table, judge
from vlmrl_ros.nodes.bench.rl4vlm_runs import MODEL, SETUPS
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.tiny import build
from vlmrl_ros.sim.cards.demonstrations import Teacher
from vlmrl_ros.sim.cards.prompts import answer
from vlmrl_ros.sim.cards.task import CardTaskConfig

PLAIN = CardTaskConfig(size=64)


def teacher_at(table: Table):
    """Says what the teacher would, to whatever is on a table."""
    rng = np.random.default_rng(0)
    games = [task.game for task in table.tasks]
    return [answer(game.facts, *Teacher().show(game, rng)) for game in games]


@pytest.mark.parametrize("game", SETUPS)
def test_whoever_says_what_is_right_is_judged_perfect(game, monkeypatch):
    tables = []
    begin = Table.__init__
    monkeypatch.setattr(Table, "__init__", lambda self, *given: (tables.append(self), begin(self, *given))[1])
    found = judge(lambda _: [(text, len(text)) for text in teacher_at(tables[-1])], game, PLAIN, 12, width=5)
    assert found["successes"] == found["episodes"] == 12
    assert [found[mark] for mark in ("right", "valid", "stated", "true")] == [1.0] * 4


def test_whoever_says_nothing_of_use_is_judged_so():
    texts = cycle(['{"target number": 9, "thoughts": "hm"}', '["action"]', '{"action": "+ or -"}'])
    found = judge(lambda seen: [(next(texts), 3) for _ in seen], "number_line", PLAIN, 20)
    assert found["episodes"] == 20
    assert found["successes"] < 15
    assert [found[mark] for mark in ("right", "valid", "stated", "true", "tokens")] == [0.0, 0.0, 0.0, 0.0, 3.0]


def test_half_of_the_numbers_may_be_right():
    table = Table("number_line", PLAIN, iter([10**12]), 1)
    facts = dict(table.tasks[0].game.facts)
    text = answer({**facts, "current number": 7}, "hm", "+")
    found = judge(lambda seen: [(text, 1) for _ in seen], "number_line", PLAIN, 1)
    assert 0 < found["stated"] <= 0.5


def test_what_was_taken_over_from_is_punished_and_marked_and_every_arm_has_a_file_of_its_own():
    table = Table("number_line", PLAIN, count(), 2)
    wrong = [answer({}, None, "-" if task.game.solution() == "+" else "+") for task in table.tasks]
    moves = [*table.move(wrong, Supervisor(1.0, 0)), *table.move(teacher_at(table), Supervisor(1.0, 0))]
    made = [turn_of(None, move, supervised=True) for move in moves]
    assert [(turn.reward, turn.taken_over) for turn in made] == [(-1.0, True)] * 2 + [(0.0, False)] * 2
    named = [arm.name for arm in (*ARMS.values(), PREFERENCES)]
    assert named[2] == "rl_1_0.3_0_0", "what was made before is found again"
    assert len(set(named)) == len(named)


@pytest.mark.parametrize("arm", [ARMS["takeovers"], PREFERENCES])
def test_takeovers_are_learned_from_as_reward_and_as_preference_data(arm):
    model, processor = build([answer({}, "hm", "+")], 0, replace(MODEL, context=512))
    table = Table("number_line", PLAIN, count(), 8)
    temperature, learn = arm.learner(model, processor, 0, 2)
    said = Decoder(model, processor, 4).decode(table.observations, temperature, torch.Generator().manual_seed(0))
    half = [text if row % 2 else one.text for row, (text, one) in enumerate(zip(teacher_at(table), said, strict=True))]
    moves = table.move(half, Supervisor(1.0, 0))
    made = [turn_of(one, move, supervised=True) for one, move in zip(said, moves, strict=True)]
    assert {turn.taken_over for turn in made} == {True, False}
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    metrics = learn([made[:4], made[4:]])
    assert metrics["gradient_norm"] > 0
    assert any(not torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


def test_a_supervisor_corrects_the_share_of_wrong_actions_that_they_notice():
    table = Table("number_line", PLAIN, count(), 1)
    game, supervisor = table.tasks[0].game, Supervisor(0.7, 0)
    right, wrong = game.solution(), "-" if game.solution() == "+" else "+"
    said = {action: read_action(answer({}, None, action), game.actions) for action in (right, wrong)}
    assert all(supervisor.instead(game, said[right]) is None for _ in range(50))
    corrected = [supervisor.instead(game, said[wrong]) for _ in range(400)]
    assert {right, None} == set(corrected)
    assert np.mean([one == right for one in corrected]) == pytest.approx(0.7, abs=0.07)


def test_a_takeover_is_what_the_game_gets_and_the_utterance_stays_what_was_said():
    table = Table("number_line", PLAIN, count(), 4)
    wrong = [answer({}, None, "-" if task.game.solution() == "+" else "+") for task in table.tasks]
    distances = [abs(task.game.current - task.game.target) for task in table.tasks]
    moves = table.move(wrong, Supervisor(1.0, 0))
    assert all(move.taken_over and move.step.reward >= 0 for move in moves)
    assert [move.said.action for move in moves] == [read_action(text, ("-", "+")).action for text in wrong]
    still = [task for move, task in zip(moves, table.tasks, strict=True) if not move.step.last]
    assert [abs(task.game.current - task.game.target) for task in still] == [
        distance - 1 for move, distance in zip(moves, distances, strict=True) if not move.step.last
    ]


def test_the_ordering_holds_only_with_all_of_its_parts():
    figures = {
        "number_line.sft.success.mean": 0.5,
        "number_line.rl0_3.success.mean": 0.85,
        "number_line.rl0.sampled.success.mean": 0.4,
        "number_line.rl0_3.sampled.success.mean": 0.6,
        "number_line.takeovers.success.mean": 0.9,
        "ez_points.rl0_3.success.mean": 0.8,
        "ez_points.takeovers.success.mean": 0.8,
        "ez_points.cnn.success.mean": 0.0,
        "ez_points.cnn.sampled.success.mean": 0.0,
    }
    assert rl4vlm.ordering(figures)["ordering_holds"] == 1.0
    for name, value in {
        "number_line.sft.success.mean": 0.6,
        "number_line.rl0.sampled.success.mean": 0.5,
        "number_line.takeovers.success.mean": 0.84,
        "ez_points.takeovers.success.mean": 0.7,
        "ez_points.cnn.sampled.success.mean": 0.01,
    }.items():
        assert rl4vlm.ordering({**figures, name: value})["ordering_holds"] == 0.0


def test_figures_of_an_arm_carry_seeds_episodes_and_takeovers():
    judged = {"episodes": 100.0, "steps": 200.0, "right": 0.9, "valid": 1.0, "stated": 0.8, "true": 0.7, "tokens": 20.0}
    runs = [
        {
            "greedy": {**judged, "successes": 80.0 + 10 * seed},
            "sampled": {**judged, "successes": 50.0},
            "updates": [{"takeovers": 100.0}, {"takeovers": 20.0}],
        }
        for seed in range(2)
    ]
    found = rl4vlm.of_arm("g.a", runs)
    assert found["g.a.success.mean"] == pytest.approx(0.85)
    assert found["g.a.success.episodes.low"] < 0.85 < found["g.a.success.episodes.high"]
    assert (found["g.a.takeovers.first"], found["g.a.takeovers.last"]) == (100.0, 20.0)
    assert found["g.a.sampled.right"] == pytest.approx(0.9)
    assert set(ARMS) >= {"sft", "rl0", "rl0_3", "rl1", "takeovers"}
