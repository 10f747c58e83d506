"""What every registered text task keeps to."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from itertools import islice

import numpy as np
import pytest

from vlmrl_ros.core import registry
from vlmrl_ros.core.errors import UnknownNameError
from vlmrl_ros.core.text import Answer
from vlmrl_ros.core.text_episode import END
from vlmrl_ros.core.text_games import TextGames
from vlmrl_ros.core.text_steps import STEP_NS
from vlmrl_ros.sim.text import load
from vlmrl_ros.sim.text.stockfish import GAMES

OPTIONS = {"wordle": {"words": 60}, "tabletop_dialogue": {"max_turns": 2}}
needs_engine = pytest.mark.skipif(
    not (shutil.which("stockfish") or shutil.which("stockfish", path=GAMES)), reason="Stockfish is not installed"
)
MEASURED = ["text_nav-fast", "twenty_questions-rules", "guess_city-rules", "car_dealer-rules"]
"""Their average is a constant, and their data are quick to make."""
NAMES = [
    pytest.param(name, marks=needs_engine if name.startswith("chess") else ()) for name in registry.names("text_tasks")
]
ENORMOUS = "move up " * 100_000


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def task(name):
    """A task that each test resets."""
    task = load.game(name).build(OPTIONS.get(name, {}))
    with pytest.raises(RuntimeError, match="reset before"):
        task.step("x")
    yield task
    task.close()


def play(task, seed: int, actions: int = 12) -> list[tuple]:
    """Steps of random legal actions from wherever the task is."""
    rng, seen = np.random.default_rng(seed), []
    for _ in range(actions):
        legal = task.legal_actions
        step = task.step(legal[rng.integers(len(legal))])
        seen.append((step.observation.text, step.reward, step.terminated, step.truncated, step.info["anchor"]))
        if step.last:
            break
    return seen


def test_equal_seeds_play_alike_and_others_begin_elsewhere(task):
    begins = [task.reset(seed).text for seed in (3, 3)]
    assert begins[0] == begins[1]
    episodes = []
    for seed in (3, 3, 4, 5, 6):
        task.reset(seed)
        episodes.append(play(task, 0))
    assert episodes[0] == episodes[1]
    assert any(episode != episodes[0] for episode in episodes[2:])


def test_a_clone_goes_on_alike_and_leaves_the_original_alone(task):
    task.reset(1)
    task.step(task.legal_actions[0])
    twin = task.clone()
    then = play(twin, 8)
    assert play(task, 8) == then


def lived(name: str, at_once: int) -> dict[int, list[tuple]]:
    """What two episodes of legal actions show, by number; those that last are cut at the sixth step."""
    tasks = [load.game(name).build(OPTIONS.get(name, {})) for _ in range(at_once)]
    games, seen = TextGames(tasks, seed=1), defaultdict(list)
    while arrivals := games.arrive(wanted=2, version=0):
        for arrival in arrivals:
            outcome = arrival.feedback
            seen[outcome.episode].append((arrival.text, outcome.reward, outcome.terminated, outcome.truncated))
            if not outcome.last:
                legal, rng = tasks[arrival.stamp_ns % STEP_NS].legal_actions, np.random.default_rng(outcome.step)
                games.hear(arrival.stamp_ns, Answer(legal[rng.integers(len(legal))]))
        if arrivals[0].feedback.step == 5:
            games.cut()
        games.carry_out()
    return seen


def test_games_that_are_played_at_once_go_as_they_do_one_after_the_other(name):
    one_by_one, at_once = lived(name, 1), lived(name, 2)
    assert at_once == one_by_one
    assert [len(of) > 1 for of in at_once.values()] == [True, True]


def test_what_is_legal_is_understood(task):
    task.reset(2)
    step = task.step(task.legal_actions[0] + END)
    assert step.info["valid"]
    assert step.info["action"]


@pytest.mark.parametrize("text", ["", "\n", " ", "fly to the moon", "\x00\ud800", ENORMOUS], ids=range(6))
def test_illegal_text_costs_what_the_rules_say_and_leaves_the_task_whole(task, text):
    before = task.reset(2)
    anchor_of_nothing = task.clone().step("").info["anchor"]
    step = task.step(text)
    assert not step.info["valid"]
    assert step.info["action"] is None
    assert step.info["anchor"] == anchor_of_nothing
    assert step.reward in (-4.0, -1.0, 0.0)
    assert len(step.observation.text) < len(before.text) + 2000
    assert task.step(task.legal_actions[0]).info["valid"]


def test_after_the_end_only_a_reset_is_taken(task):
    task.reset(0)
    for _ in range(1000):
        step = task.step(task.legal_actions[-1])
        if step.last:
            break
    assert isinstance(step.info["success"], bool)
    with pytest.raises(RuntimeError, match="reset before"):
        task.step("x")
    assert not len(task.legal_actions)


def test_the_data_are_episodes_of_the_task_and_repeat_by_seed(name, task):
    game, options = load.game(name), OPTIONS.get(name, {})
    episodes = list(islice(game.episodes(options, 5), 2))
    assert episodes == list(islice(game.episodes(options, 5), 2))
    assert episodes != list(islice(game.episodes(options, 6), 2))
    for episode in episodes:
        assert json.loads(json.dumps(dict(episode.info)))["policy"]
        observation = task.reset(episode.info["seed"])
        for turn in episode.turns:
            assert turn.observation == observation.text
            assert turn.action.endswith(END)
            step = task.step(turn.action)
            assert step.reward == turn.reward
            observation = step.observation
        assert (step.terminated, episode.final) == (episode.terminated, observation.text)
        assert step.info["success"] == episode.info["success"]


def test_anchors_are_there_for_the_scores(name):
    anchors = load.game(name).normalisation({} if name == "tabletop_dialogue" else OPTIONS.get(name, {}))
    assert [anchors.score(value) for value in (anchors.lowest, anchors.average, anchors.highest)] == [0, 50, 100]


def test_an_option_that_does_not_exist_is_named_with_those_that_do(name):
    with pytest.raises(UnknownNameError, match="nonsense"):
        load.game(name).build({"nonsense": 1})


def test_an_unknown_task_is_named_with_those_that_exist():
    with pytest.raises(UnknownNameError, match=r"unknown text task 'go'; valid: .*wordle"):
        load.game("go")


@pytest.mark.parametrize("name", MEASURED)
def test_the_average_that_was_measured_is_that_of_the_data(name):
    game = load.game(name)
    returns = [episode.undiscounted_return for episode in islice(game.episodes({}, 1), 200)]
    sigma = np.std(returns) / np.sqrt(len(returns))
    assert game.normalisation({}).average == pytest.approx(np.mean(returns), abs=4 * sigma)
