"""Options of behaviour cloning."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.config import SeeingConfig


@dataclass(frozen=True)
class BcConfig(SeeingConfig):
    """Regression of a person's actions."""

    policy: str = option("gaussian", "policy plug-in that takes the weights")
    device: str = option("auto", "where the learner computes", choices=("auto", "cpu", "cuda"))
    samples_per_insert: float = option(512.0, "transitions drawn for each online transition stored", low=1.0)
    batch_size: int = option(256, "transitions in a gradient step", low=1)
    updates: int = option(2, "gradient steps in one update", low=1)
    min_steps: int = option(128, "transitions of a person before the first update", low=1)
    capacity: int = option(100_000, "transitions kept", low=1)
    hidden: tuple[int, ...] = option((128, 128), "units in each hidden layer", low=1)
    learning_rate: float = option(3e-4, "of the actor", low=0.0)
    average_rate: float = option(0.002, "fraction the averaged actor moves in a gradient step", low=0.0, high=1.0)
