"""A small real task, steps that were really lived in it, and learning runs on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fakes.processes import wait_until

from vlmrl_ros.bridge.weights import Weights
from vlmrl_ros.core import registry
from vlmrl_ros.core.config import from_mapping, to_mapping
from vlmrl_ros.core.episode import Episodes
from vlmrl_ros.core.interfaces import Glance, Task
from vlmrl_ros.core.run_directory import RunDirectory
from vlmrl_ros.core.safety import SafetyFilter
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.types import Intervention, Mark, Source, Step
from vlmrl_ros.nodes.learning_run import LearningRun
from vlmrl_ros.nodes.plan import Plan, Ties
from vlmrl_ros.sim.load import build

TASK_OPTIONS = {"horizon": 20, "range_mm": 40.0, "post_success_steps": 2}
STEADY_HAND = {"aim_noise_mm": 0.0, "bias_x_mm": 0.0, "bias_y_mm": 0.0, "bias_z_mm": 0.0, "action_noise": 0.0}
LEARNER = {"device": "cpu", "batch_size": 16, "hidden": [8], "min_steps": 16, "samples_per_insert": 16.0}


@pytest.fixture(scope="session")
def task() -> Iterator[Task]:
    made = build("reach", TASK_OPTIONS)
    yield made
    made.close()


@pytest.fixture(scope="session")
def lived(task: Task) -> list[Step]:
    """Eight episodes on the reach task; in the first a person shows how, in the others they take over."""
    return live(task, seed=0)


@pytest.fixture(scope="session")
def lived_beside(task: Task) -> list[Step]:
    """What another arm lives through meanwhile."""
    return live(task, seed=1)


def live(task: Task, seed: int) -> list[Step]:
    policy = registry.load("policies", "gaussian")(task.spec, {})
    operator = registry.load("operators", "reach")(task.spec, STEADY_HAND)
    loop = Episodes(task, SafetyFilter(task.spec.action, task.spec.control_dt_s), seed)
    arrival, held, steps = loop.begin(), False, []
    while arrival.feedback.episode < 8:
        f = arrival.feedback
        if f.step == 0:
            operator.reset(stream(seed, "operator", f.episode), demonstrate=f.episode == 0)
            held = False
        intent = operator.intent(Glance(arrival.scene, f.step, f.last, f.success, held))
        proposal, _ = policy.act(arrival.observation, stream(seed, "policy", f.episode, f.step))
        command = intent.action if intent.takeover else proposal
        edge = intent.takeover and not held and f.step > 0
        source = Source.HUMAN if intent.takeover else Source.POLICY
        applied, after = loop.advance(arrival, command, Mark.NONE)
        decided = Intervention(intent.takeover, edge, -float(edge), source)
        steps.append(Step(arrival.stamp_ns, arrival.observation, f, proposal, command, applied.action, decided))
        held, arrival = intent.takeover, after
    return steps


@dataclass
class Made:
    """A learning run and everything that it has published."""

    run: LearningRun
    directory: RunDirectory
    published: list[Weights] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def checkpoint(self) -> Path:
        """Ask for a checkpoint and wait until it is on disk."""
        self.run.checkpoint()
        path = self.run.path / "checkpoints" / f"step_{self.run.training.steps}"
        wait_until(path.exists, "the checkpoint")
        return path


@pytest.fixture(scope="session")
def make_run(task: Task) -> Iterator[Callable[..., Made]]:
    """Makes runs of the RLIF learner, as small as it gets; the plan and what each arm's bags hold can be chosen."""
    opened: list[RunDirectory] = []

    def make(
        path: Path,
        lived: Sequence[Step] = (),
        beside: Sequence[Step] = (),
        given: Sequence[Sequence[Step]] = (),
        **plan: object,
    ) -> Made:
        builder = registry.load("learners", "rlif")
        options = from_mapping(builder.config_type, LEARNER)
        directory = RunDirectory(path, bool(plan.get("resume")))
        directory.write_text("config.yaml", "")
        opened.append(directory)
        defaults = {
            "learner": "rlif",
            "options": to_mapping(options),
            "policy": "gaussian",
            "seed": 0,
            "max_steps": 60,
            "samples_per_insert": options.samples_per_insert,
            "publish_every": 10,
            "checkpoint_every": 25,
            "keep_checkpoints": 10,
            "eval_task": "",
            "eval_task_options": TASK_OPTIONS,
            "eval_episodes": 2,
            "final_eval_episodes": 3,
        }
        learner = builder.build(task.spec, options, stream(0, "learner"))
        published: list[Weights] = []
        said: list[str] = []
        problems: list[str] = []
        ties = Ties(
            publish=published.append,
            lived=lambda arm, after_ns: [step for step in (lived, beside)[arm] if step.stamp_ns > after_ns],
            given=lambda: given,
            say=said.append,
            problem=problems.append,
        )
        run = LearningRun(Plan(**(defaults | plan)), learner, task.spec, directory, ties)
        return Made(run, directory, published, said, problems)

    yield make
    for directory in opened:
        directory.close()


@pytest.fixture(scope="session")
def checkpoint(make_run, lived, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run that learned from 60 steps, for reading only."""
    made = make_run(tmp_path_factory.mktemp("runs") / "run")
    made.run.begin()
    for step in lived[:60]:
        made.run.digest(step, lambda: True)
    path = made.checkpoint()
    made.run.end(lambda: True)
    return path
