"""Evaluate a checkpoint: bridge, policy server, teleop, and a judge that counts successes of the policy alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction

from vlmrl_ros.bridge.arguments import COMMON, Arguments, declare
from vlmrl_ros.bridge.launching import environment, managed
from vlmrl_ros.bridge.operators import STANDING_BY, by_hand, check_attended, device_nodes, teleop_parameters
from vlmrl_ros.core.checkpoint import POLICY_FILE, read_checkpoint

ARGUMENTS = {
    "checkpoint": ("", "checkpoint directory: runs/<name>/checkpoints/step_<n>"),
    **COMMON,
    "task": ("", "task plug-in; empty: the one that the checkpoint was trained on"),
    "arm": ("", "evaluate on this arm, by name or YAML file; empty: in simulation"),
    **STANDING_BY,
    "episodes": ("100", "autonomous episodes"),
    "output": ("", "directory for the results; empty: evaluation/ beside the checkpoint's run"),
    "video": ("false", "record a video and an image strip (needs OpenGL)", ("true", "false")),
}
FRESH_PLACES = 1_000_003
"""Added to the seed of the simulated robot: its workpiece stands where it never stood in training."""


def generate_launch_description() -> LaunchDescription:
    """Entry point of ``ros2 launch``."""
    return LaunchDescription([*declare(ARGUMENTS), *environment(), OpaqueFunction(function=_nodes)])


def _nodes(context: LaunchContext) -> list[Action]:
    a = Arguments(context)
    check_attended(a, a.text("arm"))
    checkpoint = Path(a.text("checkpoint"))
    about = read_checkpoint(checkpoint, below=POLICY_FILE)
    seed, policy = a.integer("seed"), about["policy"]
    arm = a.text("arm")
    own_clock = {"use_sim_time": False} if arm else {}
    task = a.text("task") or about["task"]
    shows = a.shows(task, arm, about)
    output = a.text("output") or str(checkpoint.resolve().parents[1] / "evaluation")
    server = {"policy": policy, "checkpoint": str(checkpoint), "seed": seed}
    server |= {f"{policy}.{name}": value for name, value in about["policy_options"].items()}
    judge = {"episodes": a.integer("episodes"), "output": output, "video": a.flag("video")}
    nodes = [
        ("evaluate", judge),
        ("policy_server", server),
        ("teleop", teleop_parameters(a)),
        *device_nodes(a).items(),
        ("arm_bridge", {"arm": arm, "seed": seed}) if arm else ("sim_bridge", _simulation(a, task, shows)),
    ]
    robot = [("sim_arm", {"cell": about["task"], "seed": seed + FRESH_PLACES})] if arm == "sim_arm" else []
    return managed(a, *([(name, {**own_clock, **given}) for name, given in rows] for rows in (nodes, robot)))


def _simulation(a: Arguments, task: str, shows: dict[str, str]) -> dict[str, Any]:
    return {
        "task": task,
        **shows,
        "seed": a.integer("seed"),
        "headless": a.flag("headless"),
        "time": "realtime" if by_hand(a) else "lockstep",
        "film": a.flag("video"),
    }
