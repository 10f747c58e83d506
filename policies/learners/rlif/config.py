"""Options of RLIF."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.rlpd.config import RlpdConfig


@dataclass(frozen=True)
class RlifConfig(RlpdConfig):
    """RLPD with takeovers for a reward: no value can be above 0."""

    nonpositive_values: bool = option(True, "clip targets at 0, true where no reward is positive")
    return_steps: int = option(
        6,
        "the policy's steps over which the penalty of a takeover reaches back, as a multi-step return; at least the "
        "person's reaction and one. 1: the last step alone, as in the paper",
        low=1,
        high=100,
    )
    stored: str = option(
        "all",
        "all: every step; release: as the authors' code does, one buffer whatever buffers says, of a takeover the "
        "person's last step, of an episode all but the last; only with return_steps: 1",
        choices=("all", "release"),
    )
    ends: str = option(
        "left_out",
        "what a step is worth with which the task ends, after which nobody takes over, so that falling would pay; "
        "left_out: it is not stored; blamed: as much as takeovers for ever, -1 / (1 - discount), whoever acted, for "
        "tasks that end by failing",
        choices=("left_out", "blamed"),
    )
