"""Options of the reward classifier."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option


@dataclass(frozen=True)
class ClassifierConfig:
    """A binary classifier of frames.

    Source: Luo et al., HIL-SERL (2024), "Reward classifier": as many positive as negative frames in a batch.
    """

    encoder: str = option("nature_cnn", "encoder plug-in, one for each camera")
    encoder_options: tuple[str, ...] = option(
        (), "options of the encoder that differ from its defaults, each <name>=<JSON value>, like channels=[8, 16, 16]"
    )
    hidden: int = option(128, "units between tokens and logit", low=1)
    dropout: float = option(0.1, "share of the hidden units that is dropped in training", unit="1", low=0.0, high=0.9)
    shift_px: int = option(4, "greatest random shift of a frame in training", unit="px", low=0, high=64)
    batch_size: int = option(64, "frames in a gradient step, half of them of success", low=2)
    updates: int = option(400, "gradient steps", low=1)
    learning_rate: float = option(3e-4, "of Adam", low=0.0)
    held_out: float = option(0.25, "share of the episodes that is kept for judging", unit="1", low=0.0, high=0.9)
    threshold: float = option(0.85, "probability from which a frame counts as success", unit="1", low=0.0, high=1.0)
