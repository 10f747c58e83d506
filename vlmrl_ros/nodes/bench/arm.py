"""An arm in real time: RLIF on ``peg_insert`` through one that is late and lossy, its stop, and two arms in a fleet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.nodes.bench import fleet, silence
from vlmrl_ros.nodes.bench.figures import NONE, Figures
from vlmrl_ros.nodes.bench.launched import LaunchedRun, launch, read_result, train

MARKS = {
    "sim_arm.rlif.success": (0.85, 1.0),
    "silence.ticks_to_zero.max": (0.0, 2.0),
    "estop.ticks_to_zero.max": (0.0, 1.0),
    "estop.motions": NONE,
    "fleet.transitions_mixed": NONE,
}
WIRE = {"latency_ms": 30.0, "jitter_ms": 5.0, "drop_rate": 0.01}
"""Delay and losses of each sensor message and of each command."""
CALM = {"operator.gain_per_s": 4.0}
"""A person drives a late arm more calmly: at the usual 8/s their hand and a loop that answers after 0.2 s oscillate
about the hole, and what they show and where they take over says little."""
STEPS, QUICK_STEPS = 4500, 200
QUICK_LEARNER = {"rlif.min_steps": 100}
DEMONSTRATIONS, QUICK_DEMONSTRATIONS = 15, 4
EPISODES = 100
TRAIN_TIMEOUT_S, EVALUATE_TIMEOUT_S = 3600.0, 1800.0


def measure(quick: bool, work: Path) -> Figures:
    """Train through ``sim_arm`` and judge the best checkpoint through it; silence every input; train a fleet.

    Returns:
        Those of :func:`through_arm`, of :func:`vlmrl_ros.nodes.bench.silence.measure` and of
        :func:`vlmrl_ros.nodes.bench.fleet.measure`.

    Raises:
        VlmrlError: nothing was learned, nobody took over, or an arm did not move again after a silence.
    """
    parts = {"train": through_arm, "silence": silence.measure, "fleet": fleet.measure}
    found: Figures = {}
    for name, part in parts.items():
        (work / name).mkdir(parents=True, exist_ok=True)
        found |= part(quick, work / name)
    return found


def through_arm(quick: bool, work: Path) -> Figures:
    """Train through the arm, then judge the best checkpoint through it; quick: train shortly, judge nothing.

    Returns:
        ``sim_arm.rlif.success`` in 100 autonomous episodes through the arm with its 95 % interval, the operator's own
        success through the arm, takeovers, updates, broken chains, and the wall time of the training.

    Raises:
        VlmrlError: nothing was learned, or nobody took over.
    """
    run = _train(quick, work)
    summary = run.summary
    takeovers = sum(episode["takeovers"] for episode in _episodes(work))
    known = {
        "sim_arm.operator.success": summary["operator_success"],
        "sim_arm.takeover_rate.first": summary["takeover_rate_first"],
        "sim_arm.takeover_rate.last": summary["takeover_rate_last"],
    }
    figures = {
        **{name: value for name, value in known.items() if value is not None},  # a short run does not know them all
        "sim_arm.takeovers": float(takeovers),
        "sim_arm.updates": float(summary["updates"]),
        "sim_arm.chains_broken": float(summary["chains_broken"]),
        "sim_arm.wall_s": run.wall_s,
    }
    if not (summary["updates"] and takeovers):
        raise VlmrlError(f"training through the arm did not work: {figures}; see {work / 'train.log'}")
    return figures if quick else {**figures, **_judge(work, summary["best_checkpoint"])}


def _train(quick: bool, work: Path) -> LaunchedRun:
    """The observation is that of the simulated task, so each checkpoint is judged there, in a process of its own."""
    arguments = {
        "arm": "sim_arm",
        "operator": "scripted",
        "max_steps": QUICK_STEPS if quick else STEPS,
        "demonstrations": QUICK_DEMONSTRATIONS if quick else DEMONSTRATIONS,
    }
    learner = {"eval_task": "" if quick else "peg_insert", "final_eval_episodes": 0, **(QUICK_LEARNER if quick else {})}
    parameters = {"sim_arm": WIRE, "learner": learner, "scripted_operator": CALM}
    return train(work, "train", arguments, parameters, TRAIN_TIMEOUT_S, "real_train.launch.py")


def _episodes(work: Path) -> list[dict[str, Any]]:
    episodes: list[dict[str, Any]] = json.loads((work / "train" / "episodes.json").read_text(encoding="utf-8"))
    return episodes


def _judge(work: Path, checkpoint: str) -> Figures:
    output = work / "evaluation"
    arguments = {"arm": "sim_arm", "checkpoint": checkpoint, "episodes": EPISODES, "output": output}
    launch(work, "evaluate", "eval.launch.py", arguments, {"sim_arm": WIRE}, EVALUATE_TIMEOUT_S)
    result = read_result(output / "evaluation.json", work, "evaluate")
    names = {"": "success", ".low": "success_low", ".high": "success_high"}
    return {f"sim_arm.rlif.success{end}": result[key] for end, key in names.items()}
