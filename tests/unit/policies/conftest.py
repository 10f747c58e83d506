"""A toy task and its steps, for policies and learners."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from vlmrl_ros.core.spec import CameraSpec, TaskSpec, VectorSpec
from vlmrl_ros.core.types import Feedback, Intervention, Source, Step, Transition

STATE, ACTION, HORIZON = 3, 2, 12


@pytest.fixture
def spec() -> TaskSpec:
    return toy_spec()


@pytest.fixture
def camera_spec() -> TaskSpec:
    return toy_spec((CameraSpec("wrist", 36, 40),))


@pytest.fixture
def transitions(spec: TaskSpec) -> Callable[..., list[Transition]]:
    """Episodes of the toy, see :func:`episode`."""

    def make(episodes: int = 40, spec: TaskSpec = spec) -> list[Transition]:
        rng = np.random.default_rng(7)
        return [item for number in range(episodes) for item in chain(episode(spec, number, rng), number % 3 == 0)]

    return make


def toy_spec(cameras: tuple[CameraSpec, ...] = ()) -> TaskSpec:
    observation = VectorSpec(("x", "y", "z"), ("m",) * STATE, np.full(STATE, -0.2), np.full(STATE, 0.2))
    action = VectorSpec(("dx", "dy"), ("m/s",) * ACTION, np.array([-0.1, -0.4]), np.array([0.1, 0.2]))
    return TaskSpec("toy", observation, action, cameras, 0.1, HORIZON)


def episode(spec: TaskSpec, number: int, rng: np.random.Generator) -> Iterator[Step]:
    """An episode: every third is a person's from end to end, in the others a person acts at steps 5 to 7.

    A person steers against the state: the action is -x / 2, -y / 2 (m/s).
    """
    demonstrated = number % 3 == 0
    for k in range(HORIZON + 1):
        state = rng.uniform(-0.2, 0.2, STATE).astype(np.float32)
        active = demonstrated or 5 <= k <= 7
        edge = k == (0 if demonstrated else 5)
        chosen = -state[:2] / 2 if active else rng.uniform(-0.1, 0.1, ACTION)
        frames = {c.name: rng.integers(0, 256, (c.height, c.width, 3), np.uint8) for c in spec.cameras}
        yield Step(
            stamp_ns=(number * 100 + k) * 10**8,
            observation={"state": state, **frames},
            feedback=Feedback(float(rng.normal()), False, k == HORIZON, bool(rng.random() < 0.5), number, k),
            policy_action=rng.uniform(-0.1, 0.1, ACTION).astype(np.float32),
            command=chosen.astype(np.float32),
            executed=chosen.astype(np.float32),
            intervention=Intervention(active, edge, -float(edge), Source.HUMAN if active else Source.POLICY),
        )


def chain(steps: Iterator[Step], demonstration: bool) -> Iterator[Transition]:
    before = next(steps)
    for after in steps:
        yield Transition(before, after, demonstration)
        before = after
