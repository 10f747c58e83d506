"""Evaluate a checkpoint: bridge, policy server, teleop with nobody at it, and a judge that counts successes."""

from __future__ import annotations

from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction

from vlmrl_ros.bridge.launching import COMMON, Arguments, declare, environment, managed
from vlmrl_ros.core.checkpoint import POLICY_FILE, read_checkpoint

ARGUMENTS = {
    "checkpoint": ("", "checkpoint directory: runs/<name>/checkpoints/step_<n>"),
    **COMMON,
    "task": ("", "task plug-in; empty: the one that the checkpoint was trained on"),
    "episodes": ("100", "autonomous episodes"),
    "output": ("", "directory for the results; empty: evaluation/ beside the checkpoint's run"),
    "video": ("false", "record a video and an image strip (needs OpenGL)", ("true", "false")),
}


def generate_launch_description() -> LaunchDescription:
    """Entry point of ``ros2 launch``."""
    return LaunchDescription([*declare(ARGUMENTS), *environment(), OpaqueFunction(function=_nodes)])


def _nodes(context: LaunchContext) -> list[Action]:
    a = Arguments(context)
    checkpoint = Path(a.text("checkpoint"))
    about = read_checkpoint(checkpoint, below=POLICY_FILE)
    seed, policy = a.integer("seed"), about["policy"]
    bridge = {
        "task": a.text("task") or about["task"],
        "seed": seed,
        "headless": a.flag("headless"),
        "film": a.flag("video"),
    }
    output = a.text("output") or str(checkpoint.resolve().parents[1] / "evaluation")
    server = {"policy": policy, "checkpoint": str(checkpoint), "seed": seed}
    server |= {f"{policy}.{name}": value for name, value in about["policy_options"].items()}
    judge = {"episodes": a.integer("episodes"), "output": output, "video": a.flag("video")}
    nodes = [
        ("evaluate", judge),
        ("policy_server", server),
        ("teleop", {"profile": "scripted"}),
        ("sim_bridge", bridge),
    ]
    return managed(a, nodes)
