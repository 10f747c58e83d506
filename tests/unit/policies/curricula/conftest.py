from __future__ import annotations

from dataclasses import replace

import pytest

from vlmrl_ros.core.spec import ContextSpec, TaskSpec


@pytest.fixture
def contextual_spec(spec: TaskSpec) -> TaskSpec:
    """The toy with a goal, its component ``z``, that a curriculum moves from 0 to 0.2 m."""
    return replace(spec, context=ContextSpec("goal", "m", trivial=0.0, full=0.2, component="z"))
