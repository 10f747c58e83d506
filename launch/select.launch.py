"""Choose among checkpoints: each is tried, a mixture of them is deployed, and what is certain of it is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction

from vlmrl_ros.bridge.launching import COMMON, Arguments, declare, environment, managed
from vlmrl_ros.core.candidates import find_candidates, first_readable

ARGUMENTS = {
    "candidates": ("", "checkpoints, folders of them or run directories, separated by commas: 2 checkpoints or more"),
    "trials": ("1", "autonomous episodes of each candidate"),
    **COMMON,
    "task": ("", "task plug-in; empty: the one that the candidates were trained on"),
    "arm": ("", "try them on this arm, by name or YAML file; empty: in simulation"),
    "learner": ("trust", "learner plug-in of outcomes that chooses: trust, lcb, greedy, uniform"),
    "outcome": ("success", "what a trial counts for; a task_return needs sigma:=", ("success", "task_return")),
    "delta": ("", "probability that the certificate is wrong; empty: the learner's default"),
    "sigma": ("", "noise of one trial, a standard deviation or a bound of it; empty: the learner's default"),
    "incumbent": ("", "candidate that is deployed now (step_<n>): it stays unless the certificate beats its own"),
    "episodes": ("20", "episodes that the chosen mixture then acts, judged; 0: none"),
    "output": ("", "directory for the results; empty: selection/ beside the first candidate's run"),
}
FRESH_PLACES = 1_000_003
"""Added to the seed of the simulated robot: its workpiece stands where it never stood in training."""


def generate_launch_description() -> LaunchDescription:
    """Entry point of ``ros2 launch``."""
    return LaunchDescription([*declare(ARGUMENTS), *environment(), OpaqueFunction(function=_nodes)])


def _nodes(context: LaunchContext) -> list[Action]:
    a = Arguments(context)
    candidates = find_candidates([text.strip() for text in a.text("candidates").split(",") if text.strip()])
    about = first_readable(candidates)
    seed, arm, paths = a.integer("seed"), a.text("arm"), list(map(str, candidates.values()))
    own_clock = {"use_sim_time": False} if arm else {}
    nodes = [
        ("selector", _selector(a, paths, next(iter(candidates.values())))),
        ("policy_server", {"candidates": paths, "seed": seed}),
        ("teleop", {"profile": "scripted"}),
        ("arm_bridge", {"arm": arm, "seed": seed}) if arm else ("sim_bridge", _simulation(a, about["task"])),
    ]
    robot = [("sim_arm", {"cell": about["task"], "seed": seed + FRESH_PLACES})] if arm == "sim_arm" else []
    return managed(a, *([(name, {**own_clock, **given}) for name, given in rows] for rows in (nodes, robot)))


def _selector(a: Arguments, paths: list[str], first: Path) -> dict[str, Any]:
    learner = a.plugin("learner", "learners")
    given: dict[str, Any] = {f"{learner}.delta": a.number("delta")} if a.text("delta") else {}
    given |= {f"{learner}.sigma": [a.number("sigma")]} if a.text("sigma") else {}
    return {
        "candidates": paths,
        "learner": learner,
        "trials": a.integer("trials"),
        "outcome": a.text("outcome"),
        "incumbent": a.text("incumbent"),
        "episodes": a.integer("episodes"),
        "output": a.text("output") or str(first.parents[1] / "selection"),
        "seed": a.integer("seed"),
        **given,
    }


def _simulation(a: Arguments, trained_on: str) -> dict[str, Any]:
    return {
        "task": a.text("task") or trained_on,
        "seed": a.integer("seed") + FRESH_PLACES,
        "headless": a.flag("headless"),
    }
