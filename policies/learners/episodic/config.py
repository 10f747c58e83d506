"""Options that every learner from offline data shares."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.config import SeeingConfig


@dataclass(frozen=True)
class EpisodicConfig(SeeingConfig):
    """Learning from the task's reward, in what was given before the run and in what the robot lives through."""

    policy: str = option("gaussian", "policy plug-in that takes the weights")
    device: str = option("auto", "where the learner computes", choices=("auto", "cpu", "cuda"))
    samples_per_insert: float = option(256.0, "transitions drawn for each online transition stored", low=1.0)
    batch_size: int = option(256, "transitions in a gradient step", low=2)
    critic_updates: int = option(1, "gradient steps of the critics for one of the actor", low=1)
    min_steps: int = option(256, "transitions of ended episodes, of both kinds, before the first update", low=1)
    capacity: int = option(100_000, "transitions kept of those given, and as many of those lived", low=1)
    offline_share: float = option(
        0.5, "share of a batch that was given before the run or demonstrated", unit="1", low=0.0, high=1.0
    )
    hidden: tuple[int, ...] = option((256, 256), "units in each hidden layer", low=1)
    critics: int = option(2, "critics; the least of their values counts", low=1)
    layer_norm: bool = option(False, "critics with layer normalisation; the papers have none")
    learning_rate: float = option(1e-4, "of the actor and of what goes with it", low=0.0)
    critic_learning_rate: float = option(3e-4, "of the critics", low=0.0)
    discount: float = option(0.97, "of the value one step later", low=0.0, high=0.9999)
    target_rate: float = option(
        0.005, "fraction the target critics move towards the critics in an update", low=0.0, high=1.0
    )
    average_rate: float = option(
        0.001, "fraction the averaged actor moves in an update of the actor", low=0.0, high=1.0
    )
    reward_scale: float = option(1.0, "factor of the task's reward", low=1e-6)
    reward_bias: float = option(0.0, "added to the scaled reward")
    failure_reward: float = option(0.0, "reward of the task for a step that achieves nothing")
    failure_lasts: bool = option(
        True,
        "a termination without success is worth its scaled reward r for ever, r / (1 - discount), where r is below 0, "
        "so that failing early is no way out; a reward of 0 or more is earned once",
    )
    truncated_tail: str = option(
        "none",
        "return after the end of a truncated episode: none; last: its last reward for ever",
        choices=("none", "last"),
    )
