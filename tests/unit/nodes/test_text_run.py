"""A run of a learner of text without ROS: real games, a real policy, steps as they come by topic."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from vlmrl_ros.bridge.bags.text import TextBags, read_text_episodes
from vlmrl_ros.bridge.weights import Weights
from vlmrl_ros.core import registry
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.errors import BagError, ConfigError, RunDirectoryError
from vlmrl_ros.core.run_directory import RunDirectory
from vlmrl_ros.core.text import Answer
from vlmrl_ros.core.text_games import TextGames
from vlmrl_ros.core.text_steps import SpokenChains, SpokenStep, episode_of
from vlmrl_ros.nodes.text_plan import TextLearnerConfig, TextPlan, TextTies
from vlmrl_ros.nodes.text_run import BridgeBegan, TextRun
from vlmrl_ros.policies.language.policy import LanguagePolicy
from vlmrl_ros.sim.text.load import game

SMALL = {"layers": 1, "width": 16, "heads": 2, "context": 128, "answer_tokens": 12, "batch_size": 32, "updates": 2}
WORDS = {"words": 20}


class Loop:
    """A run and who plays with it, in one thread."""

    def __init__(self, directory: Path, learner: str, options: dict, games: int = 2, **config: object) -> None:
        builder = registry.load("learners", learner)
        given = {
            "task": "wordle",
            "data": 20,
            "offline_updates": 3,
            "eval_episodes": 2,
            "checkpoint_every": 4,
            **config,
        }
        settings = TextLearnerConfig(learner=learner, run_dir=str(directory), **given)
        chosen = from_mapping(builder.config_type, {**SMALL, **options}, learner)
        self.published: list[Weights] = []
        self.said: list[str] = []
        self.problems: list[str] = []
        ties = TextTies(self.published.append, self.said.append, self.problems.append)
        told = WORDS if settings.task == "wordle" else {}
        plan = TextPlan(settings, told, chosen, settings.offline)
        self.directory = RunDirectory(directory, settings.resume)
        if not settings.resume:
            self.directory.write_text("config.yaml", "{}\n")
        self.run = TextRun(plan, self.directory, ties)
        self.steps: list[SpokenStep] = []
        self.games = TextGames([game(settings.task).build(told) for _ in range(games)], settings.seed)
        self._policy = LanguagePolicy()

    def begin(self) -> None:
        self.run.begin()
        while self.run.pretraining:
            self.run.pretrain()
        self.run.recover(lambda: False)

    def live(self, most: int = 10**6) -> None:
        """Play and learn to the end, or until so many episodes are lived."""
        run, open_texts = self.run, {}
        rng = np.random.default_rng(0)
        while not run.finished and len(run.training.log) < most:
            wanted = run.training.wanted(run.episodes)
            for arrival in self.games.arrive(wanted, run.version):
                open_texts[arrival.stamp_ns] = arrival
            self._policy.load(self.published[-1].variables)
            for arrival in self.games.waiting:
                self.games.hear(arrival.stamp_ns, self._policy.answer([arrival.text], rng)[0])
            for stamp, said in self.games.carry_out():
                self._digest(open_texts.pop(stamp), said)

    def _digest(self, arrival, said: Answer) -> None:
        step = SpokenStep(arrival.stamp_ns, arrival.text, arrival.feedback, said)
        self.steps.append(step)
        self.run.digest(step, lambda: True)

    def end(self) -> dict:
        self.run.end(lambda: False)
        self.directory.close()
        return json.loads((self.run.path / "summary.json").read_text())


@pytest.fixture(scope="module")
def lived(tmp_path_factory) -> Loop:
    loop = Loop(tmp_path_factory.mktemp("ilql"), "ilql", {"cloning_updates": 4}, episodes=3, samples_per_insert=16.0)
    loop.begin()
    loop.live()
    loop.summary = loop.end()
    return loop


def test_a_run_leaves_a_summary_a_picture_checkpoints_and_rising_versions(lived):
    summary, run = lived.summary, lived.run
    assert summary["episodes"] == 3
    assert summary["steps"] == sum(not step.feedback.last for step in lived.steps)
    # 16 passages drawn for each turn, 64 in an update
    assert summary["updates"] == pytest.approx(3 + summary["steps"] * 16 / 64, abs=1)
    assert [weights.version for weights in lived.published] == list(range(1, summary["version"] + 1))
    assert summary["version"] > 2
    assert summary["final"]["perturbed"]["episodes"] == summary["final"]["greedy"]["episodes"] == 2
    assert summary["given"]["episodes"] == 20
    assert (run.path / "plots" / "return.png").read_bytes().startswith(b"\x89PNG")
    assert Path(summary["checkpoint"]).name == f"step_{summary['updates']}"
    returns = [one["task_return"] for one in json.loads((run.path / "episodes.json").read_text())]
    assert [one.task_return for one in run.training.log] == returns


def test_bags_hold_the_episodes_that_the_learner_made_of_the_steps_and_train_another(lived, tmp_path):
    chains, bags, episodes = SpokenChains(), TextBags(tmp_path / "bags", "wordle"), []
    for step in lived.steps:
        if whole := chains.append(step):
            info = {"success": whole[-1].feedback.success}
            episodes.append(episode_of(whole, info))
            bags.write(whole, info)
    assert [one.undiscounted_return for one in episodes] == [one.task_return for one in lived.run.training.log]
    assert list(read_text_episodes(tmp_path / "bags", "wordle")) == episodes

    loop = Loop(tmp_path / "run", "lm_bc", {}, episodes=0, offline=(str(tmp_path / "bags"),))
    loop.run.begin()
    while not loop.run.finished:
        loop.run.rehearse(lambda: True)
    summary = loop.end()
    assert summary["updates"] == 3
    assert summary["given"] == {
        "episodes": len(episodes),
        "task_return": pytest.approx(np.mean([one.undiscounted_return for one in episodes])),
        "bags": [str(tmp_path / "bags")],
    }


def test_one_who_learns_from_itself_clones_first_and_then_learns_in_rounds(tmp_path):
    loop = Loop(tmp_path, "lm_online_filtered_bc", {"cloning_updates": 6, "rollouts": 2, "pool": 2}, 1, episodes=4)
    loop.begin()
    training = loop.run.training
    assert (training.updates, training.wanted(4)) == (3, 2)
    loop.live(most=1)
    assert (training.updates, training.wanted(4)) == (3, 2)
    loop.live(most=2)
    assert (training.updates, training.wanted(4)) == (4, 4)
    loop.live()
    assert loop.end()["updates"] == 5
    assert {one.version for one in training.log[:2]} == {1}
    assert {one.version for one in training.log[2:]} == {2}


@pytest.mark.parametrize(("learner", "episodes"), [("lm_ppo", 20 * 3), ("lm_bc", 100)])
def test_a_run_whose_length_is_not_given_has_20_rounds_of_own_episodes_or_shows_100(learner, episodes, tmp_path):
    loop = Loop(tmp_path, learner, {"rollouts": 3} if learner == "lm_ppo" else {})
    loop.run.begin()
    assert (loop.run.episodes, loop.run.without_robot) == (episodes, False)
    loop.directory.close()


def test_a_run_goes_on_from_its_checkpoint_and_counts_what_was_lost(tmp_path):
    first = Loop(tmp_path, "ilql", {"cloning_updates": 4}, 1, episodes=3, samples_per_insert=16.0)
    first.begin()
    first.live(most=1)
    first.run.end(lambda: True)
    first.directory.close()
    second = Loop(tmp_path, "ilql", {"cloning_updates": 4}, episodes=3, samples_per_insert=16.0, resume=True)
    second.begin()
    assert len(second.run.training.log) == 1
    assert second.published[0].version == first.run.version
    amid = replace(first.steps[-1].feedback, terminated=False, truncated=False, episode=4)
    second.run.digest(
        SpokenStep(10**11, "", amid, "\n"), lambda: True
    )  # the bridge was there while the learner was not
    second.games.go_on(10**12, 5)
    second.live()
    summary = second.end()
    assert (summary["episodes"], summary["interrupted"]) == (3, False)
    assert summary["chains_broken"] == 4  # numbers 1 to 4, of which one was seen
    with pytest.raises(RunDirectoryError, match="its seed is '0', not '1'"):
        Loop(tmp_path, "ilql", {"cloning_updates": 4}, episodes=3, resume=True, seed=1).run.begin()


def test_a_bridge_that_starts_again_leaves_behind_what_was_under_way(tmp_path):
    loop = Loop(tmp_path, "lm_online_filtered_bc", {"cloning_updates": 2, "rollouts": 2, "pool": 2}, episodes=2)
    loop.begin()
    said = Answer("s t a r e\n")
    for arrival in loop.games.arrive(2, 1):
        loop.run.digest(SpokenStep(arrival.stamp_ns, arrival.text, arrival.feedback, said), lambda: True)
    loop.run.digest(BridgeBegan(), lambda: True)
    training = loop.run.training
    assert (training.chains.open, training.chains.broken, training.wanted(2)) == (0, 2, 4)
    loop.directory.close()


def test_an_episode_that_the_learner_cannot_read_is_counted_and_asked_for_again(tmp_path):
    loop = Loop(tmp_path, "lm_online_filtered_bc", {"cloning_updates": 2, "rollouts": 1, "pool": 2}, episodes=3)
    loop.begin()
    [arrival, _] = loop.games.arrive(2, 1)
    unread = Answer("\u2654 nobody has said that\n")
    loop.run.digest(SpokenStep(1, arrival.text, arrival.feedback, unread), lambda: True)
    end = replace(arrival.feedback, step=1, terminated=True)
    loop.run.digest(SpokenStep(2, arrival.text, end, Answer("")), lambda: True)
    training = loop.run.training
    assert (training.refused, training.updates, training.wanted(3)) == (1, 1, 2)
    [problem] = loop.problems
    assert problem.startswith("own episodes are not learned from: character '\u2654' is not in the vocabulary; valid: ")
    loop.directory.close()


def test_a_learner_knows_the_words_with_which_nonsense_is_answered_although_no_data_show_them(tmp_path):
    loop = Loop(tmp_path, "lm_bc", {}, games=1, task="text_nav-fast", data=2)
    loop.begin()
    data = islice(game("text_nav-fast").episodes({}, 0), 2)
    assert not any("cannot" in turn.observation for episode in data for turn in episode.turns)
    assert " cannot" in loop.run.training.learner.tokenizer.pieces
    loop.directory.close()


def test_one_who_learns_from_itself_and_clones_nothing_needs_no_data(tmp_path):
    loop = Loop(tmp_path, "lm_ppo", {"cloning_updates": 0, "rollouts": 2}, data=0, episodes=4, eval_episodes=0)
    loop.begin()
    loop.live()
    summary = loop.end()
    assert (summary["episodes"], summary["updates"], summary["offline_updates"]) == (4, 2, 0)
    assert summary["given"] == {"episodes": 0, "task_return": None}
    assert (tmp_path / "plots" / "return.png").is_file()


def test_a_game_of_textarena_is_begun_without_data_and_refused_with(tmp_path):
    def loop(directory: str, data: int) -> Loop:
        options = {"cloning_updates": 0, "rollouts": 2, "context": 2000}
        return Loop(tmp_path / directory, "lm_ppo", options, 1, task="textarena:FrozenLake-v0", data=data)

    begun = loop("none", 0)
    begun.begin()
    assert begun.games.arrive(begun.run.training.wanted(1), begun.run.version)
    begun.directory.close()
    with pytest.raises(ConfigError, match="textarena:FrozenLake-v0 has no data: valid are bags of episodes, or 0"):
        loop("some", 5).run.begin()


def test_data_of_others_are_not_taken_for_own_episodes_where_nothing_is_cloned(tmp_path):
    loop = Loop(tmp_path, "lm_ppo", {"cloning_updates": 0, "rollouts": 2}, data=20, episodes=4)
    loop.begin()
    assert loop.run.training.learner.wants == 2
    loop.directory.close()


@pytest.mark.parametrize(
    ("learner", "text"),
    [
        ("lm_bc", "learner 'lm_bc' begins with data; data is 0, valid: 1 or more$"),
        ("lm_ppo", "data is 0, valid: 1 or more, or lm_ppo.cloning_updates: 0$"),
    ],
)
def test_one_who_begins_with_data_is_refused_where_there_are_none(learner, text, tmp_path):
    with pytest.raises(ConfigError, match=text):
        Loop(tmp_path, learner, {}, data=0).run.begin()


def test_runs_that_have_nothing_to_learn_from_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="learns from own episodes; episodes is 0"):
        Loop(tmp_path / "a", "lm_online_filtered_bc", {}, episodes=0).run.begin()
    (tmp_path / "empty").mkdir()
    with pytest.raises(BagError, match="no whole episode of 'wordle'"):
        Loop(tmp_path / "b", "lm_bc", {}, offline=(str(tmp_path / "empty"),)).run.begin()
