"""What a learning run is to do, and what it has to do with the world around it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vlmrl_ros.bridge.weights import Weights
from vlmrl_ros.core.errors import RunDirectoryError
from vlmrl_ros.core.run_directory import RunDirectory
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Step

IDENTITY_FILE = "run.json"
MAY_DIFFER = ("device",)
"""Options of a learner that another part of the run may change."""


@dataclass(frozen=True)
class Plan:
    """What a run is to do.

    Attributes:
        learner: name of the plug-in.
        options: those of the plug-in, by name.
        policy: name of the policy plug-in that its weights fit.
        seed: of all randomness.
        max_steps: transitions to learn from, without demonstrations; the run ends with the episode in which they are
            reached.
        samples_per_insert: pace of the updates; None: on-policy: one whenever the learner is ready, after which its
            weights are published at once.
        publish_every, checkpoint_every: steps.
        keep_checkpoints: how many of the newest are kept; the best is kept besides.
        eval_task: simulated task for evaluations; empty for none.
        eval_task_options: its options.
        eval_episodes, final_eval_episodes: how many, of each evaluation and of the one at the end; without the first
            there is none.
        resume: go on with the run that the directory holds.
        arms: names of the arms of a fleet; a single arm has none.
        data: bags that the learner is given before its first step, absolute paths: their demonstrations, or all of them
            where the run is offline.
        offline: the learner is given all that these bags hold.
        offline_updates: updates from it before the first step; 0: there is no robot, and ``max_steps`` counts steps
            that nobody lives.
        curriculum: name of the curriculum plug-in; empty: none.
        curriculum_options: those of the curriculum, by name.
        reference: checkpoint of a reference policy, for the terms of RLIF's bound; empty for none.
    """

    learner: str
    options: Mapping[str, Any]
    policy: str
    seed: int
    max_steps: int
    samples_per_insert: float | None
    publish_every: int
    checkpoint_every: int
    keep_checkpoints: int
    eval_task: str
    eval_task_options: Mapping[str, Any]
    eval_episodes: int
    final_eval_episodes: int
    resume: bool = False
    arms: tuple[str, ...] = ("",)
    data: tuple[str, ...] = ()
    offline: bool = False
    offline_updates: int = 0
    curriculum: str = ""
    curriculum_options: Mapping[str, Any] = field(default_factory=dict)
    reference: str = ""

    @property
    def discount(self) -> float | None:
        """Of a reward one step later, as the learner sees it; None where it knows of none, or counts by utterance."""
        return self.options.get("discount") if self.samples_per_insert is not None else None

    @property
    def evaluates(self) -> bool:
        """Checkpoints are evaluated."""
        return bool(self.eval_task and self.eval_episodes)

    @property
    def without_robot(self) -> bool:
        """All that is learned from has been lived before."""
        return self.offline and not self.offline_updates


@dataclass(frozen=True)
class Ties:
    """What binds a run to the node around it; all are called from the run's thread.

    Attributes:
        publish: sends new weights.
        lived: the steps of an arm, by its number, after a stamp (ns) that the run's bags hold, in order of stamp.
        given: the steps in the plan's bags, those of one arm of one run each, in order.
        say: a line for people.
        problem: what is wrong at present, "" when nothing is.
    """

    publish: Callable[[Weights], None]
    lived: Callable[[int, int], Iterable[Step]]
    given: Callable[[], Iterable[Iterable[Step]]]
    say: Callable[[str], None]
    problem: Callable[[str], None]


def identify(plan: Plan, spec: TaskSpec, directory: RunDirectory) -> None:
    """Write down which run this is; where it goes on, make sure that it is the same.

    Raises:
        RunDirectoryError: the directory holds a run of another task, learner, seed, number of arms, options or data;
            nothing is changed.
    """
    options = {f"{plan.learner}.{name}": value for name, value in plan.options.items() if name not in MAY_DIFFER}
    options |= {"offline" if plan.offline else "demonstrations": list(plan.data)} if plan.data else {}
    options |= {"offline_updates": plan.offline_updates} if plan.offline_updates else {}
    if plan.curriculum:
        options["curriculum"] = plan.curriculum
        options |= {f"{plan.curriculum}.{name}": value for name, value in plan.curriculum_options.items()}
    mine = {"task": spec.task, "learner": plan.learner, "seed": plan.seed, "num_arms": len(plan.arms)}
    same_run({**mine, "options": options, "task_spec": json.loads(spec.to_json())}, directory, plan.resume)


def same_run(mine: Mapping[str, Any], directory: RunDirectory, resume: bool) -> None:
    """Write down which run this is; where it goes on, make sure that it is the same.

    Args:
        mine: ``task``, ``learner``, ``seed``, ``num_arms``, ``options`` and ``task_spec``, fit for JSON.
        directory: of the run.
        resume: it goes on.

    Raises:
        RunDirectoryError: the directory holds another run; nothing is changed.
    """
    path = directory.path / IDENTITY_FILE
    if resume and path.exists():
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            differences = _differences(found, json.loads(json.dumps(mine)))
        except (ValueError, TypeError, AttributeError) as error:
            raise RunDirectoryError(f"'{path}' is damaged: {error}") from error
        if differences:
            text = f"run directory '{directory.path}' holds another run: {'; '.join(differences)}"
            raise RunDirectoryError(f"{text}; resume it with the values it began with, or choose another run_dir")
    else:
        directory.write_text(IDENTITY_FILE, json.dumps(mine, indent=2, sort_keys=True) + "\n")


def _differences(theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> list[str]:
    """What differs, in words; the task's name, learner, seed and arms come before what follows from them."""
    for name in ("task", "learner", "seed", "num_arms"):
        if theirs.get(name) != mine[name]:
            return [f"its {name} is '{theirs.get(name)}', not '{mine[name]}'"]
    before, now = dict(theirs.get("options") or {}), mine["options"]
    found = [
        f"its {name} is {before.get(name)}, not {now.get(name)}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    was, spec = dict(theirs.get("task_spec") or {}), mine["task_spec"]
    changed = [name for name in spec if was.get(name) != spec[name]]
    return [*found, f"its task '{mine['task']}' has another {' and '.join(changed)}"] if changed else found
