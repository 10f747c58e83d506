"""A reference for those who judge by one: a learner that has learned nothing judges as firmly as any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from vlmrl_ros.core import registry
from vlmrl_ros.core.checkpoint import LEARNER_FOLDER, POLICY_FILE, write_checkpoint
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.snapshot import below
from vlmrl_ros.core.spec import TaskSpec


def write_reference(folder: Path, spec: TaskSpec, learner: str = "rlpd", **options: Any) -> Path:
    """Write a checkpoint of an untrained learner; returns its directory."""
    builder = registry.load("learners", learner)
    config = from_mapping(builder.config_type, {"hidden": [16, 16], **options})
    made = builder.build(spec, config, np.random.default_rng(3))
    variables = dict(made.variables())
    parts = {name: part.copy() for name, part in below(LEARNER_FOLDER, made.snapshot()).items()}
    about = {
        "learner": learner,
        "task_spec": spec.to_json(),
        "policy": config.policy,
        "policy_options": dict(made.evaluation_options),
    }
    return write_checkpoint(folder, 0, {POLICY_FILE: lambda: [save(variables)], **parts}, about, None).path
