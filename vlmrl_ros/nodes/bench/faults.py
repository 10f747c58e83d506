"""What a run survives: kills of every node, chaos in real time, a stop and a resume. Nothing is lost, nothing doubled.

The disturbed run is that of the suite ``peg`` with its defaults, and so is the undisturbed one beside which its success
is held.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vlmrl_ros.nodes.bench import chaos
from vlmrl_ros.nodes.bench.bag_replay import replay_equal
from vlmrl_ros.nodes.bench.figures import NONE, YES, Figures
from vlmrl_ros.nodes.bench.launched import LaunchedRun, read_result, train
from vlmrl_ros.nodes.bench.ledger import settle
from vlmrl_ros.nodes.bench.live_run import LiveRun

MARKS = {
    "transitions.lost": NONE,
    "transitions.doubled": NONE,
    "bag.replay_equal": YES,
    "commands.outside_limits": NONE,
    "commands.from_dead_source": NONE,
    "resume.hash_equal": YES,
}
SEED = 0
VICTIMS = ("learner", "policy_server", "teleop", "sim_bridge", "recorder")
KILLS_EACH, QUICK_KILLS_EACH = 4, 1
STEPS, QUICK_STEPS = 5000, 500
DEMONSTRATIONS, QUICK_DEMONSTRATIONS = 15, 5
HALF, QUICK_HALF = 750, 150
SHOWN_SHARE = 0.2
"""The share of the run that the demonstrations are taken for."""
LATEST = 0.97
"""No kill comes after this share of the run, so that there is a run that goes on."""
TIMEOUT_S = 900.0
QUICK_EVALUATION = {"learner": {"eval_episodes": 10, "final_eval_episodes": 20}}
NO_EVALUATION = {"learner": {"eval_task": "", "final_eval_episodes": 0}}


def measure(quick: bool, work: Path) -> Figures:
    """Kill every node of a training again and again, disturb one in real time, and resume one.

    Returns:
        ``kills`` and how long the run took to go on after one, for each node; ``transitions.lost`` and ``.doubled``
        between arm, bags and learner; whether the bags of that run give its replay, byte for byte; success of the best
        checkpoint with and without kills; what chaos made the arm do; whether a run in two launches ended in the
        checkpoint of one.

    Raises:
        VlmrlError: a node did not come back, or a run did not end well.
    """
    return {**_kills(quick, work), **_chaos(quick, work), "resume.hash_equal": _resumes(quick, work)}


def _kills(quick: bool, work: Path) -> Figures:
    arguments = {
        "seed": SEED,
        "max_steps": QUICK_STEPS if quick else STEPS,
        "demonstrations": QUICK_DEMONSTRATIONS if quick else DEMONSTRATIONS,
    }
    evaluation = QUICK_EVALUATION if quick else {}
    calm = train(work, "undisturbed", arguments, evaluation, TIMEOUT_S)
    live = LiveRun(work, "disturbed", arguments, evaluation)
    with live:
        recovered_s = _kill_at_random(live, arguments, QUICK_KILLS_EACH if quick else KILLS_EACH)
        live.until_ended(TIMEOUT_S)
    summary = read_result(live.run_dir / "summary.json", work, "disturbed")
    account = settle(live.run_dir, Path(summary["checkpoint"]), live.executed)
    return {
        "kills": float(sum(map(len, recovered_s.values()))),
        **{f"recovery.{name}.s.mean": float(np.mean(times)) for name, times in recovered_s.items() if times},
        **{f"recovery.{name}.s.max": max(times) for name, times in recovered_s.items() if times},
        "transitions": float(account.transitions),
        "transitions.lost": float(account.lost),
        "transitions.doubled": float(account.doubled),
        "bag.replay_equal": float(replay_equal(live.run_dir)),
        **_success("undisturbed", calm.summary),
        **_success("disturbed", summary),
    }


def _kill_at_random(live: LiveRun, arguments: Mapping[str, Any], each: int) -> dict[str, list[float]]:
    """Kill all nodes equally often, in random order, at random instants of the whole run."""

    def progress(learned: Mapping[str, float]) -> float:
        shown = learned.get("demonstrations", 0.0) / arguments["demonstrations"]
        steps = learned.get("steps", 0.0) / arguments["max_steps"]
        return SHOWN_SHARE * shown + (1.0 - SHOWN_SHARE) * steps

    rng = np.random.default_rng(SEED)
    victims = rng.permutation(VICTIMS * each).tolist()
    recovered_s: dict[str, list[float]] = {name: [] for name in VICTIMS}
    for name, share in zip(victims, sorted(rng.uniform(0.0, LATEST, len(victims))), strict=True):
        if not live.until_progress(share, progress):
            break
        live.watch(rng.uniform(0.0, 0.2))
        recovered_s[name].append(live.kill(name))
    return recovered_s


def _success(name: str, summary: Mapping[str, Any]) -> Figures:
    """Of the best checkpoint in fresh episodes, with its 95 % interval."""
    ends = {"": "success", ".low": "success_low", ".high": "success_high"}
    return {f"success.{name}{end}": summary["final"][key] for end, key in ends.items()}


def _chaos(quick: bool, work: Path) -> Figures:
    folder = work / "chaos"
    folder.mkdir(exist_ok=True)
    return chaos.measure(quick, folder)


def _resumes(quick: bool, work: Path) -> float:
    """1 if N steps, a resume and N more end in the checkpoint of 2N, hash for hash, else 0."""
    half = QUICK_HALF if quick else HALF

    def part(name: str, steps: int, resume: bool = False) -> LaunchedRun:
        arguments = {"seed": SEED, "demonstrations": 3, "sync": "true", "max_steps": steps}
        return train(work, name, arguments, NO_EVALUATION, TIMEOUT_S, resume=resume)

    whole = part("whole", 2 * half)
    part("halves", half)
    again = part("halves", 2 * half, resume=True)
    return float(again.summary["checkpoint_sha256"] == whole.summary["checkpoint_sha256"])
