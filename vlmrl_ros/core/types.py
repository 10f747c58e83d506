"""The records that flow through the loop. The stamp of the observation is the key of the step."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.episode_plan import EpisodePlan
from vlmrl_ros.core.errors import ShapeError
from vlmrl_ros.core.spec import FloatArray
from vlmrl_ros.core.spoken import Spoken

Observation = Mapping[str, npt.NDArray[Any]]
"""``"state"``: float32 (N,) in SI units, as ``TaskSpec.observation``; each camera name: uint8 (H, W, 3) RGB."""


class Mark(enum.IntEnum):
    """What the operator says of the episode by button; carried by ``command``."""

    NONE = 0
    SUCCESS = 1
    FAILURE = 2
    RESET = 3


class Source(enum.IntEnum):
    """Who acted at a step."""

    POLICY = 0
    HUMAN = 1
    STOPPED = 2
    """Nobody: the arm is held still (device lost, policy silent, e-stop)."""


@dataclass(frozen=True)
class Feedback:
    """Outcome of arriving at a step.

    Attributes:
        reward: task reward of the transition that ended here.
        terminated: the episode ended in a terminal state; no bootstrapping.
        truncated: the episode was cut; the value is bootstrapped.
        success: the task counts as done.
        episode: counts up from 0.
        step: within the episode; 0 is the observation after reset.
        weights_version: newest weights version that the bridge knew of when it took the observation; in ``sync`` the
            policy acts with this one.
        plan: of the episode, where a curriculum gives one: its context, and who acts at which step.
    """

    reward: float
    terminated: bool
    truncated: bool
    success: bool
    episode: int
    step: int
    weights_version: int = 0
    plan: EpisodePlan | None = None

    @property
    def last(self) -> bool:
        """True at the last observation of an episode."""
        return self.terminated or self.truncated


@dataclass(frozen=True)
class Intervention:
    """Who decides at a step, and the reward that a takeover gives.

    Attributes:
        active: a person holds control at this step.
        edge: a person has taken control at this step from the policy, which acted at the one before.
        reward: -1.0 on an edge, else 0.0; it belongs to the transition that *ended* at this step (RLIF).
        source: who acts from this step on.
        advice: what the person would do while the policy acts, (A,) in the units of ``TaskSpec.action``; empty where
            they say nothing (ADR 9).
    """

    active: bool
    edge: bool
    reward: float
    source: Source
    advice: tuple[float, ...] = ()


@dataclass(frozen=True)
class Step:
    """All parts of one step, joined by stamp. Actions are float32 (A,) in the units of ``TaskSpec.action``.

    Attributes:
        stamp_ns: stamp of the observation, ns.
        observation: what was seen.
        feedback: outcome of arriving here.
        policy_action: what the policy proposed.
        command: what teleop asked for; the person's action where ``intervention.active``.
        executed: what the bridge really applied after limits; zeros at the last step of an episode.
        intervention: who decided.
        spoken: the utterance of the policy whose motion it proposes here, where that thinks and is listened to: the
            same one at each step of the motion. Not kept by :mod:`vlmrl_ros.core.step_rows`.
    """

    stamp_ns: int
    observation: Observation
    feedback: Feedback
    policy_action: FloatArray
    command: FloatArray
    executed: FloatArray
    intervention: Intervention
    spoken: Spoken | None = None


@dataclass(frozen=True)
class Transition:
    """Two consecutive steps of one episode. Nothing is baked in: each learner labels its own reward.

    The step record keeps task reward, takeover edge, policy, human and executed action, so RLIF, RLPD, DAgger, HG-
    DAgger and HIL-SERL labellings all come from the same data.

    Attributes:
        before: the step acted in.
        after: the step arrived at.
        demonstration: part of a successful episode in which nobody but a person acted.
        arm: number of the arm in a fleet; both steps are its own. Below 0: lived before the run.
    """

    before: Step
    after: Step
    demonstration: bool = False
    arm: int = 0

    @property
    def human(self) -> bool:
        """A person's action was executed."""
        return self.before.intervention.active

    @property
    def took_over(self) -> bool:
        """The transition ended in a takeover: RLIF's reward of -1."""
        return self.after.intervention.edge

    @property
    def bootstrap(self) -> float:
        """Factor of the next value: 0.0 where the episode terminated, else 1.0 (truncation bootstraps)."""
        return 0.0 if self.after.feedback.terminated else 1.0


@dataclass(frozen=True)
class Outcome:
    """What came of one whole trial: the experience of learners that choose among policies, and know no steps.

    Attributes:
        arm: which of the candidates was tried, from 0.
        task_return: sum of the task's rewards in the trial, or its success, 0 or 1. A trial that failed to begin
            counts with the return of a failure; left out it would flatter its arm.
    """

    arm: int
    task_return: float


@dataclass(frozen=True)
class Candidates:
    """What learners of outcomes choose among: checkpoints, instructions or skills.

    Attributes:
        names: one for each arm, unique, 2 or more.
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the names.

        Raises:
            ShapeError: fewer than two, or the same twice.
        """
        if len(self.names) < 2:
            raise ShapeError(f"{len(self.names)} candidate(s) {list(self.names)}; valid: 2 or more")
        if len(set(self.names)) < len(self.names):
            twice = next(name for index, name in enumerate(self.names) if name in self.names[:index])
            raise ShapeError(f"candidate '{twice}' is named twice; valid: each once")


def state_of(observation: Observation) -> FloatArray:
    """The low-dimensional part of an observation, float32 (N,)."""
    return np.asarray(observation["state"], np.float32)
