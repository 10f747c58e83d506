"""Steps as the loop makes them, by hand: numbered, stamped, with chosen takeovers and ends."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import numpy as np

from vlmrl_ros.core.types import Feedback, Intervention, Source, Step

DT_NS = 100_000_000
PARTS = ("state", "feedback", "policy_action", "command", "intervention", "executed")


def step(
    episode: int = 0,
    number: int = 0,
    *,
    human: bool = False,
    edge: bool = False,
    terminated: bool = False,
    truncated: bool = False,
    success: bool = False,
    reward: float = 0.0,
) -> Step:
    """One step; its numbers can be read back from its state."""
    action = np.array([0.1 if human else -0.1, number], np.float32)
    return Step(
        stamp_ns=(episode * 1000 + number + 1) * DT_NS,
        observation={"state": np.array([episode, number, 0.5], np.float32)},
        feedback=Feedback(reward, terminated, truncated, success, episode, number),
        policy_action=np.array([-0.1, number], np.float32),
        command=action,
        executed=action,
        intervention=Intervention(human, edge, -float(edge), Source.HUMAN if human else Source.POLICY),
    )


def episode(
    number: int, length: int, human: Container[int] = (), *, success: bool = False, reward: float = 0.0
) -> list[Step]:
    """A truncated episode of ``length`` transitions in which a person acts at the steps ``human``."""
    steps = []
    for k in range(length + 1):
        held = k in human
        edge = held and k > 0 and k - 1 not in human
        last = k == length
        made = step(number, k, human=held, edge=edge, truncated=last, success=success and last, reward=reward)
        steps.append(made)
    return steps


def parts_of(made: Step) -> dict[str, Any]:
    """The parts that the topics carry."""
    return {"state": made.observation["state"], **{name: getattr(made, name) for name in PARTS[1:]}}
