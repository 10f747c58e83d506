"""The shell of a learner of turns: the model, its weights as they travel, and the checkpoint."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from torch import Tensor

from vlmrl_ros.core.checkpoint import POLICY_FILE, read_checkpoint
from vlmrl_ros.core.errors import CheckpointError, ConfigError
from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.snapshot import Part
from vlmrl_ros.core.text import TextTaskSpec
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.learners.checkpoint import LearnerState
from vlmrl_ros.policies.learners.turns.config import TurnConfig
from vlmrl_ros.policies.vlm.config import NONE, TINY
from vlmrl_ros.policies.vlm.loading import load_model, save_model, with_new_adapter
from vlmrl_ros.policies.vlm.optimiser import Optimiser
from vlmrl_ros.policies.vlm.shards import put, whole
from vlmrl_ros.policies.vlm.weights import fitting, parameters


class TurnLearner(ABC):
    """Learns from turns; its variables are the trained weights of the model.

    Attributes:
        samples_per_update: turns read by one update.
        evaluation_options: model and adapter, and always the likeliest answer.
    """

    samples_per_update: int

    def __init__(self, name: str, spec: TextTaskSpec, config: TurnConfig, rng: np.random.Generator) -> None:
        """Load the model.

        Args:
            name: of the plug-in; its checkpoints carry it.
            spec: of the task.
            config: which model.
            rng: of all that the learner draws.

        Raises:
            ConfigError: the task is none of text, or there is no such model.
            CheckpointError: what it is to begin with is missing, or of another model.
        """
        if not isinstance(spec, TextTaskSpec):
            task = getattr(spec, "task", spec)
            raise ConfigError(f"learner '{name}' learns from what was said; the task '{task}' has no text actions")
        if config.model == TINY and not spec.texts:
            raise ConfigError(f"{name}.model is '{TINY}', and no texts are given for its vocabulary; valid: a folder")
        if config.start_from and config.lora_rank:
            raise ConfigError(
                f"{name}.start_from is '{config.start_from}' beside lora_rank {config.lora_rank}: the policy would not "
                "have what the adapter stands on; give both sides a folder with that model, as vlm_model writes it"
            )
        self.spec, self._name, self._rng = spec, name, rng
        self.evaluation_options: Mapping[str, Any] = {
            "model": config.model,
            "lora_rank": config.lora_rank,
            "dtype": config.dtype,
            "quantisation": config.quantisation,
            "temperature": 0.0,
        }
        model, self.processor = load_model(
            config.model, config.dtype, config.device, spec.texts, 0, config.quantisation
        )
        if config.start_from:
            whose = f"{name}.model is '{config.model}', and start_from '{config.start_from}' is of another one"
            _begin_with(model, config.start_from, whose)
        self._named = with_new_adapter(model, config.lora_rank) if config.lora_rank else model
        if not any(weights.requires_grad for weights in model.parameters()):
            raise ConfigError(
                f"{name}.quantisation is '{config.quantisation}' and lora_rank 0: nothing is left to be trained; "
                f"valid: lora_rank above 0, or quantisation {NONE}"
            )
        self.model = model
        """Without the wrapper of an adapter, which is in its layers."""
        self._updates = 0

    def add(self, item: Turn) -> None:
        """Keep one turn.

        Raises:
            ConfigError: it names an action that the task does not have.
        """
        legal = self.spec.legal_actions
        if legal and item.said.action is not None and item.said.action not in legal:
            raise ConfigError(f"a turn names the action '{item.said.action}'; valid: {list(legal)}")
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
        """Copies of the weights that are trained, float32, by name as the policy ``vlm`` takes them."""
        return {name: weight.detach().cpu().numpy().copy() for name, weight in whole(self._weights()).items()}

    def export(self, directory: Path) -> None:
        """Write model and processor by :func:`~vlmrl_ros.policies.vlm.loading.save_model`; they stay as they are."""
        model = self.model if self._named is self.model else deepcopy(self._named)
        save_model(directory, model, self.processor)

    def snapshot(self) -> dict[str, Part]:
        """Weights, optimiser and draws; of the turns none: whoever restores it gives them again, from the bags."""
        return self._state(whole(self._changing())).snapshot(self._updates)

    def restore(self, directory: Path) -> None:
        """Read what :meth:`snapshot` described.

        Raises:
            CheckpointError: missing, damaged, of another learner or another model.
        """
        values = whole(self._changing())
        self._updates = self._state(values).restore(directory)
        put(self._changing(), values)
        self._optimiser.round()
        self._resume(self._updates)

    @abstractmethod
    def _keep(self, turn: Turn) -> None:
        """Take a turn."""

    @abstractmethod
    def _learn(self) -> Mapping[str, float]:
        """One round of gradient steps."""

    @property
    @abstractmethod
    def _optimiser(self) -> Optimiser:
        """It trains the weights of the model."""

    @abstractmethod
    def _resume(self, updates: int) -> None:
        """Go on after so many updates."""

    def _weights(self) -> dict[str, Tensor]:
        """What is trained of the model, float32, live, by name."""
        return {name: self._optimiser.trained(weight) for name, weight in parameters(self._named).items()}

    def _changing(self) -> dict[str, Tensor]:
        """All that training changes, live, by name."""
        weights = {f"model/{name}": weight for name, weight in self._weights().items()}
        return weights | {f"adam/{name}": one for name, one in self._optimiser.remembered().items()}

    def _state(self, tensors: Mapping[str, Tensor]) -> LearnerState:
        return LearnerState(self._name, tensors, {}, self._rng)


def _begin_with(model: Any, directory: str, whose: str) -> None:
    """Give a model the weights that another learner had come to; ``whose`` ends an error, see :func:`fitting`."""
    read_checkpoint(Path(directory), below=POLICY_FILE)
    try:
        given = load_file(Path(directory) / POLICY_FILE)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"no weights in checkpoint '{directory}': {error}") from error
    mine = parameters(model)
    for name, value in fitting(model, given, whose).items():
        mine[name].data = value
