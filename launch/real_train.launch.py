"""Teach arms by takeovers through the topics that they already speak; `arm:=sim_arm` brings its own robot."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction

from vlmrl_ros.bridge.arms import load_fleet
from vlmrl_ros.bridge.fleet import Arm, arms
from vlmrl_ros.bridge.launching import (
    BOOLEAN,
    COMMON,
    DATA,
    NEEDED,
    PROFILES,
    Arguments,
    Managed,
    declare,
    environment,
    managed,
)
from vlmrl_ros.core import registry

ARGUMENTS = {
    "arm": (
        "sim_arm",
        "an arm that comes with the package (sim_arm, fr3, ur5e, so101), or your own YAML file; of a fleet several, "
        "separated by commas",
    ),
    "num_arms": (
        "",
        "arms that one learner teaches, each in a namespace of its own: arm_0, arm_1 and so on; empty: those of arm:=",
    ),
    **{name: COMMON[name] for name in ("seed", *NEEDED)},
    "use_sim_time": ("false", "nodes take their time from /clock: only where the arm publishes it", ("true", "false")),
    "learner": ("rlif", "learner plug-in"),
    "max_steps": ("5000", "steps to learn from, of all arms together, without demonstrations"),
    **DATA,
    "run_dir": ("", "directory of this run; empty: runs/<task>_<learner>_seed<seed>_<time>"),
    "resume": ("false", "go on with the run in run_dir, up to max_steps in all", ("true", "false")),
    "operator": ("joystick", "who takes over", ("scripted", "joystick", "spacemouse", "none")),
    "profile": ("", "joystick profile (xbox, ps, spacemouse or a YAML file); empty: the operator's usual one"),
    "device": ("auto", "where the learner computes", ("auto", "cpu", "cuda")),
    "record": ("true", "record every step into <run_dir>/bags", BOOLEAN),
}


def generate_launch_description() -> LaunchDescription:
    """Entry point of ``ros2 launch``."""
    return LaunchDescription([*declare(ARGUMENTS), *environment(), OpaqueFunction(function=_nodes)])


def _nodes(context: LaunchContext) -> list[Action]:
    a = Arguments(context)
    names = _arm_files(a)
    task, seed = load_fleet(names)[0].general.task, a.integer("seed")
    fleet = arms(len(names), seed, a.shown())
    if a.flag("resume") and not a.text("run_dir"):
        raise ValueError("resume:=true needs run_dir:=, the directory of the run that is to go on")
    learner = {
        "learner": a.plugin("learner", "learners"),
        "seed": seed,
        "max_steps": a.integer("max_steps"),
        "run_dir": a.text("run_dir") or _run_name(task, a.text("learner"), seed),
        "resume": a.flag("resume"),
        "device": a.text("device"),
    }
    learner |= a.data()
    if "offline" in learner:
        return managed(a, [Managed("learner", {**learner, "use_sim_time": False})])
    if len(fleet) > 1:
        learner["arms"] = [arm.name for arm in fleet]
    nodes, robots = [Managed("learner", learner)], []
    for arm, name in zip(fleet, names, strict=True):
        nodes += _of_arm(a, arm, name, learner["run_dir"], task)
        if name == "sim_arm":
            robots.append(Managed("sim_arm", {"cell": task, "seed": arm.seed}, arm.name))
    return managed(a, nodes, drivers=robots)


def _arm_files(a: Arguments) -> list[str]:
    """The description of each arm, by name or path."""
    names, count = [name.strip() for name in a.text("arm").split(",")], a.text("num_arms")
    if not count:
        return names
    if len(names) not in (1, a.integer("num_arms")):
        raise ValueError(
            f"launch argument num_arms is '{count}', but arm:= names {len(names)} arms; leave num_arms out"
        )
    return names * a.integer("num_arms") if len(names) == 1 else names


def _of_arm(a: Arguments, arm: Arm, name: str, run_dir: str, task: str) -> list[Managed]:
    operator, resume = a.text("operator"), a.flag("resume")
    nodes = {"recorder": {"directory": "/".join(filter(None, (run_dir, "bags", arm.name)))}} if a.flag("record") else {}
    nodes |= {
        "policy_server": {"seed": arm.seed, "weights_root": run_dir},
        "teleop": _teleop(operator, a.text("profile")),
    }
    if operator == "scripted":
        registry.check("operators", task)
        shown = {"demonstrations": arm.demonstrations, "continues": resume}
        nodes["scripted_operator"] = {"operator": task, "seed": arm.seed, **shown}
    elif operator != "none":
        nodes[operator] = {f"{operator}.index": arm.index}
    nodes["arm_bridge"] = {"arm": name, "seed": arm.seed, "continues": resume}
    return [Managed(executable, parameters, arm.name) for executable, parameters in nodes.items()]


def _teleop(operator: str, profile: str) -> dict[str, Any]:
    """Where a person stands by, the policy moves the arm only while their joystick lives."""
    stands_by = operator in ("joystick", "spacemouse")
    given = {"profile": profile or PROFILES[operator], "joy_sync": operator == "scripted"}
    return {**given, **({"arbiter.require_joy": True} if stands_by else {})}


def _run_name(task: str, learner: str, seed: int) -> str:
    return f"runs/{task}_{learner}_seed{seed}_{datetime.now():%Y%m%d-%H%M%S}"
