"""Checkpoints of the task ``reach`` whose policies nobody had to train."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from vlmrl_ros.core.checkpoint import POLICY_FILE, write_checkpoint
from vlmrl_ros.core.spec import TaskSpec

GOES_THERE, STANDS_STILL = 10.0, 0.0
"""Gains of a policy that always succeeds, and of one that never does."""


def write_reacher(folder: Path, step: int, spec: TaskSpec, gain: float) -> Path:
    """A checkpoint whose policy moves towards the target, the faster the farther; returns its directory."""
    inputs, outputs = spec.observation.size, spec.action.size
    towards = np.zeros((outputs, inputs), np.float32)
    towards[range(outputs), [spec.observation.names.index(f"target_{axis}") for axis in "xyz"]] = 1.0
    layers = {
        "hidden_0/weight": np.concatenate((towards, -towards)),
        "hidden_0/bias": np.zeros(2 * outputs, np.float32),
        "mean/weight": gain * np.concatenate((np.eye(outputs), -np.eye(outputs)), 1, dtype=np.float32),
        "mean/bias": np.zeros(outputs, np.float32),
        "log_std/weight": np.zeros((outputs, 2 * outputs), np.float32),
        "log_std/bias": np.zeros(outputs, np.float32),
    }
    raw = save({f"actor/{name}": np.ascontiguousarray(value) for name, value in layers.items()})
    about = {
        "task": spec.task,
        "task_spec": spec.to_json(),
        "policy": "gaussian",
        "policy_options": {"explore": False, "weights": "actor"},
    }
    return write_checkpoint(folder, step, {POLICY_FILE: lambda: [raw]}, json.loads(json.dumps(about)), None).path


def corrupt(checkpoint: Path) -> None:
    """Change a byte of its weights."""
    path = checkpoint / POLICY_FILE
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 0xFF
    path.write_bytes(raw)
