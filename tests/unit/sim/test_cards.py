"""Rules, pictures and anchors of the card games."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import combinations_with_replacement, product
from math import factorial, prod

import numpy as np
import pytest

from vlmrl_ros.core.errors import UnknownNameError
from vlmrl_ros.sim.cards.blackjack import Blackjack, total
from vlmrl_ros.sim.cards.demonstrations import Teacher, true_thoughts
from vlmrl_ros.sim.cards.formula import formula_for, value_of
from vlmrl_ros.sim.cards.game import Card, CardGame
from vlmrl_ros.sim.cards.number_line import NumberLine
from vlmrl_ros.sim.cards.picture import draw_game
from vlmrl_ros.sim.cards.points import EZPoints, Points24
from vlmrl_ros.sim.cards.prompts import TOLD, answer, fixed_parts
from vlmrl_ros.sim.cards.task import GAMES, CardTask, CardTaskConfig

GAMES_PLAYED = 20_000


def success(game: CardGame, seed: int, choose) -> bool:
    game.reset(np.random.default_rng(seed))
    earned, ended = 0.0, False
    while not ended:
        outcome = game.act(choose(game))
        earned, ended = earned + outcome.reward, outcome.terminated or outcome.truncated
    return earned > 0


def dealt(game: CardGame, **state) -> CardGame:
    game.reset(np.random.default_rng(0))
    for name, value in state.items():
        setattr(game, name, value)
    return game


# NumberLine


def test_number_line_pays_for_the_target_and_for_steps_that_come_no_nearer():
    game = dealt(NumberLine(), current=3, target=5)
    rewards = [game.act(action).reward for action in ("+", "-", "+")]
    assert rewards == [0.0, -1.0, 0.0]
    last = game.act("+")
    assert (last.reward, last.terminated, last.truncated) == (1.0, True, False)


def test_number_line_stays_at_its_ends_and_stops_after_ten_steps():
    game = dealt(NumberLine(), current=0, target=2)
    outcomes = [game.act("-") for _ in range(10)]
    assert game.current == 0
    assert {outcome.reward for outcome in outcomes} == {-1.0}
    assert [outcome.truncated for outcome in outcomes] == [False] * 9 + [True]


def test_a_random_player_of_number_line_succeeds_as_often_as_the_sheet_says():
    """28.5 % by simulation; exactly: every step must be right."""
    starts = [(c, t if c != t else (t + 1) % 5) for c, t in product(range(6), repeat=2)]
    exact = float(np.mean([0.5 ** abs(c - t) for c, t in starts]))
    assert exact == pytest.approx(0.285, abs=0.005)
    rng = np.random.default_rng(0)
    played = [success(NumberLine(), seed, lambda game: game.actions[rng.integers(2)]) for seed in range(GAMES_PLAYED)]
    assert np.mean(played) == pytest.approx(exact, abs=0.012)


# Formulas


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("5 + 7", 12),
        ("( 1 + 2 ) * 8", 24),
        ("8 / ( 3 - 8 / 3 )", 24),
        ("1 0 + 2", 12),
        ("- 2 + 10", 8),
        ("7 / 2", Fraction(7, 2)),
        ("5 +", None),
        ("", None),
        ("2 ( 3 )", None),
        ("2 * * 3", None),
        ("7 / / 2", None),
        ("1 / 0", None),
        ("( )", None),
    ],
)
def test_the_value_of_a_formula_is_exact(formula, value):
    assert value_of(formula.split()) == value


def test_a_formula_with_a_gap_between_two_numbers_has_no_value():
    assert value_of(["5", " ", "+", "7"]) == 12
    assert value_of(["5", " ", "7"]) is None


def test_formulas_are_found_and_are_right():
    for numbers in ((3, 3, 8, 8), (1, 5, 5, 5), (4, 4, 10, 10)):
        formula = formula_for(numbers, 24)
        assert formula is not None
        assert value_of(formula) == 24
        assert sorted(int(token) for token in formula if token.isdigit()) == sorted(numbers)
    assert formula_for((1, 1, 1, 1), 24) is None


def test_as_many_deals_of_points24_have_a_solution_as_the_sheet_says():
    """73.1 % by simulation; exactly over all deals, ten with the weight of four ranks."""
    share = dict.fromkeys(range(1, 10), 1 / 13) | {10: 4 / 13}
    solvable = 0.0
    for hand in combinations_with_replacement(share, 4):
        orders = factorial(4) // prod(factorial(hand.count(number)) for number in set(hand))
        solvable += orders * prod(share[number] for number in hand) * (formula_for(hand, 24) is not None)
    assert solvable == pytest.approx(0.731, abs=0.005)


# Points games


@pytest.mark.parametrize("game", [EZPoints(), Points24()])
def test_the_solution_solves_every_deal_that_can_be_solved(game):
    for seed in range(60):
        game.reset(np.random.default_rng(seed))
        numbers = tuple(sorted(game.numbers))
        solvable = formula_for(numbers, game.target, game.operators) is not None
        assert solvable or game.name == "points24"
        assert success(game, seed, lambda played: played.solution()) == solvable


def test_a_number_that_no_card_has_costs_and_leaves_a_blank():
    game = dealt(EZPoints(), cards=(Card(5, "S"), Card(7, "H")), numbers=(5, 7))
    assert [game.act(action).reward for action in ("6", "5", "5", "+", "7")] == [-1.0, 0.0, -1.0, 0.0, 0.0]
    assert game.formula == [" ", "5", " ", "+", "7"]
    end = game.act("=")
    assert (end.reward, end.terminated) == (10.0, True)


def test_every_card_must_be_used():
    game = dealt(EZPoints(), cards=(Card(12, "S"), Card(2, "H")), numbers=(10, 2))
    game.act("10")
    assert game.act("=").reward == -1.0


def test_a_formula_that_is_too_long_ends_the_episode_by_truncation():
    game = dealt(EZPoints())
    for _ in range(6):
        assert not game.act("+").truncated
    end = game.act("=")
    assert (end.reward, end.terminated, end.truncated) == (-1.0, False, True)


def test_every_formula_that_can_still_be_written_counts_as_right():
    game = dealt(EZPoints(), cards=(Card(2, "S"), Card(12, "H")), numbers=(2, 10))
    assert game.right_actions() == {"2", "10"}
    game.act("10")
    assert game.right_actions() == {"+"} == {game.solution()}
    game.act("7")
    game.act("+")
    assert game.right_actions() == {"2"}
    game.act("2")
    assert game.right_actions() == {"="}
    lost = dealt(EZPoints(), cards=(Card(2, "S"), Card(12, "H")), numbers=(2, 10), formula=["10", "*"])
    assert lost.right_actions() == {"="} == {lost.solution()}


# Blackjack


def test_an_ace_counts_eleven_where_that_busts_nobody():
    assert total([Card(1, "S"), Card(13, "S")]) == 21
    assert total([Card(1, "S"), Card(13, "S"), Card(5, "S")]) == 16
    assert total([Card(1, "S"), Card(1, "H")]) == 12


@pytest.mark.parametrize(
    ("choose", "anchor"),
    [
        (lambda game: "hit" if total(game.player) < 17 else "stand", 0.408),
        (Blackjack.solution, 0.432),
    ],
)
def test_blackjack_is_won_as_often_as_the_sheet_says(choose, anchor):
    won = np.mean([success(Blackjack(), seed, choose) for seed in range(GAMES_PLAYED)])
    assert won == pytest.approx(anchor, abs=0.011)


# Text


@pytest.mark.parametrize("name", GAMES)
def test_equal_seeds_are_equal_episodes_and_others_are_not(name):
    texts = [answer({}, None, action) for action in GAMES[name].actions] * 10

    def played(seed: int) -> list[object]:
        task = CardTask(name)
        seen: list[object] = [task.reset(seed).images[0].tobytes()]
        for text in ["nonsense", *texts]:
            step = task.step(text)
            seen += [step.reward, step.info["action"], step.observation.images[0].tobytes()]
            if step.last:
                return [*seen, step.info["success"]]
        raise AssertionError("no end")

    assert played(3) == played(3)
    assert len({played(seed)[0] for seed in range(8)}) > 1


@pytest.mark.parametrize("name", GAMES)
def test_the_picture_shows_what_the_game_is_and_no_more(name):
    task = CardTask(name)
    first = task.reset(1).images[0]
    assert (first.shape, first.dtype) == ((300, 300, 3), np.uint8)
    assert np.array_equal(first, draw_game(task.game))
    if name == "blackjack":
        hidden = task.game.dealer[1]
        task.game.dealer[1] = Card(1 if hidden.rank != 1 else 2, hidden.suit)
        assert np.array_equal(first, draw_game(task.game))
        task.game.player[0] = Card(task.game.player[0].rank % 13 + 1, "S")
        assert not np.array_equal(first, draw_game(task.game))


@pytest.mark.parametrize(
    ("invalid", "reward", "terminated"), [("no-op", 0.0, False), ("penalty", -1.0, False), ("end", -1.0, True)]
)
def test_what_a_text_without_an_action_does_is_chosen(invalid, reward, terminated):
    task = CardTask("number_line", CardTaskConfig(invalid=invalid))
    task.reset(0)
    before = task.game.state
    step = task.step("I do not know")
    assert (step.reward, step.terminated, step.info["action"]) == (reward, terminated, None)
    assert not step.info["valid"]
    assert task.game.state == before


def test_an_invalid_text_may_mean_a_random_action_that_is_not_called_valid():
    actions = set()
    for seed in range(20):
        task = CardTask("number_line")
        task.reset(seed)
        step = task.step("hm")
        assert not step.info["valid"]
        actions.add(step.info["action"])
    assert actions == {"-", "+"}


def test_invalid_texts_come_to_an_end():
    task = CardTask("number_line", CardTaskConfig(invalid="penalty", max_invalid=2))
    task.reset(0)
    steps = [task.step(""), task.step("")]
    assert [(step.terminated, step.truncated) for step in steps] == [(False, False), (False, True)]
    assert steps[-1].info["success"] is False
    with pytest.raises(RuntimeError, match="reset before"):
        task.step("")


def test_the_prompt_asks_for_thoughts_or_for_none():
    with_thoughts = CardTask("points24").reset(0).text
    without = CardTask("points24", CardTaskConfig(thoughts=False)).reset(0).text
    assert '"thoughts"' in with_thoughts
    assert '"cards"' in with_thoughts
    assert '"thoughts"' not in without
    assert "The formula is: ''" in without
    assert with_thoughts.startswith("<image>")


def test_an_unknown_game_is_refused_with_those_that_exist():
    with pytest.raises(UnknownNameError, match="blackjack, ez_points, number_line, points24"):
        CardTask("poker")


# Demonstrations and pictures for small models


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
