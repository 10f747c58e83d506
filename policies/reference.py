"""What a good policy thinks of an action: the critic and the actor of a learner that was trained before.

In simulation such a reference stands for a person who judges what they see, and makes RLIF's theory measurable.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file
from torch import Tensor

from vlmrl_ros.core.checkpoint import LEARNER_FOLDER, POLICY_FILE
from vlmrl_ros.core.config import option
from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.types import Feedback, Observation, state_of
from vlmrl_ros.policies.gaussian import GaussianConfig, GaussianPolicy
from vlmrl_ros.policies.networks.ensemble import initial_ensemble, values
from vlmrl_ros.policies.networks.flat import FlatParameters


class Reference:
    """The averaged actor's mode, and the mean of the critics."""

    def __init__(self, checkpoint: Path, spec: TaskSpec) -> None:
        """Read a checkpoint of RLPD or of a learner with its networks.

        Args:
            checkpoint: directory of a checkpoint.
            spec: of the task.

        Raises:
            CheckpointError: missing or damaged files, a learner without such critics, or another task.
        """
        self._spec = spec
        self.policy = GaussianPolicy(spec, GaussianConfig(weights="actor_ema", explore=False))
        try:
            actor = load_file(checkpoint / POLICY_FILE)
            saved = load_file(checkpoint / LEARNER_FOLDER / "tensors.safetensors")["critics"]
        except (OSError, SafetensorError, KeyError) as error:
            raise CheckpointError(f"'{checkpoint}' is no checkpoint with critics: {error}") from error
        self.policy.load(actor)
        hidden = [len(actor[name]) for name in sorted(actor) if name.startswith("actor_ema/hidden_") and "bias" in name]
        inputs, generator = spec.observation.size + spec.action.size, torch.Generator()
        one = FlatParameters(initial_ensemble(inputs, hidden, 1, generator)).values.numel()
        if len(saved) % one:
            raise CheckpointError(
                f"'{checkpoint}' has critics of {len(saved)} numbers; expected a multiple of {one}: of a learner with "
                "layer_norm: true, which rlpd and hil_serl have by default"
            )
        critics = FlatParameters(initial_ensemble(inputs, hidden, len(saved) // one, generator))
        critics.values.copy_(torch.from_numpy(saved))
        self._critics = critics.frozen
        self._asked: tuple[Observation, FloatArray, tuple[float, float]] | None = None

    def action(self, observation: Observation) -> FloatArray:
        """What the reference would do, float32 (A,), units of the spec."""
        return self.policy.act(observation, np.random.default_rng(0))[0]

    @torch.no_grad()
    def value(self, observation: Observation, action: FloatArray) -> float:
        """Q_ref of float32 (A,), units of the spec."""
        state = torch.from_numpy(self._spec.observation.normalise(state_of(observation)))
        chosen = torch.from_numpy(self._spec.action.normalise(action))
        worth: Tensor = values(self._critics, state[None], chosen[None])
        return float(worth.mean())

    def compare(self, observation: Observation, action: FloatArray) -> tuple[float, float]:
        """Q_ref(s, a_ref) and Q_ref(s, a), arguments as above.

        Who judges a step and who measures it ask for the same; the critics are asked once.
        """
        if self._asked is None or self._asked[0] is not observation or self._asked[1] is not action:
            found = self.value(observation, self.action(observation)), self.value(observation, action)
            self._asked = observation, action, found
        return self._asked[2]

    def gap(self, observation: Observation, action: FloatArray) -> float:
        """By how much an action is worse than the reference's: Q_ref(s, a_ref) - Q_ref(s, a); arguments as above."""
        own, other = self.compare(observation, action)
        return own - other


@dataclass(frozen=True)
class JudgementConfig:
    """When an action counts as wrong. Source: Luo et al., RLIF (ICLR 2024), the value-based interventions."""

    beta: float = option(0.95, "chance that a judgement is right", low=0.5, high=1.0)
    delta: float = option(0.0, "by how much an action may be worse than the reference's", low=0.0)
    alpha: float = option(
        1.0, "part of the reference's value that an action must reach, where that is above 0", low=0.0, high=1.0
    )
    expert: str = option(
        "",
        "checkpoint of whoever takes over, whose action is then the measure, as by a flag of the released code; empty: "
        "the reference's own action",
    )
    judged: str = option(
        "executed",
        "executed: what was done in the step before; proposed: what the policy would do now, as the released code does",
        choices=("executed", "proposed"),
    )


class Judge:
    """A person who judges actions by a reference, and errs at a rate."""

    def __init__(self, checkpoint: Path, spec: TaskSpec, config: JudgementConfig, seed: int) -> None:
        """Read the reference; arguments as of :class:`Reference`.

        Args:
            checkpoint: of the reference.
            spec: of the task.
            config: how strict they are.
            seed: of their errors.

        Raises:
            CheckpointError: as :class:`Reference`, of either checkpoint.
        """
        self.reference = Reference(checkpoint, spec)
        self._expert = Reference(Path(config.expert), spec) if config.expert else None
        self.config = config
        self._seed = seed

    def is_wrong(self, observation: Observation, action: FloatArray, feedback: Feedback) -> bool:
        """Whether they judge an action wrong: Q_ref(s, a) < Q_ref(s, a_ref) - delta, with a_ref by ``expert``.

        Args:
            observation: in which it was chosen.
            action: float32 (A,), units of the spec.
            feedback: of the step at which they judge, for their errors.
        """
        config = self.config
        best, worth = self.reference.compare(observation, action)
        if self._expert is not None:
            best = self.reference.value(observation, self._expert.action(observation))
        least = (config.alpha * best if best > 0 else best) - config.delta
        wrong = worth < least
        rng = stream(self._seed, "judgement", feedback.episode, feedback.step)
        return wrong if rng.random() < config.beta else not wrong
