"""Choose among checkpoints, instructions and skills: each is tried, a mixture of them is deployed, and what is certain
of it is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction

from vlmrl_ros.bridge.arguments import COMMON, Arguments, declare
from vlmrl_ros.bridge.launching import environment, managed
from vlmrl_ros.bridge.operators import STANDING_BY, by_hand, check_attended, device_nodes, teleop_parameters
from vlmrl_ros.bridge.sentences import sentences
from vlmrl_ros.core import registry
from vlmrl_ros.core.candidates import CHECKPOINT, INSTRUCTION, SKILL, Candidate, find_candidates, first_readable
from vlmrl_ros.core.checkpoint import POLICY_FILE, read_checkpoint
from vlmrl_ros.core.selection_file import read_selection

ARGUMENTS = {
    "candidates": ("", "checkpoints, folders of them or run directories, separated by commas"),
    "instructions": (
        "",
        "sentences that policy:= is told, each a candidate, separated by | or in a list in a YAML file; the task "
        "judges what comes of them",
    ),
    "policy": ("vlm", "what instructions are told to: a checkpoint or policy plug-in that thinks"),
    "skills": (
        "",
        "words of the task that are carried out, each a candidate, like 'pick mid left then place far right', "
        "separated by | or in a list in a YAML file",
    ),
    "selection": ("", "selection.json of a decision that is deployed: nothing is tried, nothing is decided"),
    "trials": ("1", "autonomous episodes of each candidate"),
    **COMMON,
    "task": ("", "task plug-in; empty: the one that the checkpoints were trained on"),
    "arm": ("", "try them on this arm, by name or YAML file; empty: in simulation"),
    **STANDING_BY,
    "learner": ("trust", "learner plug-in of outcomes that chooses: trust, lcb, greedy, uniform"),
    "outcome": ("success", "what a trial counts for; a task_return needs sigma:=", ("success", "task_return")),
    "delta": ("", "probability that the certificate is wrong; empty: the learner's default"),
    "sigma": ("", "noise of one trial, a standard deviation or a bound of it; empty: the learner's default"),
    "incumbent": (
        "",
        "candidate that is deployed now, by its name (step_<n>, the sentence, the words): it stays unless the "
        "certificate beats its own",
    ),
    "episodes": ("20", "episodes that the chosen mixture then acts, judged; 0: none"),
    "output": ("", "directory for the results; empty: selection/ beside the run of the first checkpoint, or here"),
}
FRESH_PLACES = 1_000_003
"""Added to the seed of the simulated robot: its workpiece stands where it never stood in training."""


def generate_launch_description() -> LaunchDescription:
    """Entry point of ``ros2 launch``."""
    return LaunchDescription([*declare(ARGUMENTS), *environment(), OpaqueFunction(function=_nodes)])


def _nodes(context: LaunchContext) -> list[Action]:
    a = Arguments(context)
    check_attended(a, a.text("arm"))
    file = str(Path(a.text("selection")).expanduser().resolve()) if a.text("selection") else ""
    selected = read_selection(Path(file)) if file else None
    candidates = selected.candidates if selected else find_candidates(_texts(a))
    told = any(candidate.kind == INSTRUCTION for candidate in candidates.values())
    policy = (selected.policy if selected else _named(a.text("policy"))) if told else ""
    speaker, spoken_on = _told(policy) if told else ({}, {})
    trained = {**spoken_on, **first_readable(candidates)}
    task = a.text("task") or trained.get("task", "")
    if not task:
        raise ValueError("no candidate is a checkpoint, which would know its task; name one by task:=")
    seed, arm = a.integer("seed"), a.text("arm")
    own_clock = {"use_sim_time": False} if arm else {}
    shows = a.shows(task, arm, trained)
    nodes = [
        ("selector", _deploying(a, file) if file else _choosing(a, candidates, policy)),
        ("policy_server", {"candidates": [file] if file else _as_texts(candidates), "seed": seed, **speaker}),
        ("teleop", teleop_parameters(a)),
        *device_nodes(a).items(),
        ("arm_bridge", {"arm": arm, "seed": seed}) if arm else ("sim_bridge", _simulation(a, task, shows)),
    ]
    robot = [("sim_arm", {"cell": task, "seed": seed + FRESH_PLACES})] if arm == "sim_arm" else []
    return managed(a, *([(name, {**own_clock, **given}) for name, given in rows] for rows in (nodes, robot)))


def _texts(a: Arguments) -> list[str]:
    """All candidates as they are written."""
    return [
        *(text.strip() for text in a.text("candidates").split(",") if text.strip()),
        *(f"{INSTRUCTION}:{text}" for text in sentences(a.text("instructions"), "instructions")),
        *(f"{SKILL}:{text}" for text in sentences(a.text("skills"), "skills")),
    ]


def _as_texts(candidates: Mapping[str, Candidate]) -> list[str]:
    return [candidate.text for candidate in candidates.values()]


def _named(policy: str) -> str:
    """A plug-in by its name, a checkpoint by its whole path."""
    return policy if policy in registry.names("policies") else str(Path(policy).expanduser().resolve())


def _told(policy: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters of the policy server for the policy that is told instructions, and what its checkpoint says."""
    if policy in registry.names("policies"):
        return {"policy": policy}, {}
    about = read_checkpoint(Path(policy), below=POLICY_FILE)
    options = {f"{about['policy']}.{name}": value for name, value in about["policy_options"].items()}
    return {"policy": about["policy"], "checkpoint": policy, **options}, about


def _deploying(a: Arguments, selection: str) -> dict[str, Any]:
    output = a.text("output") or str(Path(selection).parent)
    return {"selection": selection, "episodes": a.integer("episodes"), "output": output}


def _choosing(a: Arguments, candidates: Mapping[str, Candidate], policy: str) -> dict[str, Any]:
    learner = a.plugin("learner", "learners")
    given: dict[str, Any] = {f"{learner}.delta": a.number("delta")} if a.text("delta") else {}
    given |= {f"{learner}.sigma": [a.number("sigma")]} if a.text("sigma") else {}
    runs = [Path(candidate.what).parents[1] for candidate in candidates.values() if candidate.kind == CHECKPOINT]
    return {
        "candidates": _as_texts(candidates),
        "policy": policy,
        "learner": learner,
        "trials": a.integer("trials"),
        "outcome": a.text("outcome"),
        "incumbent": a.text("incumbent"),
        "episodes": a.integer("episodes"),
        "output": a.text("output") or str((runs or [Path()])[0] / "selection"),
        "seed": a.integer("seed"),
        **given,
    }


def _simulation(a: Arguments, task: str, shows: dict[str, str]) -> dict[str, Any]:
    return {
        "task": task,
        **shows,
        "seed": a.integer("seed") + FRESH_PLACES,
        "headless": a.flag("headless"),
        "time": "realtime" if by_hand(a) else "lockstep",
    }
