"""Learners of language on a chain of cells whose values are known."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from fakes.walks import (
    BUILDERS,
    CELLS,
    DATA,
    DISCOUNT,
    GOAL,
    MOVES,
    ONLINE,
    QUICK,
    SMALL,
    WHOLE,
    chances,
    fingerprint,
    learner_of,
    played,
    success,
    taught,
    values,
)

from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.errors import CheckpointError, ConfigError, NonFiniteError, RangeError
from vlmrl_ros.core.snapshot import save_snapshot
from vlmrl_ros.core.text_episode import TextEpisode, TextTurn
from vlmrl_ros.core.text_spec import TextSpec
from vlmrl_ros.policies.language.policy import MODEL, LanguagePolicy
from vlmrl_ros.policies.language.tokenizer import Tokenizer
from vlmrl_ros.policies.language.trainee import take_arrays
from vlmrl_ros.policies.learners.language.learner import episode_of, plain_of
from vlmrl_ros.policies.learners.lm_bc.builder import Builder as LmBc
from vlmrl_ros.policies.learners.lm_ppo.builder import Builder as LmPpo


def test_a_clone_says_what_the_data_say_as_often_as_they_do():
    counts: dict[tuple[int, str], int] = defaultdict(int)
    for turn in (turn for episode in DATA for turn in episode.turns):
        counts[int(turn.observation[0]), turn.action[0]] += 1
    for key, chance in chances(taught("lm_bc", 10)).items():
        assert chance == pytest.approx(counts[key] / (counts[key[0], "r"] + counts[key[0], "l"]), abs=0.06)


def test_a_filtered_clone_says_what_the_best_episodes_say():
    learner = taught("lm_filtered_bc", 10, share=0.2)
    found = chances(learner)
    assert all(found[cell, "r"] > 0.85 for cell in range(2, CELLS))
    returns = np.sort([episode.undiscounted_return for episode in DATA])[::-1]
    kept = [episode for episode in DATA if episode.undiscounted_return >= returns[len(DATA) // 5 - 1]]
    assert len(learner._best(0.2)) <= sum(len(episode.turns) for episode in kept)


def test_steps_over_all_of_the_data_are_counted_so_that_a_learner_waits_for_experience():
    assert learner_of("lm_bc").samples_per_update == 64 * 20
    assert learner_of("lm_bc", batch_size=0).samples_per_update == 20


def test_a_clone_of_what_succeeded_knows_no_other_episode():
    learner = learner_of("lm_filtered_bc", keep="successful", updates=1)
    failed = [number for number, episode in enumerate(DATA) if not episode.terminated]
    for episode in DATA:
        learner.add(dataclasses.replace(episode, info={"success": episode.terminated}))
    ends = np.cumsum([len(episode.turns) for episode in DATA])
    owners = np.searchsorted(ends, learner._candidates(), side="right")
    assert failed
    assert set(owners) == set(range(len(DATA))) - set(failed)
    none = learner_of("lm_filtered_bc", keep="successful")
    none.add(DATA[failed[0]])
    with pytest.raises(ConfigError, match="none of 1 episodes succeeded"):
        none.update()


def test_monte_carlo_values_are_the_mean_returns_of_the_data():
    to_go: dict[tuple[int, str], list[float]] = defaultdict(list)
    for episode in DATA:
        running = 0.0
        for turn in reversed(episode.turns):
            running = turn.reward + DISCOUNT**2 * running
            to_go[int(turn.observation[0]), turn.action[0]].append(DISCOUNT * running)
    found = values(taught("lm_mc", 15, discount=DISCOUNT, cql_weight=0.0, **QUICK, **WHOLE))
    for key, returns in to_go.items():
        assert found[key] == pytest.approx(np.mean(returns), abs=0.05), key


@pytest.mark.parametrize("target", [{"target_rate": 0.2}, {"target_every": 20}])
def test_implicit_q_learning_ends_in_the_expectiles_that_can_be_computed(target):
    expectile = 0.8
    options = {"discount": DISCOUNT, "expectile": expectile, "cql_weight": 0.0, "return_steps": 100, **target}
    found = values(taught("ilql", 35, **options, **QUICK, batch_size=0, decay_steps=640))
    said = [(int(turn.observation[0]), turn.action[0]) for episode in DATA for turn in episode.turns]
    best = np.zeros(CELLS + 1)
    for _ in range(100):
        for cell in range(CELLS):
            better, worse = ("r", "l") if worth(best, cell, "r") >= worth(best, cell, "l") else ("l", "r")
            pull = expectile * said.count((cell, better)), (1 - expectile) * said.count((cell, worse))
            best[cell] = np.average([worth(best, cell, better), worth(best, cell, worse)], weights=pull)
    for (cell, move), value in found.items():
        assert value == pytest.approx(worth(best, cell, move), abs=0.15), (cell, move)


def worth(best: np.ndarray, cell: int, said: str) -> float:
    """Of the first of two tokens: the reward lies on the second, and the next cell's first token comes after it."""
    after = max(cell + MOVES[said], 0)
    return DISCOUNT * ((0.0 if after == GOAL else -1.0) + DISCOUNT * best[after])


def test_values_make_a_random_walker_go_straight():
    options = {"discount": DISCOUNT, "expectile": 0.9, "target_rate": 0.2, "return_steps": 100}
    learner = taught("ilql", 20, beta=30.0, **options, **QUICK, batch_size=0, decay_steps=340)
    assert success(learner) > 0.95
    assert success(taught("lm_bc", 5)) < 0.5


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("lm_ppo", {"learning_rate": 1e-3}),
        ("lm_online_filtered_bc", {"learning_rate": 3e-3, "pool": 64, "share": 0.2}),
    ],
)
def test_online_learners_get_better_by_what_they_live(name, options):
    learner = taught(name, 5, **options, rollouts=64, cloning_updates=100)
    before = mean_return(played(learner, 200))
    for _ in range(8):
        for episode in played(learner, 64):
            assert not learner.ready
            learner.add(episode)
        learner.update()
    assert mean_return(played(learner, 200)) > before + 2


def mean_return(episodes: list[TextEpisode]) -> float:
    return float(np.mean([episode.undiscounted_return for episode in episodes]))


def test_a_first_ppo_step_sees_ratios_of_one_and_no_distance_from_the_clone():
    learner = taught("lm_ppo", 2, epochs=1, batch_size=10_000, kl_weight=1.0)
    for episode in played(learner, 8):
        learner.add(episode)
    metrics = learner.update()
    assert metrics["policy_loss"] == pytest.approx(0.0, abs=1e-4)  # whitened advantages times ratios of 1
    assert metrics["kl_to_clone"] == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_ppo_judges_tokens_at_the_temperature_at_which_they_are_drawn(temperature):
    learner = taught("lm_ppo", 2, temperature=temperature)
    for episode in DATA[:8]:
        learner.add(episode)
    turns, found = [turn for episode in DATA[:8] for turn in episode.turns], chances(learner, temperature)
    wanted = [found[int(turn.observation[0]), turn.action[0]] for turn in turns]
    lived, _ = learner._lived()
    assert lived.log_prob.exp()[::2].tolist() == pytest.approx(wanted, abs=1e-5)  # of two tokens the first


def test_ppo_without_chance_has_nothing_to_learn_from():
    with pytest.raises(ConfigError, match=r"temperature"):
        learner_of("lm_ppo", temperature=0.0)


def test_a_word_that_was_spelled_is_not_taken_for_the_word():
    word, tokenizer = TextTurn(":", "go\n", -1.0), Tokenizer.of("word", [":go\n"])
    letters = (*tokenizer.encode("g"), *tokenizer.encode("o"), tokenizer.end)
    spelled = dataclasses.replace(word, token_ids=letters)
    learner = taught_to_say(LmPpo, [word, spelled], cloning_updates=100, rollouts=64, epochs=1)
    speller = taught_to_say(LmBc, [spelled]).variables()
    take_arrays(learner.clone.module, speller, MODEL)
    policy = LanguagePolicy()
    policy.load(speller)
    for said in policy.answer([":"] * 64, np.random.default_rng(0)):
        learner.add(TextEpisode((TextTurn(":", said.text, -1.0, said.token_ids),), True))
    metrics = learner.update()
    # of three tokens the clone says the first one, where the word could stand as well, half as often
    assert metrics["kl_to_clone"] == pytest.approx(math.log(2) / 3, abs=0.05)
    assert metrics["policy_loss"] == pytest.approx(0.0, abs=1e-4)


def taught_to_say(builder, turns, **own: object):
    """A learner that has cloned episodes of one turn each, in 100 gradient steps."""
    values = {**SMALL, "answer_tokens": 3, "learning_rate": 1e-2, **own}
    spec, config = TextSpec("spelling", (":", "go\n")), from_mapping(builder.config_type, values)
    learner = builder.build(spec, config, np.random.default_rng(0))
    for turn in turns:
        learner.add(TextEpisode((turn,), True))
    for _ in range(5):
        learner.update()
    return learner


def test_the_tokens_of_an_episode_are_kept_in_a_checkpoint_and_older_ones_have_none():
    episode = TextEpisode((TextTurn(":", "go\n", -1.0, (3, 1)), TextTurn(":", "go\n", 0.0)), True)
    plain = json.loads(json.dumps(plain_of(episode)))
    assert episode_of(plain) == episode
    older = {**plain, "turns": [turn[:3] for turn in plain["turns"]]}
    assert [turn.token_ids for turn in episode_of(older).turns] == [(), ()]


@pytest.mark.parametrize("name", BUILDERS)
def test_a_restored_learner_continues_to_the_same_bit(name, tmp_path):
    learner, other = (
        learner_of(name, seed, updates=3, cloning_updates=4)
        if name not in ("lm_bc", "lm_filtered_bc")
        else learner_of(name, seed, updates=3)
        for seed in (1, 2)
    )
    assert not learner.ready
    advance(learner, 3)
    save_snapshot(tmp_path, learner.snapshot())
    other.restore(tmp_path)
    assert fingerprint(other) == fingerprint(learner)
    for one in (learner, other):
        advance(one, 2)
    assert fingerprint(other) == fingerprint(learner)


def advance(learner, updates: int) -> None:
    for _ in range(updates):
        for episode in DATA[:8]:
            learner.add(episode)
        assert learner.ready
        learner.update()


def test_a_checkpoint_of_another_learner_is_refused(tmp_path: Path):
    save_snapshot(tmp_path, learner_of("lm_bc").snapshot())
    with pytest.raises(CheckpointError, match="lm_bc"):
        learner_of("lm_filtered_bc").restore(tmp_path)
    with pytest.raises(CheckpointError):
        learner_of("lm_bc").restore(tmp_path / "none")


@pytest.mark.parametrize("name", ["lm_filtered_bc", "lm_mc", "ilql", *ONLINE])
def test_a_clone_that_is_made_first_with_a_rate_of_its_own_is_that_of_the_learner_that_clones_alone(name):
    alone = taught("lm_bc", 2, learning_rate=3e-3, decay_steps=40)
    first = taught(name, 2, learning_rate=1e-3, cloning_rate=3e-3, cloning_updates=40)
    assert chances(first) == pytest.approx(chances(alone), abs=1e-4)
    assert first._rate == 1.0
    later = taught("lm_mc", 3, cloning_rate=3e-3, cloning_updates=40, decay_steps=80)
    assert later._rate == 0.75  # its own steps are counted by themselves
    with pytest.raises(ConfigError, match=r"learning_rate is 0 and cloning_rate 0\.1; valid: both above 0"):
        learner_of(name, learning_rate=0.0, cloning_rate=0.1)


@pytest.mark.parametrize("name", ["lm_filtered_bc", "lm_mc", "ilql", *ONLINE])
def test_the_weights_of_a_clone_are_taken_over(name):
    clone, learner = taught("lm_bc", 5), learner_of(name)
    learner.start_from(clone.variables())
    assert chances(learner) == chances(clone)
    with pytest.raises(CheckpointError):
        learner.start_from(learner_of("lm_bc", width=16).variables())


def test_episodes_that_teach_nothing_are_refused():
    learner, turn = learner_of("lm_bc"), TextTurn("0:", "r\n", -1.0)
    with pytest.raises(ConfigError, match="one turn or more"):
        learner.add(TextEpisode((), True))
    with pytest.raises(ConfigError, match="something is said"):
        learner.add(TextEpisode((dataclasses.replace(turn, action=""),), True))
    with pytest.raises(NonFiniteError, match="nan"):
        learner.add(TextEpisode((dataclasses.replace(turn, reward=math.nan),), True))
    with pytest.raises(RangeError, match="'x'"):
        learner.add(TextEpisode((dataclasses.replace(turn, action="x\n"),), True))
    with pytest.raises(RangeError, match=r"has \d+ tokens; lm_bc.context is \d+"):
        learner.add(TextEpisode((dataclasses.replace(turn, observation="0:" * 1000),), True))
    assert not learner.ready


def test_a_learner_of_text_needs_a_task_of_text_and_a_model_that_exists(tmp_path):
    with pytest.raises(ConfigError, match="learns from episodes of text"):
        LmBc.build("reach", LmBc.config_type(), np.random.default_rng(0))
    with pytest.raises(ConfigError, match="no directory with a causal language model"):
        from_mapping(LmBc.config_type, {"model": str(tmp_path / "none")})
    with pytest.raises(ConfigError, match="no text of the task"):
        TextSpec("maze", ("",))
