from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.core import registry
from vlmrl_ros.core.errors import CheckpointError, UnknownNameError
from vlmrl_ros.core.spec import TaskSpec, VectorSpec

NOTHING = VectorSpec((), (), np.zeros(0), np.zeros(0))
ACTION = VectorSpec(("x", "throttle"), ("m/s", "1"), np.array([-1.0, 0.2]), np.array([1.0, 1.0]))
SPEC = TaskSpec("toy", NOTHING, ACTION, (), 0.1, 10)


def test_it_proposes_what_is_nearest_to_no_motion_within_the_bounds():
    action, info = registry.load("policies", "still")(SPEC, {}).act({}, np.random.default_rng(0))
    np.testing.assert_array_equal(action, np.array([0.0, 0.2], np.float32))
    assert info == {}


def test_it_has_neither_weights_nor_options():
    with pytest.raises(CheckpointError, match="policy 'still' has no weights; got actor/mean"):
        registry.load("policies", "still")(SPEC, {}).load({"actor/mean": np.zeros(1)})
    with pytest.raises(UnknownNameError, match="unknown policy key 'explore'"):
        registry.load("policies", "still")(SPEC, {"explore": True})
