from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.core.interfaces import Glance, Operator, Task


def drive(task: Task, operator: Operator, seed: int, *, demonstrate: bool = True) -> list[Glance]:
    """Run one episode with the operator alone (it drives, or nobody does); returns what it saw at each step."""
    rng = np.random.default_rng(seed)
    timestep = task.reset(rng)
    operator.reset(rng, demonstrate)
    glances: list[Glance] = []
    held = False
    while True:
        glances.append(Glance(task.scene(), len(glances), timestep.last(), task.success, held))
        intent = operator.intent(glances[-1])
        if timestep.last():
            return glances
        held = intent.takeover
        timestep = task.step(intent.action if held else np.zeros_like(intent.action))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
