"""Options that every learner of transitions shares."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.core.spec import TaskSpec


@dataclass(frozen=True)
class SeeingConfig:
    """How a learner sees, on tasks with cameras."""

    encoder: str = option("nature_cnn", "encoder plug-in for the cameras of the task, where it has any")
    encoder_options: tuple[str, ...] = option(
        (), "options of the encoder that differ from its defaults, each <name>=<JSON value>, like channels=[8, 16, 16]"
    )
    encoder_weights: str = option(
        "",
        "policy.safetensors of a checkpoint with the same cameras and encoder, whose encoders are taken; empty: drawn",
    )
    train_encoder: bool = option(True, "the encoder learns; otherwise only what follows it does")
    latent: int = option(50, "features of each camera", low=1, high=10_000)
    shift_px: int = option(4, "greatest random shift of a frame in training", unit="px", low=0, high=64)


def feature_width(spec: TaskSpec, config: SeeingConfig) -> int:
    """How many features of what the cameras see stand beside the state."""
    return config.latent * len(spec.cameras)
