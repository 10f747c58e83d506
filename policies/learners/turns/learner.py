"""The shell of a learner of turns: the model, its weights as they travel, and the checkpoint."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor
from transformers import AutoModelForImageTextToText, AutoProcessor

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.snapshot import Part
from vlmrl_ros.core.text import TextTaskSpec
from vlmrl_ros.policies.learners.checkpoint import LearnerState
from vlmrl_ros.policies.vlm.stem import Stem
from vlmrl_ros.policies.vlm.turns import Turn

OWN_TOWERS = (Stem,)
"""Vision towers that transformers knows since their module was imported."""


class TurnLearner(ABC):
    """Learns from turns; its variables are the trained weights of the model.

    Attributes:
        samples_per_update: turns read by one update.
        evaluation_options: none.
    """

    samples_per_update: int
    evaluation_options: Mapping[str, Any] = {}

    def __init__(self, name: str, spec: TextTaskSpec, folder: str, rng: np.random.Generator) -> None:
        """Load the model.

        Args:
            name: of the plug-in; its checkpoints carry it.
            spec: of the task.
            folder: of model and processor, as transformers saves them.
            rng: of all that the learner draws.

        Raises:
            ConfigError: the task is none of text, or there is no model in the folder.
        """
        if not isinstance(spec, TextTaskSpec):
            task = getattr(spec, "task", spec)
            raise ConfigError(f"learner '{name}' learns from what was said; the task '{task}' has no text actions")
        if not (Path(folder) / "config.json").is_file():
            raise ConfigError(f"{name}.model is '{folder}'; valid: a folder with a saved vision-language model")
        self.spec, self._name, self._rng = spec, name, rng
        self.model = AutoModelForImageTextToText.from_pretrained(folder, local_files_only=True).float().eval()
        self.processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
        self._updates = 0

    def add(self, item: Turn) -> None:
        """Keep one turn.

        Raises:
            ConfigError: it names an action that the task does not have.
        """
        if item.said.action is not None and item.said.action not in self.spec.legal_actions:
            raise ConfigError(f"a turn names the action '{item.said.action}'; valid: {list(self.spec.legal_actions)}")
        self._keep(item)

    @property
    @abstractmethod
    def ready(self) -> bool:
        """There are enough turns for :meth:`update`."""

    def update(self) -> Mapping[str, float]:
        """Learn from the turns that are due."""
        metrics = self._learn()
        self._updates += 1
        return metrics

    def variables(self) -> Variables:
        """Copies of the weights that are trained, float32, by their name in the model."""
        return {name: weight.detach().cpu().numpy().copy() for name, weight in self._weights().items()}

    def snapshot(self) -> dict[str, Part]:
        """Weights, optimiser and draws; of the turns none: those of before a restart are lived through again."""
        return self._state().snapshot(self._updates)

    def restore(self, directory: Path) -> None:
        """Read what :meth:`snapshot` described.

        Raises:
            CheckpointError: missing, damaged, of another learner or another model.
        """
        self._updates = self._state().restore(directory)
        self._resume(self._updates)

    @abstractmethod
    def _keep(self, turn: Turn) -> None:
        """Take a turn."""

    @abstractmethod
    def _learn(self) -> Mapping[str, float]:
        """One round of gradient steps."""

    @abstractmethod
    def _tensors(self) -> Mapping[str, Tensor]:
        """What changes besides the weights of the model, live, by name."""

    @abstractmethod
    def _resume(self, updates: int) -> None:
        """Go on after so many updates."""

    def _weights(self) -> dict[str, Tensor]:
        return {name: weight for name, weight in self.model.named_parameters() if weight.requires_grad}

    def _state(self) -> LearnerState:
        tensors = {f"model/{name}": weight for name, weight in self._weights().items()}
        return LearnerState(self._name, {**tensors, **self._tensors()}, {}, self._rng)
