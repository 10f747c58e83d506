"""A person who judges what the policy does: what they have seen of it, and whether they can judge yet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vlmrl_ros.core.chain import follows
from vlmrl_ros.core.checkpoint import POLICY_FILE, read_checkpoint
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.core.types import Feedback, Observation

if TYPE_CHECKING:
    from vlmrl_ros.policies.reference import Judge, JudgementConfig


OF_REFERENCES = "rlpd, hil_serl or rlif, on the same task"
"""Learners by whose critics a person can judge."""


def find_judgement(reference: str, judges: bool, options: Mapping[str, Any]) -> JudgementConfig | None:
    """How strictly a person judges; None where they do not. Loads torch, before there is a task to keep up with.

    Args:
        reference: directory of the checkpoint that they judge by, or "".
        judges: they take over when they find an action wrong.
        options: deviations from the defaults of the judgement.

    Raises:
        ConfigError: somebody judges without a reference, or has one and does not judge; a bad option.
        CheckpointError: the reference, or the expert of the judgement, is missing or damaged.
    """
    if judges and not reference:
        raise ConfigError(f"operator.trigger is 'judged' and reference is ''; valid: a checkpoint of {OF_REFERENCES}")
    if reference and not judges:
        raise ConfigError(f"reference is '{reference}', but operator.trigger is not 'judged'; leave one or set both")
    if not judges:
        return None
    from vlmrl_ros.policies.reference import JudgementConfig

    judgement = from_mapping(JudgementConfig, options, "judgement")
    for checkpoint in filter(None, (reference, judgement.expert)):
        read_checkpoint(Path(checkpoint), below=POLICY_FILE)
    return judgement


def look_on(reference: str, spec: TaskSpec, judgement: JudgementConfig | None, seed: int) -> Onlooker | None:
    """Who judges at a task, as :func:`find_judgement` says; ``seed`` is that of their errors.

    Raises:
        CheckpointError: the reference is of another task, or of a learner without such critics.
    """
    if judgement is None:
        return None
    from vlmrl_ros.policies.reference import Judge

    return Onlooker(Judge(Path(reference), spec, judgement, seed))


MEMORY = 256
"""Executed actions that are kept until the step after them is judged; what a stranger says pushes none out."""


class _Look(NamedTuple):
    """At one step."""

    stamp_ns: int
    observation: Observation
    feedback: Feedback


class Onlooker:
    """Judges at each step, by a reference, the action before it or the one that is proposed.

    What was done in the step before is published before the observation of this one, but on a topic of its own, so that
    it may be heard later.
    """

    def __init__(self, judge: Judge) -> None:
        """Begin with nothing seen.

        Args:
            judge: the reference, and how strict they are.
        """
        self._judge = judge
        self._before: _Look | None = None
        self._executed: dict[int, FloatArray] = {}
        self._proposed = judge.config.judged == "proposed"
        self.parts = ("state", "policy_action") if self._proposed else ("state",)
        """Of a step, which they must see of it besides feedback and scene."""

    def hear_executed(self, stamp_ns: int, action: FloatArray) -> None:
        """What was really done at a step, float32 (A,), units of the spec."""
        self._executed[stamp_ns] = action
        if len(self._executed) > MEMORY:
            del self._executed[next(iter(self._executed))]

    def waits(self, feedback: Feedback, holding: bool) -> bool:
        """Whether what they judge at a step is still to come.

        Args:
            feedback: of the step.
            holding: they held control in the step before.
        """
        before = self._judged(feedback, holding)
        return before is not None and before.stamp_ns not in self._executed

    def finds_wrong(self, stamp_ns: int, parts: Mapping[str, Any], holding: bool) -> bool:
        """Judge at a step, once for each; what came before the first step that was seen is not judged.

        Args:
            stamp_ns: of the step, ns.
            parts: of the step: ``feedback`` and those of :attr:`parts`, float32 (N,), units of the spec.
            holding: they held control in the step before.
        """
        feedback, observation = parts["feedback"], {"state": parts["state"]}
        before = self._judged(feedback, holding)
        self._before = _Look(stamp_ns, observation, feedback)
        if self._proposed:
            return self._judge.is_wrong(observation, parts["policy_action"], feedback)
        if before is None:
            return False
        return self._judge.is_wrong(before.observation, self._executed[before.stamp_ns], feedback)

    def _judged(self, feedback: Feedback, holding: bool) -> _Look | None:
        """The step before, where what the policy did in it is judged."""
        before = self._before
        if self._proposed or holding or before is None or feedback.step == 0:
            return None
        return before if follows(before.feedback, feedback) else None
