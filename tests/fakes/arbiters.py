"""An arbiter in a scene of its own: a policy, a person and clocks."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.arbiter import Arbiter, Decision, HumanInput
from vlmrl_ros.core.arbiter_config import ArbiterConfig
from vlmrl_ros.core.spec import VectorSpec
from vlmrl_ros.core.types import Mark, Source

SPEC = VectorSpec(
    ("linear_x", "linear_y"), ("m/s", "m/s"), np.array([-0.1, -0.1], np.float32), np.array([0.1, 0.1], np.float32)
)
POLICY = np.array([0.01, 0.02], np.float32)
PERSON = np.array([-0.05, 0.03], np.float32)
STEP_NS = 100_000_000


class Scene:
    """An arbiter with its clocks: each step takes 0.1 s by the stamps and by the steady clock.

    What is heard is heard half a step before the next one.
    """

    def __init__(self, **options) -> None:
        self.arbiter = Arbiter(SPEC, STEP_NS * 1e-9, ArbiterConfig(**options))
        self.now_ns = 5_000_000_000

    def hear(self, takeover: bool, mark: Mark = Mark.NONE, estop: bool = False) -> None:
        self.arbiter.hear(HumanInput(takeover, PERSON, mark, estop), self.now_ns + STEP_NS // 2)

    def step(self, policy=POLICY, first: bool = False) -> Decision:
        self.now_ns += STEP_NS
        return self.arbiter.step(self.now_ns, policy, self.now_ns, first)

    def steps(self, *takeovers: bool) -> list[Decision]:
        decisions = []
        for takeover in takeovers:
            self.hear(takeover)
            decisions.append(self.step())
        return decisions


def sources(decisions: list[Decision]) -> list[Source]:
    return [decision.intervention.source for decision in decisions]


def edges(decisions: list[Decision]) -> list[bool]:
    return [decision.intervention.edge for decision in decisions]
