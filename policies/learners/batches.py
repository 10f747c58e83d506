"""What learners that draw batches from a memory share: room for the batches, the draws' generator, checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from vlmrl_ros.core.replay import Layout
from vlmrl_ros.core.snapshot import Part
from vlmrl_ros.policies.learners.checkpoint import LearnerState
from vlmrl_ros.policies.learners.variables import ACTING_ALONE
from vlmrl_ros.policies.networks.compute import keep_freed_memory


class Memory(Protocol):
    """What batches are drawn from."""

    layout: Layout

    def snapshot(self) -> dict[str, Part]:
        """Its content, as parts of a checkpoint."""

    def restore(self, directory: Path) -> None:
        """Read the files of a :meth:`snapshot`.

        Raises:
            CheckpointError: missing or damaged files.
        """


M = TypeVar("M", bound=Memory)


class BatchLearner(Generic[M]):
    """The shell of a learner. Its subclass adds transitions, decides when it is ready, and makes the gradient steps.

    Attributes:
        evaluation_options: under which the policy's weights are judged.
        samples_per_update: transitions that an update draws.
    """

    imitates: ClassVar[bool] = False
    """It learns what a person does: what its own weights did before there was any of that teaches it nothing."""
    learns_from_failures: ClassVar[bool] = False
    """What a person did who did not succeed teaches it something, because a reward tells what it was worth."""

    def __init__(self, memory: M, batches: int, batch_size: int, rng: np.random.Generator) -> None:
        """Make room; the subclass then calls :meth:`_keep`.

        Args:
            memory: what batches are drawn from.
            batches: in an update.
            batch_size: transitions in each.
            rng: seeds the draws.
        """
        keep_freed_memory()
        self.evaluation_options = ACTING_ALONE
        self.samples_per_update = batches * batch_size
        self._drawn = torch.empty(batches, batch_size, memory.layout.width)
        self._rows = self._drawn.numpy()  # aligned by torch: products can depend on it to the last bit
        self._rng = np.random.default_rng(rng.integers(2**62))
        self._memory = memory
        self._updates = 0

    def snapshot(self) -> dict[str, Part]:
        """Networks, optimisers, generators, counters and memory."""
        return {**self._state.snapshot(self._updates), **self._memory.snapshot()}

    def restore(self, directory: Path) -> None:
        """Read what :meth:`snapshot` described; training then continues to the same bit.

        Raises:
            CheckpointError: missing or damaged files, or another learner's.
        """
        self._memory.restore(directory)
        self._updates = self._state.restore(directory)

    def _keep(self, name: str, tensors: Mapping[str, Tensor], generators: Mapping[str, torch.Generator]) -> None:
        """Name what training changes besides the memory; ``name`` is the plug-in's, and its checkpoints carry it."""
        self._state = LearnerState(name, tensors, generators, self._rng)

    def _count(self, metrics: Mapping[str, Tensor]) -> Mapping[str, float]:
        """Note that an update was made; returns its metrics by name."""
        self._updates += 1
        return {name: float(value) for name, value in metrics.items()} | {"updates": float(self._updates)}
