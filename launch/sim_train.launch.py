"""Teach simulated arms by takeovers: bridge, policy server, teleop and operator of each arm, and one learner."""

from __future__ import annotations

from datetime import datetime

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction

from vlmrl_ros.bridge.fleet import Arm, arms
from vlmrl_ros.bridge.launching import (
    BOOLEAN,
    COMMON,
    DATA,
    PROFILES,
    Arguments,
    Managed,
    declare,
    environment,
    managed,
)

ARGUMENTS = {
    **COMMON,
    "num_arms": ("1", "arms that one learner teaches, each in a namespace of its own: arm_0, arm_1 and so on"),
    "learner": ("rlif", "learner plug-in"),
    "max_steps": ("5000", "steps to learn from, of all arms together, without demonstrations"),
    **DATA,
    "run_dir": ("", "directory of this run; empty: runs/<task>_<learner>_seed<seed>_<time>"),
    "resume": ("false", "go on with the run in run_dir, up to max_steps in all", ("true", "false")),
    "operator": ("scripted", "who takes over", ("scripted", "joystick", "spacemouse", "none")),
    "profile": ("", "joystick profile (xbox, ps, spacemouse or a YAML file); empty: the operator's usual one"),
    "device": ("auto", "where the learner computes", ("auto", "cpu", "cuda")),
    "record": ("true", "record every step into <run_dir>/bags", BOOLEAN),
    "sync": (
        "auto",
        "repeatable to the bit; auto: one arm with a scripted operator or none (in a fleet an arm that pauses would "
        "make the others wait)",
        ("auto", "true", "false"),
    ),
}
LAG_STEPS = 8
"""Without sync the simulation may run so far ahead of the learner."""
RECORDER_LAG_STEPS = 24
"""So far of the recorder, so that one which takes the place of a dead one finds all that it has missed: the publishers
keep more steps than that."""


def generate_launch_description() -> LaunchDescription:
    """Entry point of ``ros2 launch``."""
    return LaunchDescription([*declare(ARGUMENTS), *environment(), OpaqueFunction(function=_nodes)])


def _nodes(context: LaunchContext) -> list[Action]:
    a = Arguments(context)
    task, seed = a.plugin("task", "tasks"), a.integer("seed")
    fleet = arms(a.integer("num_arms"), seed, a.shown())
    sync = _sync(a, len(fleet))
    if a.flag("resume") and not a.text("run_dir"):
        raise ValueError("resume:=true needs run_dir:=, the directory of the run that is to go on")
    run_dir = a.text("run_dir") or _run_name(task, a.text("learner"), seed)
    learner = {
        "learner": a.plugin("learner", "learners"),
        "seed": seed,
        "max_steps": a.integer("max_steps"),
        "run_dir": run_dir,
        "resume": a.flag("resume"),
        "device": a.text("device"),
        "eval_task": task,
        "sync": sync,
    }
    learner |= a.data()
    if "offline" in learner:
        return managed(a, [Managed("learner", {**learner, "use_sim_time": False})])
    if len(fleet) > 1:
        learner["arms"] = [arm.name for arm in fleet]
    nodes = [Managed("learner", learner)]
    for arm in fleet:
        nodes += _of_arm(a, arm, run_dir, sync)
    return managed(a, nodes)


def _of_arm(a: Arguments, arm: Arm, run_dir: str, sync: bool) -> list[Managed]:
    operator, resume = a.text("operator"), a.flag("resume")
    profile = a.text("profile") or PROFILES[operator]
    bridge = {
        "task": a.text("task"),
        "seed": arm.seed,
        "headless": a.flag("headless"),
        "time": "realtime" if _by_hand(a) else "lockstep",
        "learner_lag_steps": -1 if _by_hand(a) else 0 if sync else LAG_STEPS,
        "recorder_lag_steps": RECORDER_LAG_STEPS if a.flag("record") else -1,
        "continues": resume,
    }
    nodes = {"policy_server": {"seed": arm.seed, "sync": sync, "weights_root": run_dir}}
    nodes["teleop"] = {"profile": profile, "joy_sync": operator == "scripted"}
    if operator == "scripted":
        nodes["scripted_operator"] = {
            "operator": a.plugin("task", "operators"),
            "seed": arm.seed,
            "demonstrations": arm.demonstrations,
            "continues": resume,
        }
    elif _by_hand(a):
        nodes[operator] = {f"{operator}.index": arm.index}
    nodes["sim_bridge"] = bridge
    if a.flag("record"):
        nodes = {"recorder": {"directory": "/".join(filter(None, (run_dir, "bags", arm.name)))}, **nodes}
    return [Managed(name, parameters, arm.name) for name, parameters in nodes.items()]


def _by_hand(a: Arguments) -> bool:
    return a.text("operator") in ("joystick", "spacemouse")


def _sync(a: Arguments, count: int) -> bool:
    operator, given = a.text("operator"), a.text("sync")
    if _by_hand(a) and given == "true":
        raise ValueError(f"sync:=true needs lockstep, and a person at the {operator} needs real time; use sync:=false")
    return given == "true" or (given == "auto" and count == 1 and not _by_hand(a))


def _run_name(task: str, learner: str, seed: int) -> str:
    safe = task.replace(":", "-").replace("/", "-")
    return f"runs/{safe}_{learner}_seed{seed}_{datetime.now():%Y%m%d-%H%M%S}"
