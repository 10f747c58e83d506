"""Teach a simulated arm by takeovers: bridge, policy server, teleop, operator, learner."""

from __future__ import annotations

from datetime import datetime

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction

from vlmrl_ros.bridge.launching import BOOLEAN, COMMON, PROFILES, Arguments, declare, environment, managed

ARGUMENTS = {
    **COMMON,
    "learner": ("rlif", "learner plug-in"),
    "max_steps": ("5000", "steps to learn from, without demonstrations"),
    "demonstrations": ("15", "successful episodes that the scripted operator shows at first"),
    "run_dir": ("", "directory of this run; empty: runs/<task>_<learner>_seed<seed>_<time>"),
    "resume": ("false", "go on with the run in run_dir, up to max_steps in all", ("true", "false")),
    "operator": ("scripted", "who takes over", ("scripted", "joystick", "spacemouse", "none")),
    "profile": ("", "joystick profile (xbox, ps, spacemouse or a YAML file); empty: the operator's usual one"),
    "device": ("auto", "where the learner computes", ("auto", "cpu", "cuda")),
    "record": ("true", "record every step into <run_dir>/bags", BOOLEAN),
    "sync": ("auto", "repeatable to the bit; auto: with a scripted operator or none", ("auto", "true", "false")),
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
    task, seed, operator = a.plugin("task", "tasks"), a.integer("seed"), a.text("operator")
    person = operator in ("joystick", "spacemouse")
    if person and a.text("sync") == "true":
        raise ValueError(f"sync:=true needs lockstep, and a person at the {operator} needs real time; use sync:=false")
    sync = not person and a.text("sync") != "false"
    resume = a.flag("resume")
    if resume and not a.text("run_dir"):
        raise ValueError("resume:=true needs run_dir:=, the directory of the run that is to go on")
    profile = a.text("profile") or PROFILES[operator]
    shared = {"task": task, "seed": seed, "headless": a.flag("headless")}
    bridge = {
        **shared,
        "time": "realtime" if person else "lockstep",
        "learner_lag_steps": -1 if person else 0 if sync else LAG_STEPS,
        "recorder_lag_steps": RECORDER_LAG_STEPS if a.flag("record") else -1,
        "continues": resume,
    }
    run_dir = a.text("run_dir") or _run_name(task, a.text("learner"), seed)
    learner = {
        "learner": a.plugin("learner", "learners"),
        "seed": seed,
        "max_steps": a.integer("max_steps"),
        "run_dir": run_dir,
        "resume": resume,
        "device": a.text("device"),
        "eval_task": task,
    }
    nodes = [
        ("learner", learner),
        ("policy_server", {"seed": seed, "sync": sync, "weights_root": learner["run_dir"]}),
        ("teleop", {"profile": profile, "joy_sync": operator == "scripted"}),
        ("sim_bridge", bridge),
    ]
    if operator == "scripted":
        parameters = {
            "operator": a.plugin("task", "operators"),
            "seed": seed,
            "demonstrations": a.integer("demonstrations"),
            "continues": resume,
        }
        nodes.insert(3, ("scripted_operator", parameters))
    elif person:
        nodes.insert(3, (operator, {}))
    if a.flag("record"):
        nodes.insert(1, ("recorder", {"directory": f"{run_dir}/bags"}))
    return managed(a, nodes)


def _run_name(task: str, learner: str, seed: int) -> str:
    safe = task.replace(":", "-").replace("/", "-")
    return f"runs/{safe}_{learner}_seed{seed}_{datetime.now():%Y%m%d-%H%M%S}"
