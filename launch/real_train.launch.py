"""Teach arms by takeovers through the topics that they already speak; `arm:=sim_arm` brings its own robot."""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction

from vlmrl_ros.bridge.arguments import COMMON, NEEDED, Arguments, declare
from vlmrl_ros.bridge.arms import load_fleet
from vlmrl_ros.bridge.fleet import Arm, arms
from vlmrl_ros.bridge.launching import Managed, environment, managed
from vlmrl_ros.bridge.operators import PERSONS, by_hand, check_attended, operator_argument, teleop_parameters
from vlmrl_ros.bridge.teaching import (
    TEACHING,
    goes_without_robot,
    learner_parameters,
    operator_nodes,
    recorder_nodes,
    waits_for_learner,
)

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
    **TEACHING,
    "operator": operator_argument("who takes over", *PERSONS, "scripted", "none"),
}


def generate_launch_description() -> LaunchDescription:
    """Entry point of ``ros2 launch``."""
    return LaunchDescription([*declare(ARGUMENTS), *environment(), OpaqueFunction(function=_nodes)])


def _nodes(context: LaunchContext) -> list[Action]:
    a = Arguments(context)
    names = _arm_files(a)
    task = load_fleet(names)[0].general.task
    fleet = arms(len(names), a.integer("seed"), a.shown())
    learner = {**learner_parameters(a, task), "evaluate_with": _evaluating(a, names[0])}
    if goes_without_robot(learner):
        return managed(a, [Managed("learner", {**learner, "use_sim_time": False})])
    check_attended(a, *names)
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


def _evaluating(a: Arguments, name: str) -> str:
    """Launch arguments that evaluate on an arm, and who stood by it in training."""
    return f"arm:={name} operator:={a.text('operator')}" if by_hand(a) else f"arm:={name}"


def _of_arm(a: Arguments, arm: Arm, name: str, run_dir: str, task: str) -> list[Managed]:
    nodes = {
        **recorder_nodes(a, arm, run_dir),
        "policy_server": {"seed": arm.seed, "weights_root": run_dir},
        "teleop": teleop_parameters(a),
        **operator_nodes(a, arm, task),
        "arm_bridge": {"arm": name, "seed": arm.seed, "continues": waits_for_learner(a)},
    }
    return [Managed(executable, parameters, arm.name) for executable, parameters in nodes.items()]
