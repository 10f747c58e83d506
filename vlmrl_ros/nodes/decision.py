"""From the trials of candidates to what is deployed: the rule, its certificate against the incumbent's, and advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core import registry
from vlmrl_ros.core.config import from_mapping, to_mapping
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.types import Candidates, Outcome
from vlmrl_ros.policies.learners.bandit.advice import more_trials
from vlmrl_ros.policies.learners.bandit.evidence import Evidence, Floats, evidence_of
from vlmrl_ros.policies.learners.bandit.learner import BanditLearner
from vlmrl_ros.policies.learners.bandit.rules import fixed
from vlmrl_ros.policies.learners.bandit.selection import Selection

FORETOLD = 4
"""How many times as many trials the advice speaks of."""


@dataclass(frozen=True)
class Question:
    """What is to be decided, and how.

    Attributes:
        learner: plug-in that learns from outcomes.
        options: of the plug-in, deviations from its defaults.
        names: of the candidates.
        incumbent: name of the candidate that is deployed now; empty: none is.
        seed: of the plug-in's draws.
    """

    learner: str
    options: Mapping[str, Any]
    names: tuple[str, ...]
    incumbent: str = ""
    seed: int = 0

    def make(self) -> BanditLearner:
        """The learner, without outcomes.

        Raises:
            VlmrlError: an unknown plug-in, one that learns from steps, a bad option, fewer than two candidates, or an
                incumbent that is none of them.
        """
        if self.incumbent and self.incumbent not in self.names:
            raise ConfigError(f"incumbent is '{self.incumbent}'; valid: {', '.join(self.names)}")
        builder = registry.load("learners", self.learner)
        if builder.experience is not Outcome:
            valid = [name for name in registry.names("learners") if _chooses(name)]
            raise ConfigError(
                f"learner '{self.learner}' learns from steps and cannot choose among candidates; valid:"
                f" {', '.join(valid)}"
            )
        learner: BanditLearner = builder.build(Candidates(self.names), self._config, stream(self.seed, "selection"))
        return learner

    @property
    def _config(self) -> Any:
        builder = registry.load("learners", self.learner)
        return from_mapping(builder.config_type, self.options, self.learner)

    @property
    def in_force(self) -> dict[str, Any]:
        """Every option of the plug-in, by name."""
        return to_mapping(self._config)

    @property
    def delta(self) -> float:
        """Probability that a certificate is wrong."""
        return float(self._config.delta)

    @property
    def sigma(self) -> Floats:
        """Noise of one trial, float64 (1,) or one for each candidate."""
        return np.asarray(self._config.sigma, np.float64)


@dataclass(frozen=True, eq=False)
class Decision:
    """What came out.

    Attributes:
        selection: what the rule chose.
        incumbent: value and certificate of the incumbent alone; None where there is none.
        stays: the incumbent is deployed, because the selection's certificate does not beat its own.
        deployed: float64 (d,), probability with which each candidate is drawn; those that cannot be loaded never are.
        advice: reasons to try more often, and what that would bring; empty where there is none.
    """

    selection: Selection
    incumbent: Selection | None
    stays: bool
    deployed: Floats
    advice: tuple[str, ...]

    def to_plain(self) -> dict[str, Any]:
        """Values fit for JSON."""
        chosen, incumbent = self.selection, self.incumbent
        return {
            "value": chosen.value,
            "certificate": chosen.certificate,
            "radius": chosen.radius,
            "critical_radius": chosen.critical_radius,
            "path": [asdict(point) for point in chosen.path],
            "incumbent_value": incumbent.value if incumbent else None,
            "incumbent_certificate": incumbent.certificate if incumbent else None,
            "incumbent_stays": self.stays,
            "advice": list(self.advice),
        }


def decide(question: Question, returns: Sequence[Sequence[float]], loaded: Sequence[bool]) -> Decision:
    """Choose among candidates that have all been tried.

    A candidate that cannot be loaded has failed trials among its returns. The mixture may hold it; it is deployed
    without it, its share going to the others: worth no less, for a failed trial is worth the least.

    Args:
        question: what is to be decided.
        returns: of each candidate's trials.
        loaded: whether each candidate can act; one can at least.

    Raises:
        VlmrlError: as in :meth:`Question.make`; a candidate without trials, or a return that is not finite.
    """
    selection = _chosen(question, returns)
    counts = np.array([len(of_arm) for of_arm in returns], np.int64)
    evidence = evidence_of(np.array([np.mean(of_arm) for of_arm in returns]), counts, question.sigma)
    incumbent = _incumbent(question, evidence)
    stays = incumbent is not None and incumbent.certificate >= selection.certificate
    mixture = incumbent.mixture if incumbent is not None and stays else selection.mixture
    advice = _advice(question, returns, evidence, selection)
    return Decision(selection, incumbent, stays, without_broken(mixture, loaded), advice)


def without_broken(mixture: Floats, loaded: Sequence[bool]) -> Floats:
    """The mixture in which those that cannot be loaded have no share.

    Args:
        mixture: float64 (d,).
        loaded: whether each candidate can act; one can at least.

    Returns:
        float64 (d,), sum 1; alike over those that can act where the mixture held none of them.
    """
    kept: Floats = np.where(loaded, mixture, 0.0)
    if not kept.sum() > 0:
        kept = np.asarray(loaded, np.float64)
    return kept / kept.sum()


def _chosen(question: Question, returns: Sequence[Sequence[float]]) -> Selection:
    learner = question.make()
    for arm, of_arm in enumerate(returns):
        for value in of_arm:
            learner.add(Outcome(arm, value))
    learner.update()
    assert learner.selection is not None
    return learner.selection


def _incumbent(question: Question, evidence: Evidence) -> Selection | None:
    """The incumbent alone, which was named before anything was tried: no bound over candidates."""
    if not question.incumbent:
        return None
    arm = question.names.index(question.incumbent)
    return fixed(evidence, np.eye(len(question.names))[arm], question.delta)


def _advice(
    question: Question, returns: Sequence[Sequence[float]], evidence: Evidence, selection: Selection
) -> tuple[str, ...]:
    reasons = more_trials(evidence)
    if not reasons:
        return ()
    foretold = _chosen(question, [[*of_arm] * FORETOLD for of_arm in returns]).certificate
    what_then = (
        f"with {FORETOLD} times as many trials and the same means the certificate would be {foretold:.2f} instead of"
        f" {selection.certificate:.2f}"
    )
    return (*reasons, what_then)


def _chooses(name: str) -> bool:
    return registry.load("learners", name).experience is Outcome
