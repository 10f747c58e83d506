"""What the launch files that teach share: arguments of the run, the learner, its operator and its recorder."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from vlmrl_ros.bridge.arguments import BOOLEAN, DATA, Arguments
from vlmrl_ros.bridge.fleet import Arm
from vlmrl_ros.bridge.operators import PERSONS, PROFILE, check_scripted, device_nodes, operator_argument

TEACHING = {
    "learner": ("rlif", "learner plug-in"),
    "max_steps": ("5000", "steps to learn from, of all arms together, without demonstrations"),
    **DATA,
    "run_dir": ("", "directory of this run; empty: runs/<task>_<learner>_seed<seed>_<time>"),
    "resume": ("false", "go on with the run in run_dir, up to max_steps in all", BOOLEAN),
    "operator": operator_argument("who takes over", "scripted", *PERSONS, "none"),
    "profile": PROFILE,
    "device": ("auto", "where the learner computes", ("auto", "cpu", "cuda")),
    "record": ("true", "record every step into <run_dir>/bags", BOOLEAN),
}
"""Launch arguments, as :data:`vlmrl_ros.bridge.arguments.COMMON`."""


def learner_parameters(a: Arguments, task: str) -> dict[str, Any]:
    """Parameters of the learner of a launch file with the arguments :data:`TEACHING`.

    Raises:
        ValueError: a run is to go on and is not named.
    """
    if a.flag("resume") and not a.text("run_dir"):
        raise ValueError("resume:=true needs run_dir:=, the directory of the run that is to go on")
    name, seed = a.text("learner"), a.integer("seed")
    return {
        "learner": a.plugin("learner", "learners"),
        "seed": seed,
        "max_steps": a.integer("max_steps"),
        "run_dir": a.text("run_dir") or f"runs/{dated(f'{task}_{name}_seed{seed}')}",
        "resume": a.flag("resume"),
        "device": a.text("device"),
        **a.data(),
    }


def goes_without_robot(learner: Mapping[str, Any]) -> bool:
    """Whether a learner with these parameters has all that it learns from."""
    return "offline" in learner and "offline_updates" not in learner


def waits_for_learner(a: Arguments) -> bool:
    """The learner has something to do before the first step: a run to go on with, or an offline phase."""
    return a.flag("resume") or bool(a.integer("offline_updates"))


def operator_nodes(a: Arguments, arm: Arm, task: str) -> dict[str, dict[str, Any]]:
    """The operator of one arm: executable to parameters; empty where there is none.

    Raises:
        ConfigError: the scripted operator does not know the task.
    """
    if a.text("operator") != "scripted":
        return device_nodes(a, arm.index)
    check_scripted(task, "none", *PERSONS)
    shown = {"demonstrations": arm.demonstrations, "continues": a.flag("resume")}
    advice = {"operator.advises": True} if a.text("learner") == "dagger" else {}
    return {"scripted_operator": {"operator": task, "seed": arm.seed, **shown, **advice}}


def recorder_nodes(a: Arguments, arm: Arm, run_dir: str) -> dict[str, dict[str, Any]]:
    """The recorder of one arm: executable to parameters; empty where nothing is recorded."""
    directory = "/".join(filter(None, (run_dir, "bags", arm.name)))
    return {"recorder": {"directory": directory}} if a.flag("record") else {}


def dated(name: str) -> str:
    """A name for a new folder: that of a task and more, without what a path may not hold, and the time."""
    return f"{name.replace(':', '-').replace('/', '-')}_{datetime.now():%Y%m%d-%H%M%S}"
