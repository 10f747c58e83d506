"""Teach a language model a text task: games, policy server and recorder, and a learner that is given data first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction

from vlmrl_ros.bridge.launching import BOOLEAN, COMMON, NEEDED, Arguments, declare, environment, managed
from vlmrl_ros.bridge.teaching import dated

ARGUMENTS = {
    "task": ("maze", "text task plug-in, or textarena:<id>"),
    "learner": ("ilql", "learner plug-in that learns from episodes of text"),
    "seed": ("0", "seed of everything random"),
    "episodes": ("100", "own episodes, after which the run ends; 0: nothing is played and only the data teach"),
    "data": (
        "1000",
        "episodes of the task's data set that the learner is given; 0: none, it learns from its own alone",
    ),
    "offline": (
        "",
        "bags to be given instead of the data set: bags, run directories or folders of bags, separated by commas",
    ),
    "offline_updates": ("200", "updates from the data before the first own episode"),
    "num_envs": ("1", "games that are played at once"),
    "sync": ("true", "games wait for the learner whenever an episode has ended: repeatable to the bit", BOOLEAN),
    "run_dir": ("", "directory of this run; empty: runs/<task>_<learner>_seed<seed>_<time>"),
    "resume": ("false", "go on with the run in run_dir, up to episodes in all", BOOLEAN),
    "policy": ("language", "text policy plug-in"),
    "record": ("true", "record every whole episode into <run_dir>/bags", BOOLEAN),
    **{name: COMMON[name] for name in NEEDED},
}


def generate_launch_description() -> LaunchDescription:
    """Entry point of ``ros2 launch``."""
    return LaunchDescription([*declare(ARGUMENTS), *environment(), OpaqueFunction(function=_nodes)])


def _nodes(context: LaunchContext) -> list[Action]:
    a = Arguments(context)
    learner = _learner(a)
    if not learner["episodes"]:
        return managed(a, [("text_learner", {**learner, "use_sim_time": False})])
    task, seed, sync, run_dir = learner["task"], learner["seed"], a.flag("sync"), learner["run_dir"]
    policy = {"policy": a.plugin("policy", "text_policies"), "seed": seed, "sync": sync, "weights_root": run_dir}
    bridge = {"task": task, "seed": seed, "num_envs": a.integer("num_envs"), "sync": sync}
    recorder = [("text_recorder", {"directory": str(Path(run_dir) / "bags")})] if a.flag("record") else []
    return managed(a, [("text_learner", learner), ("text_policy_server", policy), *recorder, ("text_bridge", bridge)])


def _learner(a: Arguments) -> dict[str, Any]:
    """Parameters of the learner.

    Raises:
        ValueError: a run is to go on and is not named; a path where nothing is.
    """
    if a.flag("resume") and not a.text("run_dir"):
        raise ValueError("resume:=true needs run_dir:=, the directory of the run that is to go on")
    task, name, seed = a.plugin("task", "text_tasks"), a.plugin("learner", "learners"), a.integer("seed")
    given = {"offline": a.bags("offline", "bags")} if a.text("offline") else {"data": a.integer("data")}
    return {
        "task": task,
        "learner": name,
        "seed": seed,
        "episodes": a.integer("episodes"),
        "offline_updates": a.integer("offline_updates"),
        "run_dir": a.text("run_dir") or f"runs/{dated(f'{task}_{name}_seed{seed}')}",
        "resume": a.flag("resume"),
        **given,
    }
