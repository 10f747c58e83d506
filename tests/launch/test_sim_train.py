"""The whole stack by one command: a run that ends, a run that is interrupted, and what they leave behind."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from fakes.observer import Observer
from fakes.processes import Running, Stage, wait_until
from sensor_msgs.msg import JointState

from vlmrl_ros.core.checkpoint import combined_hash, read_checkpoint
from vlmrl_ros.core.spec import TaskSpec

pytestmark = [pytest.mark.launch, pytest.mark.timeout(180)]

MAX_STEPS, HORIZON = 200, 40
REPEATABLE = (f"max_steps:={MAX_STEPS}", "seed:=7", "sync:=true", "demonstrations:=2")
SMALL = {"rlif.min_steps": 32, "rlif.batch_size": 32, "rlif.samples_per_insert": 32.0, "rlif.hidden": [32]}
QUICK = {"eval_episodes": 2, "final_eval_episodes": 2, "checkpoint_every": 100, **SMALL}


def settings(stage: Stage, **learner: object) -> str:
    """A params file for a run that takes seconds; the tasks' options go to everybody."""
    everybody = {"reach.horizon": HORIZON}
    return str(stage.params_file({"/**": everybody, "/**/learner": {**QUICK, **learner}}))


def train(stage: Stage, run: Path, *more: str, params: str = "", namespace: str = "") -> Running:
    given = [f"run_dir:={run}", "task:=reach", f"params_file:={params or settings(stage)}"]
    space = [f"namespace:={namespace}"] if namespace else []
    return stage.launch("sim_train.launch.py", *given, *space, *more)


@pytest.fixture(scope="module")
def run(stage: Stage) -> Path:
    """A run directory as a complete run leaves it."""
    directory = stage.root / "runs" / "complete"
    observer = Observer(stage.domain)
    status = observer.listen(JointState, "/left/policy/status")
    launched = train(stage, directory, *REPEATABLE, namespace="left")
    observer.until(lambda: launched.ended, "the end of the run", 120.0)
    versions = [int(message.position[0]) for message in status]
    observer.close()
    assert launched.wait() == 0, launched.output
    assert "Traceback" not in launched.output
    assert versions[0] == 0
    assert max(versions) >= 10
    assert versions == sorted(versions)
    return directory


def test_a_run_leaves_checkpoint_plots_configuration_and_summary(run):
    summary = json.loads((run / "summary.json").read_text())
    assert MAX_STEPS <= summary["steps"] < MAX_STEPS + HORIZON
    assert summary["updates"] > 25
    assert summary["interrupted"] is False
    assert summary["final"]["episodes"] == 2
    assert [e["step"] // 100 for e in summary["evaluations"]][:2] == [1, 2]
    about = read_checkpoint(Path(summary["checkpoint"]))
    assert combined_hash(about) == summary["checkpoint_sha256"]
    assert about["step"] == summary["steps"]
    assert {p.name for p in (run / "plots").iterdir()} == {"success.png", "interventions.png"}
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in (run / "plots").iterdir())
    assert list((run / "tensorboard").iterdir())
    assert not list(run.rglob("*.partial"))


def test_what_the_task_shows_is_an_argument_for_those_who_act_and_for_those_who_evaluate(stage):
    directory = stage.root / "runs" / "seen"
    small = {"reach.horizon": 20, "reach.image_size": 36, "reach.cameras": ["wrist"]}
    given = f"params_file:={stage.params_file({'/**': small, '/**/learner': QUICK})}"
    more = ("observation:=pixels", "task:=reach", "max_steps:=80", "demonstrations:=1", "record:=false")
    launched = stage.launch("sim_train.launch.py", f"run_dir:={directory}", given, *more)
    assert launched.wait(120.0) == 0, launched.output
    summary = json.loads((directory / "summary.json").read_text())
    assert summary["updates"] > 0
    assert summary["final"]["episodes"] == 2
    spec = TaskSpec.from_json(read_checkpoint(Path(summary["checkpoint"]))["task_spec"])
    assert [camera.name for camera in spec.cameras] == ["wrist"]
    assert "target_x" not in spec.observation.names
    judged = stage.launch("eval.launch.py", f"checkpoint:={summary['checkpoint']}", "episodes:=1", given)
    assert judged.wait(60.0) == 0, judged.output


def test_the_configuration_holds_every_value_in_force_of_every_node(run):
    written = yaml.safe_load((run / "config.yaml").read_text())
    assert {"learner", "policy_server", "teleop", "sim_bridge", "scripted_operator"} <= set(written)
    assert written["learner"]["max_steps"] == MAX_STEPS
    assert written["learner"]["checkpoint_every"] == 100


def test_a_second_run_in_the_same_directory_is_refused_and_touches_nothing(stage, run):
    before = (run / "summary.json").read_bytes()
    launched = train(stage, run)
    assert launched.wait() != 0
    assert f"run directory '{run}' already holds a run; choose another run_dir or remove it" in launched.output
    assert "Traceback" not in launched.output
    assert (run / "summary.json").read_bytes() == before


def test_the_checkpoint_is_evaluated_by_a_launch_of_its_own(stage, run):
    checkpoint = json.loads((run / "summary.json").read_text())["checkpoint"]
    launched = stage.launch("eval.launch.py", f"checkpoint:={checkpoint}", "episodes:=3")
    assert launched.wait(60.0) == 0, launched.output
    assert "Traceback" not in launched.output
    result = json.loads((run / "evaluation" / "evaluation.json").read_text())
    assert result["episodes"] == 3
    assert result["task"] == "reach"
    assert 0.0 <= result["success_low"] <= result["success"] <= result["success_high"] <= 1.0


def test_a_checkpoint_of_another_task_is_refused_by_name(stage, run):
    checkpoint = json.loads((run / "summary.json").read_text())["checkpoint"]
    output = stage.root / "other_task"
    launched = stage.launch(
        "eval.launch.py", f"checkpoint:={checkpoint}", "task:=pick_lift", f"output:={output}", "episodes:=1"
    )
    assert launched.wait() != 0
    assert re.search(r"checkpoint '.*' was trained on 'reach', not on 'pick_lift'", launched.output)
    assert "Traceback" not in launched.output
    assert not output.exists()


def test_a_video_without_opengl_is_refused_and_the_message_says_what_is_needed(stage, run):
    checkpoint = json.loads((run / "summary.json").read_text())["checkpoint"]
    output = stage.root / "no_video"
    arguments = (f"checkpoint:={checkpoint}", f"output:={output}", "video:=true")
    launched = stage.launch("eval.launch.py", *arguments, env={"MUJOCO_GL": "vulkan"})
    assert launched.wait() != 0
    assert "MUJOCO_GL is 'vulkan'; rendering needs one of: egl, glfw, osmesa" in launched.output
    assert "Traceback" not in launched.output
    assert not output.exists()


SCRAMBLED = """
import numpy as np
from vlmrl_ros.sim.operators import reach as person
from vlmrl_ros.sim.tasks import reach

def build(config):
    return Scrambled(reach.build(config))

def operator(spec, config):
    return person.build(spec, config)

class Scrambled:
    def __init__(self, task):
        self._task, self._rng = task, np.random.default_rng(5)

    def __getattr__(self, name):
        return getattr(self._task, name)

    def step(self, action):
        return self._task.step(action)._replace(reward=float(self._rng.normal()))
"""
POINTS = """
[vlmrl_ros.tasks]
reach_scrambled = scrambled:build
[vlmrl_ros.operators]
reach_scrambled = scrambled:operator
"""


def plugin(root: Path) -> Path:
    """A distribution of somebody else with a task of theirs: ``reach`` with nonsense for a reward."""
    about = root / "scrambled-1.0.dist-info"
    about.mkdir(parents=True)
    (root / "scrambled.py").write_text(SCRAMBLED)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: scrambled\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(POINTS)
    return root


def test_one_seed_ends_in_one_checkpoint_whatever_reward_the_task_gives(stage, run):
    """Without evaluations, too: they must not touch learning. Repeatable to the bit, and RLIF reads takeovers alone."""
    learner = {"eval_task": "", "final_eval_episodes": 0, "checkpoint_every": 100, **SMALL}
    params = stage.params_file({"/**": {"reach_scrambled.horizon": 40}, "learner": learner})
    directory = stage.root / "runs" / "scrambled"
    given = ["task:=reach_scrambled", f"run_dir:={directory}", f"params_file:={params}", *REPEATABLE]
    launched = stage.launch("sim_train.launch.py", *given, env={"PYTHONPATH": str(plugin(stage.root / "plugin"))})
    assert launched.wait(60.0) == 0, launched.output
    plain, scrambled = (json.loads((path / "summary.json").read_text()) for path in (run, directory))
    assert scrambled["checkpoint_sha256"] == plain["checkpoint_sha256"]
    returns = [
        [e["task_return"] for e in json.loads((path / "episodes.json").read_text())] for path in (run, directory)
    ]
    assert returns[0] != returns[1]


def test_ctrl_c_ends_everything_within_three_seconds_and_leaves_a_whole_run(stage):
    directory = stage.root / "runs" / "interrupted"
    launched = train(
        stage, directory, "max_steps:=100000", "demonstrations:=1", params=settings(stage, checkpoint_every=50)
    )
    checkpoint = directory / "checkpoints" / "step_50" / "checkpoint.json"
    wait_until(lambda: checkpoint.exists() or launched.ended, "a checkpoint", 60.0)
    family = launched.family()
    assert len(family) > 6
    launched.interrupt(everyone=True)
    assert not [pid for pid in family if Path(f"/proc/{pid}").exists()]
    assert "Traceback" not in launched.output
    summary = json.loads((directory / "summary.json").read_text())
    assert summary["interrupted"] is True
    assert combined_hash(read_checkpoint(Path(summary["checkpoint"]))) == summary["checkpoint_sha256"]
    assert not list(directory.rglob("*.partial"))


def test_a_video_shows_the_episodes(stage, run):
    checkpoint = json.loads((run / "summary.json").read_text())["checkpoint"]
    output = stage.root / "video"
    launched = stage.launch(
        "eval.launch.py", f"checkpoint:={checkpoint}", "episodes:=1", f"output:={output}", "video:=true"
    )
    assert launched.wait(60.0) == 0, launched.output
    assert {p.name for p in output.iterdir()} == {"evaluation.json", "film.mp4", "film.png"}
    assert (output / "film.mp4").stat().st_size > 1000
