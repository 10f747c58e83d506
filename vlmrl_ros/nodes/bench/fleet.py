"""Two arms and one learner: whose steps its memory holds, and that none of its transitions has ends of two arms."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from vlmrl_ros.bridge.bags.layout import BAGS
from vlmrl_ros.bridge.bags.reader import read_steps
from vlmrl_ros.core.chain import follows
from vlmrl_ros.core.checkpoint import read_checkpoint
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.core.replay import Replay
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Feedback, Step
from vlmrl_ros.nodes.bench.figures import Figures
from vlmrl_ros.nodes.bench.launched import LaunchedRun, train
from vlmrl_ros.policies.learners.memory import transition_columns
from vlmrl_ros.policies.learners.rlif.config import RlifConfig

ARMS = 2
STEPS, QUICK_STEPS = 3000, 400
NEAR = {"reach.range_mm": 40.0}
"""Targets that the operator reaches every time: nearly all transitions are remembered then."""
REACH = RlifConfig().return_steps
"""Transitions in the longest return."""
HALVES = ("prior", "online")
"""The memories of the learner ``rlif``."""
Ends = tuple[bytes, bytes]
"""The normalised states at both ends of a transition, float32 (N,) each, as bytes."""


def measure(quick: bool, work: Path) -> Figures:
    """Teach two simulated arms, then look for every transition of the learner's memory in the bags of each arm.

    Returns:
        ``fleet.transitions_mixed``: transitions that no arm lived through, transitions in memory of each arm, updates,
        steps per second of both; and unless quick ``fleet.hash_equal``: two runs in turn end in the same checkpoint.

    Raises:
        VlmrlError: an arm had no part in it, or the arms cannot be told apart.
    """
    run = _train(work, "fleet", QUICK_STEPS if quick else STEPS, "false")
    lived = [transitions_in(work / "fleet" / BAGS / f"arm_{arm}") for arm in range(ARMS)]
    if lived[0] & lived[1]:
        raise VlmrlError(f"{len(lived[0] & lived[1])} transitions of the two arms are the same; see {work / 'fleet'}")
    remembered = ends_in_memory(Path(run.summary["checkpoint"]))
    counts = [sum(ends in of for ends in remembered) for of in lived]
    if not all(counts):
        raise VlmrlError(f"the learner remembers {counts} transitions of the arms; see {work / 'fleet.log'}")
    figures = {
        "fleet.transitions_mixed": float(len(remembered) - sum(counts)),
        **{f"fleet.arm_{arm}.transitions": float(count) for arm, count in enumerate(counts)},
        "fleet.updates": float(run.summary["updates"]),
        "fleet.steps_per_s": run.summary["steps"] / run.summary["learning_s"],
    }
    return figures if quick else {**figures, "fleet.hash_equal": _hash_equal(work)}


def ends_in_memory(checkpoint: Path) -> list[Ends]:
    """The transitions in the learner's memory, from a checkpoint of ``rlif``."""
    columns = transition_columns(TaskSpec.from_json(read_checkpoint(checkpoint)["task_spec"]))
    found: list[Ends] = []
    for half in HALVES:
        folder = checkpoint / "learner" / half
        replay = Replay(columns, json.loads((folder / "replay.json").read_text(encoding="utf-8"))["capacity"])
        replay.restore(folder)
        named = replay.layout.split(replay.rows(np.arange(len(replay))))
        ends = zip(named["state"], named["next_state"], strict=True)
        found += [(before.tobytes(), after.tobytes()) for before, after in ends]
    return found


def transitions_in(bags: Path) -> set[Ends]:
    """The transitions that an arm lived through, from its bags.

    Raises:
        BagError: there are none, or they are damaged.
    """
    spec, steps = read_steps([bags])
    return transitions_of(spec, steps)


def transitions_of(spec: TaskSpec, steps: Iterable[Step]) -> set[Ends]:
    """The spans of up to :data:`REACH` consecutive transitions of an episode, as returns over several steps have."""
    spans: set[Ends] = set()
    begins: deque[bytes] = deque(maxlen=REACH)
    newest: Feedback | None = None
    for step in steps:
        if newest is not None and not follows(newest, step.feedback):
            begins.clear()
        end = spec.observation.normalise(step.observation["state"]).tobytes()
        spans |= {(begin, end) for begin in begins}
        begins.append(end)
        newest = step.feedback
    return spans


def _train(work: Path, name: str, steps: int, sync: str) -> LaunchedRun:
    arguments = {"task": "reach", "num_arms": ARMS, "max_steps": steps, "demonstrations": 4, "sync": sync}
    parameters = {"*": NEAR, "learner": {"eval_task": "", "final_eval_episodes": 0}}
    return train(work, name, arguments, parameters, timeout_s=600)


def _hash_equal(work: Path) -> float:
    first, second = (_train(work, name, QUICK_STEPS, "true") for name in ("first", "second"))
    return float(first.summary["checkpoint_sha256"] == second.summary["checkpoint_sha256"])
