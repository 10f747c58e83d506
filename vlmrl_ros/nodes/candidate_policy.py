"""Several candidates as one policy: one of them is drawn when an episode begins, and acts to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError

from vlmrl_ros.core.candidates import CHECKPOINT, SKILL, Candidate
from vlmrl_ros.core.checkpoint import POLICY_FILE, read_checkpoint
from vlmrl_ros.core.errors import CheckpointError, ConfigError, RangeError, ShapeError, VlmrlError
from vlmrl_ros.core.fitting import check_fit
from vlmrl_ros.core.interfaces import Policy, Variables
from vlmrl_ros.core.mixture import Mixture
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.thinker import Decision, Question, Thinker
from vlmrl_ros.core.types import Observation
from vlmrl_ros.nodes.rollout import begin, load_policy
from vlmrl_ros.policies.skill import SkillPolicy


@dataclass(frozen=True)
class Actor:
    """A candidate that can act.

    Attributes:
        policy: acts.
        instruction: what it is told in place of what the robot is told; empty: that.
    """

    policy: Policy
    instruction: str = ""


def load_candidates(
    candidates: Mapping[str, Candidate], spec: TaskSpec, told: Callable[[], Policy]
) -> tuple[dict[str, Actor], dict[str, str]]:
    """Make actors of candidates.

    Args:
        candidates: by name.
        spec: of the task in which they are to act.
        told: makes the policy that is told the instructions; called once, where there are some.

    Returns:
        those that can act by name, and what is wrong with each checkpoint that cannot be loaded.

    Raises:
        CheckpointError: none can act.
        ConfigError: instructions for a policy that does not think, a task without words, or some candidates that think
            and some that act at once.
        UnknownNameError: a skill that the task does not have.
    """
    actors, broken = {}, {}
    listener: Policy | None = None
    for name, candidate in candidates.items():
        if candidate.kind == CHECKPOINT:
            found = try_checkpoint(candidate, spec)
            if isinstance(found, str):
                broken[name] = found
            else:
                actors[name] = Actor(found)
        elif candidate.kind == SKILL:
            actors[name] = Actor(SkillPolicy(spec, candidate.what))
        else:
            listener = listener or told()
            actors[name] = Actor(listener, candidate.what)
    _check(actors, broken)
    return actors, broken


def try_checkpoint(candidate: Candidate, spec: TaskSpec) -> Policy | str:
    """The policy of a checkpoint, or what is wrong with it."""
    checkpoint = Path(candidate.what)
    try:
        about = read_checkpoint(checkpoint, below=POLICY_FILE)
        check_fit(checkpoint, TaskSpec.from_json(about["task_spec"]), spec)
        return load_policy(checkpoint, spec)
    except (VlmrlError, SafetensorError, OSError) as error:
        return str(error)
    except (KeyError, TypeError) as error:
        return f"checkpoint '{checkpoint}' does not say what it needs: {error!r}"


def _check(actors: Mapping[str, Actor], broken: Mapping[str, str]) -> None:
    """See that somebody can act, and that all do it alike."""
    if not actors:
        raise CheckpointError(f"no candidate can be loaded: {'; '.join(broken.values())}")
    thinks = {name: isinstance(actor.policy, Thinker) for name, actor in actors.items()}
    deaf = next((name for name, actor in actors.items() if actor.instruction and not thinks[name]), None)
    if deaf is not None:
        raise ConfigError(f"candidate '{deaf}' is an instruction, for a policy that thinks (vlm); this one does not")
    if len(set(thinks.values())) > 1:
        one, other = (next(name for name in thinks if thinks[name] is which) for which in (True, False))
        raise ConfigError(f"candidate '{one}' thinks and '{other}' acts at once; choose among those that do the same")


class CandidatePolicy:
    """Acts by the candidate that the mixture in force gave to the episode; a ``Thinker`` where candidates think."""

    def __init__(
        self, spec: TaskSpec, candidates: Mapping[str, Candidate], seed: int, told: Callable[[], Policy]
    ) -> None:
        """Load the candidates; none acts before a mixture is known.

        Args:
            spec: of the task.
            candidates: by name.
            seed: the candidate of an episode is drawn by (seed, episode).
            told: makes the policy that is told the instructions.

        Raises:
            VlmrlError: see :func:`load_candidates`.
        """
        self._actors, self.broken = load_candidates(candidates, spec, told)
        self._names, self._seed = tuple(candidates), seed
        self.thinks = isinstance(next(iter(self._actors.values())).policy, Thinker)
        self._mixture: Mixture | None = None
        self._episode, self.arm = -1, 0
        self.options: Mapping[str, Any] = {}

    def follow(self, mixture: Mixture) -> None:
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
            self.arm = self._mixture.draw(stream(self._seed, "selection", episode))
        return self.arm

    def act(self, observation: Observation, rng: np.random.Generator) -> tuple[FloatArray, Mapping[str, Any]]:
        """One action, by the candidate of the episode that was begun last."""
        return self._acting.policy.act(observation, rng)

    def reset(self, instruction: str = "") -> None:
        """Who acts next begins an episode; one that thinks, with its own instruction, or this."""
        begin(self._acting.policy, self._acting.instruction or instruction)

    def think(self, questions: Sequence[Question]) -> list[Decision]:
        """Let the candidate of the episode answer; what is still asked of an earlier episode counts no more."""
        actor = self._acting
        assert isinstance(actor.policy, Thinker)
        return actor.policy.think([replace(one, instruction=actor.instruction or one.instruction) for one in questions])

    def load(self, variables: Variables) -> None:
        """Refuse: the candidates have their weights.

        Raises:
            CheckpointError: always.
        """
        raise CheckpointError("candidates act by the weights of their checkpoints, not by those that a learner sends")

    def prepare(self, variables: Variables) -> Any:
        """Refuse, as :meth:`load`.

        Raises:
            CheckpointError: always.
        """
        self.load(variables)

    def take(self, prepared: Any) -> None:
        """Nothing is ever prepared."""

    @property
    def _acting(self) -> Actor:
        return self._actors[self._names[self.arm]]
