"""A language model learns a text task by one command: versions rise, bags hold what was said, a summary is left."""

from __future__ import annotations

import json

import pytest
import yaml
from fakes.observer import PATIENT, Observer
from fakes.processes import Stage, wait_until
from sensor_msgs.msg import JointState

from vlmrl_ros.bridge.bags.text import read_text_episodes
from vlmrl_ros.core import registry

pytestmark = [pytest.mark.launch, pytest.mark.timeout(120)]

LAUNCH = "language_train.launch.py"
EPISODES = 6
SMALL = {"layers": 1, "width": 16, "heads": 2, "context": 128, "answer_tokens": 12, "batch_size": 32, "updates": 2}
LEARNER = {"eval_episodes": 2, "samples_per_insert": 32.0}


def test_a_run_shows_rising_versions_and_leaves_bags_and_a_summary(stage: Stage):
    run = stage.root / "runs" / "wordle"
    options = {f"ilql.{name}": value for name, value in {**SMALL, "cloning_updates": 4}.items()}
    params = stage.params_file({"/**": {"wordle.words": 20}, "/**/text_learner": {**LEARNER, **options}})
    observer = Observer(stage.domain)
    status = observer.listen(JointState, "/left/policy/status", PATIENT)
    launched = stage.launch(
        *(LAUNCH, "task:=wordle", "learner:=ilql", f"episodes:={EPISODES}", "data:=50", "offline_updates:=3"),
        *("num_envs:=2", f"run_dir:={run}", f"params_file:={params}", "namespace:=left"),
    )
    observer.until(lambda: launched.ended, "the end of the run", 60.0)
    observer.close()
    assert launched.wait() == 0, launched.output
    assert "Traceback" not in launched.output
    assert "(0, 50 and 100 are -6, -2.76 and -1.1, the best) in 2 fresh episodes" in launched.output
    versions = [int(message.position[0]) for message in status]
    assert versions[0] == 1
    assert versions == sorted(versions)
    assert versions[-1] > 2

    summary = json.loads((run / "summary.json").read_text())
    assert summary["episodes"] == EPISODES
    assert summary["updates"] > summary["offline_updates"] == 3
    assert summary["chains_broken"] == summary["refused"] == 0
    assert set(summary["final"]) == {"perturbed", "greedy"}
    assert (run / "plots" / "return.png").is_file()
    episodes = list(read_text_episodes(run / "bags", "wordle"))
    lived = json.loads((run / "episodes.json").read_text())
    assert [one.undiscounted_return for one in episodes] == [one["task_return"] for one in lived]
    assert all(turn.token_ids for one in episodes for turn in one.turns)
    assert sum(len(one.turns) for one in episodes) == summary["steps"] == len(status)


def test_without_a_params_file_the_options_of_the_benchmark_are_taken_and_arguments_come_before_them(stage: Stage):
    run = stage.root / "runs" / "nav"
    size = ("data:=20", "episodes:=0", "offline_updates:=7")
    launched = stage.launch(LAUNCH, "task:=text_nav-fast", "learner:=lm_mc", *size, f"run_dir:={run}")
    wait_until((run / "config.yaml").is_file, f"a run directory; it wrote {launched.output}", 60.0)
    node = yaml.safe_load((run / "config.yaml").read_text())["text_learner"]  # a run that has not begun takes it along
    launched.interrupt()
    [line] = [line for line in launched.output.splitlines() if "options of the benchmark: " in line]
    assert "share/vlmrl_ros/config/text/text_nav-fast.yaml; params_file:= takes others instead" in line
    node = node.get("ros__parameters", node)
    assert (node["data"], node["offline_updates"], node["samples_per_insert"]) == (20, 7, 1.0)
    assert (node["lm_mc"]["width"], node["lm_mc"]["cloning_rate"]) == (64, 0.003)


def test_two_runs_with_one_seed_end_in_the_same_checkpoint(stage: Stage):
    options = {**SMALL, "cloning_updates": 4, "rollouts": 4}
    learner = {"eval_episodes": 0, **{f"lm_ppo.{name}": value for name, value in options.items()}}
    params = stage.params_file({"/**/text_learner": learner})
    fingerprints = set()
    for number in range(2):
        run = stage.root / "runs" / f"twin_{number}"
        launched = stage.launch(
            *(LAUNCH, "task:=text_nav-fast", "learner:=lm_ppo", "data:=30", "episodes:=8", "num_envs:=2", "seed:=3"),
            *(f"run_dir:={run}", f"params_file:={params}"),
        )
        assert launched.wait(60.0) == 0, launched.output
        summary = json.loads((run / "summary.json").read_text())
        assert summary["version"] > 1
        fingerprints.add(summary["checkpoint_sha256"])
    assert len(fingerprints) == 1


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("task:=juggle", f"unknown text task 'juggle'; valid: {', '.join(registry.names('text_tasks'))}"),
        ("learner:=rlif", "learner 'rlif' learns from Transition, not from episodes of text"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(stage: Stage, argument: str, line: str):
    run = stage.root / "never"
    launched = stage.launch(LAUNCH, argument, f"run_dir:={run}")
    assert launched.wait(60.0) != 0, launched.output
    assert line in launched.output
    assert "Traceback" not in launched.output
    assert not run.exists()
