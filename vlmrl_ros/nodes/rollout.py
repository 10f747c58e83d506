"""Autonomous episodes in one process: the loop of bridge and policy without ROS. Evaluates checkpoints while training
goes on.

``python -m vlmrl_ros.nodes.rollout`` reads one JSON request a line and answers with one JSON line each.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from vlmrl_ros.core import registry
from vlmrl_ros.core.checkpoint import POLICY_FILE, read_checkpoint
from vlmrl_ros.core.episode import Episodes
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.core.interfaces import Policy, Task
from vlmrl_ros.core.safety import SafetyFilter
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.thinker import Thinker
from vlmrl_ros.core.types import Mark
from vlmrl_ros.sim.load import build as build_task

EVALUATION_SEED_OFFSET = 1_000_003
"""Evaluation episodes come from other seeds than training episodes."""


@dataclass(frozen=True)
class EpisodeResult:
    """One autonomous episode.

    Attributes:
        task_return: sum of the task reward.
        value: the same, each reward discounted by the steps before the transition that earned it.
        length: transitions.
        success: the task was done.
    """

    task_return: float
    value: float
    length: int
    success: bool


def rollout(task: Task, policy: Policy, episodes: int, seed: int, discount: float = 1.0) -> list[EpisodeResult]:
    """Let a policy act alone.

    Args:
        task: the simulation.
        policy: the policy; nobody takes over.
        episodes: how many.
        seed: of the episodes and of the policy.
        discount: of a reward one step later.

    Returns:
        one result for each episode.
    """
    loop = Episodes(task, SafetyFilter(task.spec.action, task.spec.control_dt_s), seed)
    arrival = loop.begin()
    results: list[EpisodeResult] = []
    task_return, value = 0.0, 0.0
    while True:
        feedback = arrival.feedback
        task_return += feedback.reward
        value += discount ** max(0, feedback.step - 1) * feedback.reward
        if feedback.last:
            results.append(EpisodeResult(task_return, value, feedback.step, feedback.success))
            task_return, value = 0.0, 0.0
            if len(results) == episodes:
                return results
        if feedback.step == 0:
            begin(policy, str(getattr(task, "instruction", "")))
        action, info = policy.act(arrival.observation, stream(seed, "policy", feedback.episode, feedback.step))
        _, arrival = loop.advance(arrival, action, Mark.RESET if info.get("ends") else Mark.NONE)


def begin(policy: Policy, instruction: str) -> None:
    """Tell a policy that another episode begins; one that thinks, what there is to do."""
    if isinstance(policy, Thinker):
        policy.reset(instruction)
    else:
        policy.reset()


def load_policy(checkpoint: Path, spec: TaskSpec, options: Mapping[str, Any] | None = None) -> Policy:
    """The policy of a checkpoint, as it acts when it is evaluated.

    Raises:
        CheckpointError: the checkpoint is missing or damaged, or does not fit the spec.
    """
    about = read_checkpoint(checkpoint, below=POLICY_FILE)
    policy: Policy = registry.load("policies", about["policy"])(spec, {**about["policy_options"], **(options or {})})
    policy.load(load_file(checkpoint / POLICY_FILE))
    return policy


def serve(lines: Any, answers: Any) -> None:
    """Answer requests ``{task, task_options, checkpoint, episodes, seed, discount}`` until the input ends.

    The task is kept between them.
    """
    task: Task | None = None
    for line in lines:
        request = json.loads(line)
        try:
            if task is None:
                task = build_task(request["task"], request["task_options"])
            policy = load_policy(Path(request["checkpoint"]), task.spec)
            seed = EVALUATION_SEED_OFFSET + int(request["seed"])
            results = rollout(task, policy, int(request["episodes"]), seed, float(request["discount"]))
            answer: dict[str, Any] = {"episodes": [asdict(result) for result in results]}
        except VlmrlError as error:
            answer = {"error": str(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    if task is not None:
        task.close()


if __name__ == "__main__":
    # The answers have standard output for themselves; what a task prints goes to standard error.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stdout = sys.stderr
    serve(sys.stdin, answers)
