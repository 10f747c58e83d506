"""A learner's state on disk: tensors as safetensors, the rest as JSON. Nothing is pickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.snapshot import Content, Part, json_part

_TENSORS, _PLAIN = "tensors.safetensors", "state.json"


@dataclass(frozen=True)
class LearnerState:
    """Handles on everything that training changes, except the replay.

    Attributes:
        kind: name of the learner; a checkpoint of another kind is refused.
        tensors: live tensors by name; restoring writes into them.
        generators: torch generators by name.
        rng: the numpy generator of the draws.
    """

    kind: str
    tensors: Mapping[str, Tensor]
    generators: Mapping[str, torch.Generator]
    rng: np.random.Generator

    def snapshot(self, updates: int) -> dict[str, Part]:
        """The state as parts of a checkpoint."""
        plain = {"kind": self.kind, "rng": self.rng.bit_generator.state, "updates": updates}
        return {_TENSORS: Part(self._copy), _PLAIN: json_part(plain)}

    def restore(self, directory: Path) -> int:
        """Read what :meth:`snapshot` described; returns the number of updates.

        Raises:
            CheckpointError: missing, damaged, of another learner or of other sizes; the state in force is then kept.
        """
        try:
            plain = json.loads((directory / _PLAIN).read_text())
            saved = load_file(directory / _TENSORS)
            updates = int(plain["updates"])
            self._check(plain["kind"], saved)
            self.rng.bit_generator.state = plain["rng"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
            raise CheckpointError(f"no usable checkpoint of learner '{self.kind}' in {directory}: {error}") from error
        for name, tensor in self.tensors.items():
            tensor.detach().copy_(saved[name])
        for name, generator in self.generators.items():
            generator.set_state(saved[f"generator/{name}"])
        return updates

    def _copy(self) -> Content:
        # clones: views of one buffer are refused by safetensors
        tensors = {name: tensor.detach().cpu().clone() for name, tensor in self.tensors.items()}
        noise = {f"generator/{name}": generator.get_state() for name, generator in self.generators.items()}
        return lambda: [save({**tensors, **noise})]

    def _check(self, kind: Any, saved: Mapping[str, Tensor]) -> None:
        if kind != self.kind:
            raise ValueError(f"made by learner '{kind}'")
        expected = {*self.tensors, *(f"generator/{name}" for name in self.generators)}
        if set(saved) != expected:
            raise ValueError(f"holds {sorted(saved)}; expected {sorted(expected)}")
        for name, tensor in self.tensors.items():
            if saved[name].shape != tensor.shape or not torch.isfinite(saved[name]).all():
                raise ValueError(
                    f"'{name}' is of shape {tuple(saved[name].shape)} or not finite; expected {tuple(tensor.shape)}"
                )
