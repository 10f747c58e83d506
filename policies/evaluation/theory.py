"""The terms of RLIF's bound, estimated from what was lived.

Luo et al., RLIF (ICLR 2024), model a person who takes over by the critic of a reference policy,

    P(take over | s, a) = beta  if Q_ref(s, a) < Q_ref(s, a_ref) - delta,  else 1 - beta,

and bound the policy that learns to avoid takeovers by

    V* - V_pi <= min(V* - V_ref, V* - V_exp) + delta * epsilon / (1 - gamma),

where epsilon is the worse of two classification losses under the visitation of the policy that is learned. V* drops
out: the bound says ``V_pi >= max(V_ref, V_exp) - delta * epsilon / (1 - gamma)``, of a policy that has learned all
there is; one that still learns may be below. A term that is not known is absent.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.chain import follows
from vlmrl_ros.core.spec import FloatArray
from vlmrl_ros.core.types import Observation, Source, Step

Gap = Callable[[Observation, FloatArray], float]
"""Q_ref(s, a_ref) - Q_ref(s, a) of an action float32 (A,), units of the spec; above 0: worse than the reference's."""
Array = npt.NDArray[np.float64]

WINDOW = 1000
"""Newest steps of the policy, before success, that delta and epsilon are estimated from; it learns meanwhile."""
SIGNIFICANT = 0.01
"""A threshold is believed where chance would hardly show as good a one."""


class Judged(NamedTuple):
    """A step of the policy: the gap of what was done, whether a person then took over, its number in the episode."""

    gap: float
    taken: bool
    step: int


@dataclass(frozen=True)
class Takeovers:
    """A fit of the paper's model of a person; ``beta``: chance that their judgement is right."""

    delta: float
    beta: float


def fit_takeovers(gaps: Array, taken: npt.NDArray[np.bool_]) -> Takeovers | None:
    """The likeliest delta and beta of the paper's model (see above).

    Whatever beta above one half is, the likeliest delta is the one by which fewest takeovers are misjudged, and beta
    then is the share judged rightly. It lies between two gaps that were seen, and their mean is taken; delta is not
    negative.

    Args:
        gaps: float64 (n,), of steps of the policy.
        taken: bool (n,), whether a person then took over.

    Returns:
        None where the takeovers do not show a threshold: where one chance of a takeover, whatever the gap, explains
        them as well, but for what the choice among n thresholds gives away, at the level :data:`SIGNIFICANT`.
    """
    order = np.argsort(gaps, kind="stable")
    gaps, taken = np.maximum(gaps[order], 0.0), taken[order]
    count, takeovers = len(gaps), int(taken.sum())
    if not takeovers:
        return None
    below = np.concatenate(([0], np.cumsum(taken)))  # takeovers among the k least gaps
    k = np.arange(count + 1)
    wrong = below + (count - k) - (takeovers - below)
    edges = np.concatenate(([0.0], gaps))
    separates = np.concatenate((np.diff(edges) > 0, [False]))  # delta lies between the k-th gap and the next
    if not separates.any():
        return None
    best = int(np.argmin(np.where(separates, wrong, count + 1)))
    errors = int(wrong[best])
    gain = _log_likelihood(errors, count) - _log_likelihood(takeovers, count)
    if errors >= takeovers or gain <= math.log(count / SIGNIFICANT):
        return None
    return Takeovers(float(edges[best] + edges[best + 1]) / 2, 1.0 - errors / count)


def classification_loss(judged: list[Judged], discount: float) -> float:
    """epsilon: the worse of two classification losses, both shares of the policy's steps, 0 to 1.

    The steps are weighted by ``discount^step``, as in the discounted visitation. With continuous actions a policy never
    does exactly what another would, so that an action counts as misclassified

    - against the reference, where it is worth less: Q_ref(s, a) < Q_ref(s, a_ref). As long as nobody takes over that
      costs delta at most, which by the performance difference lemma is the bound above;
    - against the person, where they took over after it.

    That reading of the two losses is ours; so is that the policy is seen with its person standing by.

    Args:
        judged: steps of the policy, at least one.
        discount: of a step later.
    """
    weight = discount ** np.array([each.step for each in judged], np.float64)
    worse = np.array([each.gap > 0.0 for each in judged])
    taken = np.array([each.taken for each in judged])
    return float(max(weight @ worse, weight @ taken) / weight.sum())


class Theory:
    """Watches the steps of a run; says what is known of the bound."""

    def __init__(self, discount: float, gap: Gap | None, arms: int = 1) -> None:
        """Begin with no step.

        Args:
            discount: gamma, of a reward one step later.
            gap: of the reference; None where there is none.
            arms: number of arms.
        """
        self._discount = discount
        self._gap = gap
        self._open: list[tuple[float, bool] | None] = [None] * arms
        """Return of the open episode so far, and whether a person drove all of it; None: its start was not seen."""
        self._alone, self._alone_sum = 0, 0.0
        self._judged: deque[Judged] = deque(maxlen=WINDOW)

    def see(self, before: Step | None, step: Step, arm: int = 0) -> None:
        """Take the next step of an arm, and the one before, if any was seen."""
        feedback = step.feedback
        if feedback.step == 0:
            self._open[arm] = (0.0, True)
        elif before is None or not follows(before.feedback, feedback):
            self._open[arm] = None
        else:
            self._judge(before, step)
            self._count(before, step, arm)

    def terms(self, v_pi: float | None = None, v_ref: float | None = None) -> dict[str, float]:
        """What is known, by name; values are in the unit of the task's reward.

        ``v_pi``, ``v_ref``: as given. ``v_exp``: mean discounted return of the episodes that a person drove from the
        first step to the last, whether they succeeded or not. ``delta``, ``beta``: see :func:`fit_takeovers`.
        ``epsilon``: see :func:`classification_loss`. ``takeover_rate``: share of the policy's newest steps after which
        a person took over. ``bound``: what V_pi is at least, by the theory.

        Args:
            v_pi: mean discounted return of autonomous episodes of the policy.
            v_ref: the same of the reference.
        """
        known: dict[str, float | None] = {"v_pi": v_pi, "v_ref": v_ref}
        known["v_exp"] = self._alone_sum / self._alone if self._alone else None
        judged = list(self._judged)
        if judged:
            known |= self._of_takeovers(judged)
        found = {name: value for name, value in known.items() if value is not None}
        if {"v_ref", "v_exp", "delta"} <= found.keys() and self._discount < 1.0:
            loss = found["delta"] * found["epsilon"] / (1.0 - self._discount)
            found["bound"] = max(found["v_ref"], found["v_exp"]) - loss
        return found

    def state(self) -> dict[str, Any]:
        """What a run that goes on needs, fit for JSON; delta and epsilon are estimated anew from what comes."""
        return {"open": self._open, "alone": self._alone, "alone_sum": self._alone_sum}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from a :meth:`state`.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        episodes = [None if each is None else (float(each[0]), bool(each[1])) for each in state["open"]]
        if len(episodes) != len(self._open):
            raise ValueError(f"{len(episodes)} arms instead of {len(self._open)}")
        self._open, self._alone, self._alone_sum = episodes, int(state["alone"]), float(state["alone_sum"])

    def _judge(self, before: Step, step: Step) -> None:
        """Once the task is done a person has no reason to take over, and what the policy does says nothing of them."""
        if self._gap is None or step.feedback.success:
            return
        if before.intervention.source is Source.POLICY:
            gap = self._gap(before.observation, before.executed)
            self._judged.append(Judged(gap, step.intervention.edge, before.feedback.step))

    def _count(self, before: Step, step: Step, arm: int) -> None:
        episode, feedback = self._open[arm], step.feedback
        if episode is None:
            return
        value = episode[0] + self._discount**before.feedback.step * feedback.reward
        driven = episode[1] and before.intervention.active
        self._open[arm] = (value, driven)
        if feedback.last and driven:
            self._alone, self._alone_sum = self._alone + 1, self._alone_sum + value

    def _of_takeovers(self, judged: list[Judged]) -> dict[str, float]:
        taken = np.array([each.taken for each in judged])
        found = {"takeover_rate": float(taken.mean()), "epsilon": classification_loss(judged, self._discount)}
        fit = fit_takeovers(np.array([each.gap for each in judged]), taken)
        return found | ({} if fit is None else {"delta": fit.delta, "beta": fit.beta})


def _log_likelihood(events: int, count: int) -> float:
    """Greatest log-likelihood of so many events among so many independent trials, nat."""
    return sum(n * math.log(n / count) for n in (events, count - events) if n)
