"""A reward classifier on disk: weights as safetensors, the rest as JSON. Nothing is pickled."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from vlmrl_ros.core.errors import CheckpointError, ConfigError
from vlmrl_ros.core.spec import CameraSpec
from vlmrl_ros.core.types import Observation
from vlmrl_ros.policies.classifier.config import ClassifierConfig
from vlmrl_ros.policies.classifier.network import RewardClassifier
from vlmrl_ros.policies.classifier.training import Judgement, probabilities

WEIGHTS, ABOUT = "classifier.safetensors", "classifier.json"


@dataclass(frozen=True)
class SuccessDetector:
    """A trained classifier that looks at observations.

    Attributes:
        model: the network.
        cameras: those that it looks at.
        threshold: probability from which a frame counts as success.
    """

    model: RewardClassifier
    cameras: tuple[CameraSpec, ...]
    threshold: float

    def succeeded(self, observation: Observation) -> bool:
        """The frames of an observation, uint8 (H, W, 3) by camera, show success."""
        frames: dict[str, npt.NDArray[np.uint8]] = {c.name: np.asarray(observation[c.name])[None] for c in self.cameras}
        return bool(probabilities(self.model, frames)[0] >= self.threshold)

    def check(self, cameras: Sequence[CameraSpec]) -> None:
        """See that a task has the cameras.

        Raises:
            ConfigError: one is missing, or its frames have another size.
        """
        there = {camera.name: camera for camera in cameras}
        for camera in self.cameras:
            if there.get(camera.name) != camera:
                sizes = ", ".join(f"{c.name} {c.height}x{c.width}" for c in cameras) or "none"
                wanted = f"{camera.name} {camera.height}x{camera.width}"
                raise ConfigError(f"the reward classifier looks at camera {wanted}; valid here: {sizes}")


def write_classifier(
    directory: Path,
    model: RewardClassifier,
    cameras: Sequence[CameraSpec],
    config: ClassifierConfig,
    judgement: Judgement,
) -> None:
    """Write a classifier, and how good it is, into a new directory.

    Raises:
        FileExistsError: the directory is there already.
    """
    directory.mkdir(parents=True)
    save_file(model.state_dict(), directory / WEIGHTS)
    about = {
        "config": asdict(config),
        "cameras": [asdict(camera) for camera in cameras],
        "held_out": asdict(judgement),
    }
    (directory / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def read_classifier(directory: Path, threshold: float | None = None) -> SuccessDetector:
    """Read a classifier.

    Args:
        directory: what :func:`write_classifier` wrote.
        threshold: probability from which a frame counts as success; None: the one it was made with.

    Raises:
        CheckpointError: nothing there, or it is damaged.
    """
    try:
        about: Mapping[str, Any] = json.loads((directory / ABOUT).read_text(encoding="utf-8"))
        config = ClassifierConfig(**about["config"])
        cameras = tuple(CameraSpec(**camera) for camera in about["cameras"])
        model = RewardClassifier(cameras, config, torch.Generator())
        model.load_state_dict(load_file(directory / WEIGHTS))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(f"no usable reward classifier in '{directory}': {error}") from error
    return SuccessDetector(model.eval(), cameras, config.threshold if threshold is None else threshold)
