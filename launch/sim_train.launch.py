"""Teach simulated arms by takeovers: bridge, policy server, teleop and operator of each arm, and one learner."""

from __future__ import annotations

from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction

from vlmrl_ros.bridge.arguments import COMMON, Arguments, declare
from vlmrl_ros.bridge.fleet import Arm, arms
from vlmrl_ros.bridge.launching import Managed, environment, managed
from vlmrl_ros.bridge.operators import by_hand, teleop_parameters
from vlmrl_ros.bridge.teaching import (
    TEACHING,
    goes_without_robot,
    learner_parameters,
    operator_nodes,
    recorder_nodes,
    waits_for_learner,
)

ARGUMENTS = {
    **COMMON,
    "num_arms": ("1", "arms that one learner teaches, each in a namespace of its own: arm_0, arm_1 and so on"),
    "policy": (
        "gaussian",
        "policy plug-in; vlm: a vision-language model, which thinks; script: says what is right, for a model to learn",
    ),
    **TEACHING,
    "learner": ("", "learner plug-in; empty: vlm_ppo for policy:=vlm, vlm_sft for policy:=script, else rlif"),
    "demonstrations": (
        "",
        f"{TEACHING['demonstrations'][1]}; empty: 15, but 0 for a policy that thinks, which learns from what it says",
    ),
    "curriculum": ("", "curriculum plug-in, with any learner; empty: the full task from the start"),
    "sync": (
        "auto",
        "repeatable to the bit; auto: one arm with a scripted operator or none (in a fleet an arm that pauses would "
        "make the others wait)",
        ("auto", "true", "false"),
    ),
}
OF_TURNS = ("vlm_ppo", "vlm_gigpo", "vlm_sft", "vlm_kto")
"""Learners of what a policy says."""
THINKING = {"vlm": OF_TURNS, "script": ("vlm_sft",)}
"""Policies that think, and who learns from what they say, the usual one first; one server answers all arms together."""
UNJUDGED = {"eval_episodes": 0}
"""Of a learner of turns: alone a policy thinks at each step that nobody drives, in most models for hours."""
THOUGHT_S = 5.0
"""For so long a bridge in lockstep waits for a policy that thinks, and for its learner, before it says so."""
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
    task = a.plugin("task", "tasks")
    policy = _with_its_learner(a)
    fleet = arms(a.integer("num_arms"), a.integer("seed"), a.shown())
    sync = _sync(a, len(fleet))
    curriculum = a.plugin("curriculum", "curricula") if a.text("curriculum") else ""
    if curriculum and len(fleet) > 1:
        raise ValueError(f"curriculum:={curriculum} goes with one arm; leave out num_arms:={len(fleet)}")
    learner = {
        **learner_parameters(a, task),
        "eval_task": task,
        **a.shows(task),
        "sync": sync,
        "curriculum": curriculum,
        **(UNJUDGED if policy in THINKING else {}),
    }
    if goes_without_robot(learner):
        return managed(a, [Managed("learner", {**learner, "use_sim_time": False})])
    if len(fleet) > 1:
        learner["arms"] = [arm.name for arm in fleet]
    nodes = [Managed("learner", learner)]
    server = _server(a, policy, learner["run_dir"], sync)
    together = policy in THINKING and len(fleet) > 1
    if together:
        nodes.append(Managed("policy_server", {**server, "seed": fleet[0].seed, "arms": [arm.name for arm in fleet]}))
    for arm in fleet:
        nodes += _of_arm(a, arm, learner["run_dir"], sync, {} if together else server)
    return managed(a, nodes)


def _with_its_learner(a: Arguments) -> str:
    """The policy; the learner and its demonstrations are those that go with it where the user left them open.

    Raises:
        ValueError: the learner cannot teach this policy.
    """
    policy = a.plugin("policy", "policies")
    learners = THINKING.get(policy, ())
    a.fill("learner", learners[0] if learners else TEACHING["learner"][0])
    a.fill("demonstrations", "0" if learners else TEACHING["demonstrations"][0])
    learner = a.text("learner")
    if learners and learner not in learners:
        raise ValueError(f"learner:={learner} does not go with policy:={policy}; valid: {', '.join(learners)}")
    if learner in OF_TURNS and not learners:
        raise ValueError(f"learner:={learner} learns from what a policy says; take policy:=vlm, not {policy}")
    return policy


def _server(a: Arguments, policy: str, run_dir: str, sync: bool) -> dict[str, Any]:
    """Parameters of the policy server but its seed."""
    in_real_time = {"deadline_s": 0.0} if policy in THINKING and by_hand(a) else {}
    curriculum = bool(a.text("curriculum"))
    return {"policy": policy, "sync": sync, "weights_root": run_dir, "curriculum": curriculum, **in_real_time}


def _of_arm(a: Arguments, arm: Arm, run_dir: str, sync: bool, server: dict[str, Any]) -> list[Managed]:
    bridge = {
        "task": a.text("task"),
        **a.shows(a.text("task")),
        "seed": arm.seed,
        "headless": a.flag("headless"),
        "time": "realtime" if by_hand(a) else "lockstep",
        "learner_lag_steps": -1 if by_hand(a) else 0 if sync else LAG_STEPS,
        "recorder_lag_steps": RECORDER_LAG_STEPS if a.flag("record") else -1,
        "continues": waits_for_learner(a),
        "curriculum": bool(a.text("curriculum")),
        **({"command_timeout_s": THOUGHT_S} if a.text("policy") in THINKING and not by_hand(a) else {}),
    }
    nodes = {
        **recorder_nodes(a, arm, run_dir),
        **({"policy_server": {**server, "seed": arm.seed}} if server else {}),
        "teleop": teleop_parameters(a),
        **operator_nodes(a, arm, a.text("task")),
        "sim_bridge": bridge,
    }
    return [Managed(name, parameters, arm.name) for name, parameters in nodes.items()]


def _sync(a: Arguments, count: int) -> bool:
    operator, given = a.text("operator"), a.text("sync")
    if by_hand(a) and given == "true":
        raise ValueError(f"sync:=true needs lockstep, and operator:={operator} needs real time; use sync:=false")
    return given == "true" or (given == "auto" and count == 1 and not by_hand(a))
