"""Options of RLPD."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.config import SeeingConfig


@dataclass(frozen=True)
class RlpdConfig(SeeingConfig):
    """Soft actor-critic on the policy's own steps and a person's, half and half."""

    policy: str = option("gaussian", "policy plug-in that takes the weights")
    device: str = option("auto", "where the learner computes", choices=("auto", "cpu", "cuda"))
    precision: str = option(
        "float32", "factors of the matrix products are rounded to it", choices=("float32", "bfloat16")
    )
    samples_per_insert: float = option(1024.0, "transitions drawn for each online transition stored", low=1.0)
    buffers: str = option(
        "symmetric",
        "symmetric: half of each batch is a person's; shared: one buffer, drawn from as it comes",
        choices=("symmetric", "shared"),
    )
    batch_size: int = option(256, "transitions in a gradient step", low=2)
    critic_updates: int = option(4, "gradient steps of the critics for one of the actor", low=1)
    min_steps: int = option(128, "online transitions before the first update", low=1)
    capacity: int = option(100_000, "transitions kept of the policy, and as many of a person", low=1)
    hidden: tuple[int, ...] = option((128, 128), "units in each hidden layer", low=1)
    critics: int = option(4, "critics in the ensemble", low=1)
    layer_norm: bool = option(True, "normalise the hidden layers of the critics")
    target_critics: int = option(2, "critics, drawn at random, whose least value is the target", low=1)
    actor_value: str = option("min", "value that the actor climbs", choices=("min", "mean"))
    learning_rate: float = option(3e-4, "of actor, critics and temperature", low=0.0)
    discount: float = option(0.97, "of the value one step later", low=0.0, high=1.0)
    target_rate: float = option(
        0.005, "fraction the target critics move towards the critics in an update", low=0.0, high=1.0
    )
    average_rate: float = option(
        0.001, "fraction the averaged actor moves in an update of the actor", low=0.0, high=1.0
    )
    temperature: float = option(0.05, "initial weight of the entropy; it adapts", low=1e-6)
    target_entropy: float = option(-0.5, "entropy aimed at, for each action component", unit="nat")
    entropy_backup: bool = option(False, "the target counts the entropy of the next action")
    nonpositive_values: bool = option(False, "clip targets at 0, true where no reward is positive")
