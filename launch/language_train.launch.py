"""Teach a language model a text task: games, policy server and recorder, and a learner that is given data first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import LogInfo, OpaqueFunction

from vlmrl_ros.bridge.arguments import BOOLEAN, COMMON, NEEDED, Arguments, declare
from vlmrl_ros.bridge.launching import PACKAGE, environment, managed
from vlmrl_ros.bridge.teaching import dated

ARGUMENTS = {
    "task": ("maze", "text task plug-in, or textarena:<id>"),
    "learner": ("ilql", "learner plug-in that learns from episodes of text"),
    "seed": ("0", "seed of everything random"),
    "episodes": (
        "-1",
        "own episodes, after which the run ends; 0: nothing is played and only the data teach; -1: 100, or as many as "
        "20 updates of a learner take that learns from them",
    ),
    "data": (
        "",
        "episodes of the task's data set that the learner is given; 0: none, it learns from its own alone; empty: as "
        "the options say, or 1000",
    ),
    "offline": (
        "",
        "bags to be given instead of the data set: bags, run directories or folders of bags, separated by commas",
    ),
    "offline_updates": (
        "",
        "updates from the data before the first own episode; empty: as the options say, or 200",
    ),
    "num_envs": ("1", "games that are played at once"),
    "sync": ("true", "games wait for the learner whenever an episode has ended: repeatable to the bit", BOOLEAN),
    "run_dir": ("", "directory of this run; empty: runs/<task>_<learner>_seed<seed>_<time>"),
    "resume": ("false", "go on with the run in run_dir, up to episodes in all", BOOLEAN),
    "policy": ("language", "text policy plug-in"),
    "record": ("true", "record every whole episode into <run_dir>/bags", BOOLEAN),
    **{name: COMMON[name] for name in NEEDED},
    "params_file": (
        "",
        "YAML file with parameters that differ from the defaults (see docs/parameters.md); empty: the options that the "
        "package has for the task, those of the benchmark",
    ),
}


def generate_launch_description() -> LaunchDescription:
    """Entry point of ``ros2 launch``."""
    return LaunchDescription([*declare(ARGUMENTS), *environment(), OpaqueFunction(function=_nodes)])


def _nodes(context: LaunchContext) -> list[Action]:
    a = Arguments(context)
    learner, options = _learner(a), _options(a)
    told = _told(options, learner["learner"]) if options else []
    if not learner["episodes"]:
        return told + managed(a, [("text_learner", {**learner, "use_sim_time": False})], options=options)
    task, seed, sync, run_dir = learner["task"], learner["seed"], a.flag("sync"), learner["run_dir"]
    policy = {"policy": a.plugin("policy", "text_policies"), "seed": seed, "sync": sync, "weights_root": run_dir}
    bridge = {"task": task, "seed": seed, "num_envs": a.integer("num_envs"), "sync": sync}
    recorder = [("text_recorder", {"directory": str(Path(run_dir) / "bags")})] if a.flag("record") else []
    nodes = [("text_learner", learner), ("text_policy_server", policy), *recorder, ("text_bridge", bridge)]
    return told + managed(a, nodes, options=options)


def _options(a: Arguments) -> Path | None:
    """The options that the package has for the task, where no others are given."""
    found = Path(get_package_share_directory(PACKAGE), "config", "text", f"{a.text('task')}.yaml")
    return found if not a.text("params_file") and found.is_file() else None


def _told(options: Path, learner: str) -> list[Action]:
    """Where the options come from, for people."""
    found = yaml.safe_load(options.read_text(encoding="utf-8"))["/**/text_learner"]["ros__parameters"]
    lacks = "" if learner in found else f", which has none for {learner}"
    return [LogInfo(msg=f"options of the benchmark: {options}{lacks}; params_file:= takes others instead")]


def _learner(a: Arguments) -> dict[str, Any]:
    """Parameters of the learner.

    Raises:
        ValueError: a run is to go on and is not named; a path where nothing is.
    """
    if a.flag("resume") and not a.text("run_dir"):
        raise ValueError("resume:=true needs run_dir:=, the directory of the run that is to go on")
    task, name, seed = a.plugin("task", "text_tasks"), a.plugin("learner", "learners"), a.integer("seed")
    given: dict[str, Any] = {name: a.integer(name) for name in ("data", "offline_updates") if a.text(name)}
    if a.text("offline"):
        given["offline"] = a.bags("offline", "bags")
    return {
        "task": task,
        "learner": name,
        "seed": seed,
        "episodes": a.integer("episodes"),
        "run_dir": a.text("run_dir") or f"runs/{dated(f'{task}_{name}_seed{seed}')}",
        "resume": a.flag("resume"),
        **given,
    }
