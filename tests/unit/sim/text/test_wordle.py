from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.sim.text import wordle
from vlmrl_ros.sim.text.rollout import record


def shown(guess: str, secret: str) -> str:
    code = wordle.marks(guess, secret)
    return "".join("byg"[code // 3**place % 3] for place in reversed(range(5)))


def test_letters_are_marked_each_by_itself():
    assert shown("crane", "crane") == "ggggg"
    assert shown("stare", "tears") == "yyggy"
    assert shown("eerie", "early") == "gygby"


def test_six_guesses_that_miss_cost_six_and_an_invalid_one_counts():
    task = wordle.build({})
    task.reset(0)
    secret = task.rules.lexicon.spelled[task.rules._secret]
    wrong = next(word for word in task.legal_actions if word != secret)
    steps = [task.step(text) for text in ("qqqqq", wrong, wrong, wrong, wrong, wrong)]
    assert [step.reward for step in steps] == [-1.0] * 6
    assert [step.last for step in steps] == [False] * 5 + [True]
    assert steps[0].observation.text == "Wordle:\nqqqqq\n\n"
    assert not steps[-1].info["success"]


def test_the_secret_ends_the_game_for_nothing():
    task = wordle.build({})
    task.reset(4)
    step = task.step(wordle.WORDS[task.rules._secret].upper())
    assert (step.reward, step.terminated, step.info["success"]) == (0.0, True, True)
    assert step.observation.text.endswith("g g g g g\n")


def test_the_words_that_are_left_are_those_that_all_marks_allow():
    task = wordle.build({"words": 80})
    task.reset(1)
    guesses = [wordle.WORDS[3], wordle.WORDS[9]]
    for guess in guesses:
        task.step(guess)
    secret = wordle.WORDS[task.rules._secret]
    left = [w for w in wordle.WORDS[:80] if all(wordle.marks(g, w) == wordle.marks(g, secret) for g in guesses)]
    assert [wordle.WORDS[index] for index in task.rules.consistent] == left


def test_data_and_consistent_guesses_are_worth_what_the_sheet_recomputed_for_a_list_of_this_length():
    episodes = list(islice(wordle.episodes({}, 0), 600))
    assert np.mean([episode.undiscounted_return for episode in episodes]) == pytest.approx(-4.11, abs=0.25)
    assert np.mean([episode.info["success"] for episode in episodes]) == pytest.approx(0.70, abs=0.08)
    task, rng = wordle.build({}), np.random.default_rng(0)
    returns = [record(task, wordle.consistent_word, seed, rng, {}).undiscounted_return for seed in range(400)]
    assert np.mean(returns) == pytest.approx(-2.37, abs=0.3)


def test_the_informed_players_exact_mean_is_what_it_plays_and_above_consistent_guesses():
    task, rng = wordle.build({"words": 60}), np.random.default_rng(0)
    by_secret = {}
    for seed in range(700):
        episode = record(task, wordle.informed_word, seed, rng, {})
        by_secret[task.rules._secret] = episode.undiscounted_return
    assert len(by_secret) == 60
    assert np.mean(list(by_secret.values())) == pytest.approx(wordle.informed_return(60))
    consistent = [record(task, wordle.consistent_word, seed, rng, {}).undiscounted_return for seed in range(200)]
    assert wordle.informed_return(60) > np.mean(consistent)


@pytest.mark.parametrize("words", [1, len(wordle.WORDS) + 1])
def test_more_words_than_there_are_or_none_to_choose_from_are_refused(words):
    with pytest.raises(ConfigError, match=f"wordle.words is {words}; valid: 2 to {len(wordle.WORDS)}"):
        wordle.build({"words": words})


def test_every_word_has_five_letters_and_stands_once():
    assert all(len(word) == 5 and word.isalpha() and word.islower() for word in wordle.WORDS)
    assert len(set(wordle.WORDS)) == len(wordle.WORDS)
