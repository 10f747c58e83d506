"""Specs of tasks that tests of several kinds share."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.spec import CameraSpec, TaskSpec, VectorSpec

_HIGH = np.array([0.1, 0.1, 1.0], np.float32)
SEEING = TaskSpec(
    "toy",
    VectorSpec(("tip_x",), ("m",), np.array([-1.0]), np.array([1.0])),
    VectorSpec(("linear_x", "linear_y", "gripper"), ("m/s", "m/s", "1"), -_HIGH, _HIGH),
    (CameraSpec("front", 32, 32),),
    0.1,
    50,
)
"""A hand that moves along two axes, seen by one camera of 32x32."""
