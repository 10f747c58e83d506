"""Several checkpoints as one policy: one of them is drawn when an episode begins, and acts to its end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError

from vlmrl_ros.core.checkpoint import POLICY_FILE, read_checkpoint
from vlmrl_ros.core.errors import CheckpointError, RangeError, ShapeError, VlmrlError
from vlmrl_ros.core.interfaces import Policy, Variables
from vlmrl_ros.core.mixture import Mixture
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.types import Observation
from vlmrl_ros.nodes.rollout import load_policy


def load_candidates(candidates: Mapping[str, Path], spec: TaskSpec) -> tuple[dict[str, Policy], dict[str, str]]:
    """Load every candidate that can be loaded.

    Args:
        candidates: name to checkpoint.
        spec: of the task in which they are to act.

    Returns:
        the policies by name, and what is wrong with each of the others.

    Raises:
        CheckpointError: none can be loaded.
    """
    policies, broken = {}, {}
    for name, checkpoint in candidates.items():
        try:
            policies[name] = _load(checkpoint, spec)
        except (VlmrlError, SafetensorError, OSError) as error:
            broken[name] = str(error)
    if not policies:
        raise CheckpointError(f"no candidate can be loaded: {'; '.join(broken.values())}")
    return policies, broken


def _load(checkpoint: Path, spec: TaskSpec) -> Policy:
    about = read_checkpoint(checkpoint, below=POLICY_FILE)
    try:
        trained = TaskSpec.from_json(about["task_spec"])
        if (trained.observation.names, trained.action.names) != (spec.observation.names, spec.action.names):
            raise CheckpointError(f"checkpoint '{checkpoint}' was trained on '{trained.task}', not on '{spec.task}'")
        return load_policy(checkpoint, spec)
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"checkpoint '{checkpoint}' does not say what it needs: {error!r}") from error


class CandidatePolicy:
    """Acts by the candidate that the mixture in force gave to the episode."""

    def __init__(self, spec: TaskSpec, candidates: Mapping[str, Path], seed: int) -> None:
        """Load the candidates; none acts before a mixture is known.

        Args:
            spec: of the task.
            candidates: name to checkpoint.
            seed: the candidate of an episode is drawn by (seed, episode).

        Raises:
            CheckpointError: none can be loaded.
        """
        self._policies, self.broken = load_candidates(candidates, spec)
        self._names, self._seed = tuple(candidates), seed
        self._mixture: Mixture | None = None
        self._episode, self._arm = -1, 0
        self.options: Mapping[str, Any] = {}

    def take(self, mixture: Mixture) -> None:
        """Draw from this mixture from the next episode on.

        Raises:
            ShapeError: it is of other candidates.
            RangeError: it may draw one that could not be loaded.
        """
        if mixture.names != self._names:
            raise ShapeError(f"a mixture of {len(mixture.names)} candidates that are not the {len(self._names)} here")
        for name, probability in zip(mixture.names, mixture.probabilities, strict=True):
            if probability > 0 and name in self.broken:
                raise RangeError(f"a mixture that may draw '{name}', which cannot be loaded: {self.broken[name]}")
        self._mixture = mixture

    def begin(self, episode: int) -> int | None:
        """The candidate that acts in an episode, from 0; None while no mixture speaks of it."""
        if episode != self._episode:
            if self._mixture is None or not self._mixture.covers(episode):
                return None
            self._episode = episode
            self._arm = self._mixture.draw(stream(self._seed, "selection", episode))
        return self._arm

    def act(self, observation: Observation, rng: np.random.Generator) -> tuple[FloatArray, Mapping[str, Any]]:
        """One action, by the candidate of the episode that was begun last."""
        return self._policies[self._names[self._arm]].act(observation, rng)

    def reset(self) -> None:
        """Who acts next begins an episode."""
        for policy in self._policies.values():
            policy.reset()

    def load(self, variables: Variables) -> None:
        """Refuse: the candidates have their weights.

        Raises:
            CheckpointError: always.
        """
        raise CheckpointError("candidates act by the weights of their checkpoints, not by those that a learner sends")
