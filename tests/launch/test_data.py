"""A bag is a data set: demonstrations recorded by one launch, learned from by the next, and then without a robot."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from fakes.bags import same
from fakes.observer import Observer, Watcher
from fakes.processes import Stage

from vlmrl_ros.bridge.bags.layout import episodes, is_closed
from vlmrl_ros.bridge.bags.reader import read_steps
from vlmrl_ros.nodes.bench.bag_replay import replay_equal

pytestmark = [pytest.mark.launch, pytest.mark.timeout(180)]

TASK = {"reach.horizon": 60, "reach.observation": "both", "reach.cameras": ["wrist"], "reach.image_size": 36}
STEADY = ("aim_noise_mm", "bias_x_mm", "bias_y_mm", "bias_z_mm", "action_noise")
SMALL = {"rlif.min_steps": 16, "rlif.batch_size": 16, "rlif.samples_per_insert": 64.0, "rlif.hidden": [16]}
CALQL = {"calql.min_steps": 16, "calql.batch_size": 16, "calql.samples_per_insert": 16.0, "calql.sampled_actions": 2}
LEARNER = {"eval_task": "", "final_eval_episodes": 0, "checkpoint_every": 30, **SMALL, **CALQL}
EPISODES, STEPS = 2, 40


@pytest.fixture(scope="module")
def params(stage: Stage) -> str:
    everybody = {**TASK, **{f"operator.{name}": 0.0 for name in STEADY}}
    return f"params_file:={stage.params_file({'/**': everybody, '/**/learner': LEARNER})}"


@pytest.fixture(scope="module")
def demonstrations(stage: Stage, params: str) -> Path:
    directory = stage.root / "demonstrations"
    given = ["operator:=scripted", "task:=reach", "headless:=true", f"directory:={directory}", f"episodes:={EPISODES}"]
    launched = stage.launch("record_demos.launch.py", *given, params)
    assert launched.wait(60.0) == 0, launched.output
    assert "Traceback" not in launched.output
    assert re.search(rf"episode \d+: success after \d+ steps \({EPISODES} kept, \d+ discarded\)", launched.output)
    return directory


@pytest.fixture(scope="module")
def run(stage: Stage, params: str, demonstrations: Path) -> tuple[Path, list]:
    """A run that was given them, and its steps as somebody heard them who listened."""
    directory = stage.root / "runs" / "given"
    observer = Observer(stage.domain)
    given = [f"run_dir:={directory}", "task:=reach", f"max_steps:={STEPS}", f"demonstrations:={demonstrations}", params]
    launched = stage.launch("sim_train.launch.py", *given)
    watcher = Watcher(observer, observer.spec())
    observer.until(lambda: launched.ended, "the end of the run", 90.0)
    observer.close()
    assert launched.wait() == 0, launched.output
    assert "Traceback" not in launched.output
    return directory, watcher.steps


def test_each_recorded_episode_is_a_success_in_a_persons_hands_from_its_first_step_to_its_last(demonstrations):
    bags = episodes(demonstrations)
    assert len(bags) == EPISODES
    for bag in bags:
        assert is_closed(bag)
        steps = list(read_steps([bag])[1])
        assert all(step.intervention.active and not step.policy_action.any() for step in steps)
        assert all(b.feedback.step == a.feedback.step + 1 for a, b in pairwise(steps))
        assert steps[0].feedback.step == 0
        assert steps[-1].feedback.last
        assert steps[-1].feedback.success
        assert steps[0].observation["wrist"].shape == (36, 36, 3)


def test_demonstrations_from_bags_take_the_place_of_those_that_are_shown(run, demonstrations):
    summary = json.loads((run[0] / "summary.json").read_text())
    recorded = sum(len(list(read_steps([bag])[1])) - 1 for bag in episodes(demonstrations))
    assert summary["given"]["demonstrations"] == EPISODES
    assert summary["given"]["demonstration_transitions"] == recorded
    assert summary["demonstrations"] == 0
    assert summary["steps"] >= STEPS
    assert summary["updates"] > 5


def test_the_bags_hold_every_step_as_it_was_lived_with_its_frames(run):
    directory, heard = run
    recorded = {step.stamp_ns: step for step in read_steps([directory])[1]}
    assert len(heard) > STEPS
    assert all(same(recorded[step.stamp_ns], step) for step in heard)


def test_the_bags_give_the_replay_of_the_learner_byte_for_byte(run):
    assert replay_equal(run[0])


def test_a_learner_learns_from_bags_without_a_robot(stage, params, demonstrations, run):
    directory = stage.root / "runs" / "offline"
    given = [f"run_dir:={directory}", "task:=reach", "max_steps:=60", f"offline:={demonstrations},{run[0]}", params]
    launched = stage.launch("sim_train.launch.py", *given)
    assert launched.wait(60.0) == 0, launched.output
    assert "Traceback" not in launched.output
    assert "sim_bridge" not in launched.output
    summary = json.loads((directory / "summary.json").read_text())
    assert (summary["steps"], summary["given"]["offline"]) == (60, True)
    assert summary["updates"] > 10
    assert Path(summary["checkpoint"]).name == "step_60"


def test_the_robot_goes_on_where_an_offline_phase_ends(stage, params, demonstrations, run):
    directory = stage.root / "runs" / "both"
    phase = [f"offline:={demonstrations},{run[0]}", "offline_updates:=40", "learner:=calql", "operator:=none"]
    launched = stage.launch(
        "sim_train.launch.py", f"run_dir:={directory}", "task:=reach", "max_steps:=30", *phase, params
    )
    assert launched.wait(90.0) == 0, launched.output
    assert "Traceback" not in launched.output
    summary = json.loads((directory / "summary.json").read_text())
    assert (summary["offline_updates"], summary["given"]["offline"]) == (40, True)
    assert summary["steps"] >= 30
    assert summary["updates"] > 40
    assert (directory / "checkpoints" / "step_0").is_dir()
    assert "offline: 40 of 40 updates" in launched.output
    lived = list(read_steps([directory])[1])
    assert lived[0].feedback.weights_version == 1, "the policy never acts without what was learned offline"
    assert (lived[0].feedback.episode, lived[0].feedback.step) == (0, 0)
    assert replay_equal(directory)


def test_bags_of_another_task_end_the_launch_and_leave_nothing(stage, demonstrations):
    directory = stage.root / "runs" / "wrong"
    given = [f"run_dir:={directory}", "task:=pick_lift", f"offline:={demonstrations}"]
    launched = stage.launch("sim_train.launch.py", *given)
    assert launched.wait(60.0) != 0
    assert "the bags are of task 'reach', but eval_task is 'pick_lift'; take task:=reach" in launched.output
    assert "Traceback" not in launched.output
    assert not directory.exists()
