"""Teach an arm by takeovers through the topics that it already speaks; `arm:=sim_arm` brings its own robot."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction

from vlmrl_ros.bridge.arms import load_arm
from vlmrl_ros.bridge.launching import COMMON, NEEDED, PROFILES, Arguments, declare, environment, managed
from vlmrl_ros.core import registry

ARGUMENTS = {
    "arm": ("sim_arm", "an arm that comes with the package (sim_arm, fr3, ur5e, so101), or your own YAML file"),
    **{name: COMMON[name] for name in ("seed", *NEEDED)},
    "use_sim_time": ("false", "nodes take their time from /clock: only where the arm publishes it", ("true", "false")),
    "learner": ("rlif", "learner plug-in"),
    "max_steps": ("5000", "steps to learn from, without demonstrations"),
    "demonstrations": ("15", "successful episodes that the scripted operator shows at first"),
    "run_dir": ("", "directory of this run; empty: runs/<task>_<learner>_seed<seed>_<time>"),
    "resume": ("false", "go on with the run in run_dir, up to max_steps in all", ("true", "false")),
    "operator": ("joystick", "who takes over", ("scripted", "joystick", "spacemouse", "none")),
    "profile": ("", "joystick profile (xbox, ps, spacemouse or a YAML file); empty: the operator's usual one"),
    "device": ("auto", "where the learner computes", ("auto", "cpu", "cuda")),
}


def generate_launch_description() -> LaunchDescription:
    """Entry point of ``ros2 launch``."""
    return LaunchDescription([*declare(ARGUMENTS), *environment(), OpaqueFunction(function=_nodes)])


def _nodes(context: LaunchContext) -> list[Action]:
    a = Arguments(context)
    arm, _ = load_arm(a.text("arm"))
    task, seed, operator = arm.general.task, a.integer("seed"), a.text("operator")
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
    nodes: list[tuple[str, dict[str, Any]]] = [
        ("learner", learner),
        ("policy_server", {"seed": seed}),
        ("teleop", {"profile": a.text("profile") or PROFILES[operator], "joy_sync": operator == "scripted"}),
        ("arm_bridge", {"arm": a.text("arm"), "seed": seed}),
    ]
    if operator == "scripted":
        registry.check("operators", task)
        person = {"operator": task, "seed": seed, "demonstrations": a.integer("demonstrations")}
        nodes.insert(3, ("scripted_operator", person))
    elif operator != "none":
        nodes.insert(3, (operator, {}))
    robot = [("sim_arm", {"cell": task, "seed": seed})] if a.text("arm") == "sim_arm" else []
    return managed(a, nodes, drivers=robot)


def _run_name(task: str, learner: str, seed: int) -> str:
    return f"runs/{task}_{learner}_seed{seed}_{datetime.now():%Y%m%d-%H%M%S}"
