"""Episodes in which one acts alone: the person, who drives from the first step to the last, or a policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vlmrl_ros.core import registry
from vlmrl_ros.core.episode import Arrival, Episodes
from vlmrl_ros.core.interfaces import Glance, Policy, Task
from vlmrl_ros.core.safety import SafetyFilter
from vlmrl_ros.core.spec import FloatArray
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.types import Intervention, Mark, Source, Step
from vlmrl_ros.nodes.bench.figures import Figures
from vlmrl_ros.policies.evaluation.statistics import success_interval

_POLICY = Intervention(active=False, edge=False, reward=0.0, source=Source.POLICY)


@dataclass(frozen=True)
class Alone:
    """What one achieved: successes, and the discounted sum of the task's rewards of each episode."""

    successes: int
    values: tuple[float, ...]

    @property
    def episodes(self) -> int:
        """How many."""
        return len(self.values)

    @property
    def success(self) -> float:
        """Share of successful episodes."""
        return self.successes / self.episodes

    @property
    def value(self) -> float:
        """Mean discounted sum of the task's rewards; without a discount the mean return."""
        return sum(self.values) / self.episodes

    def figures(self, name: str) -> Figures:
        """Success with its 95 % interval."""
        interval = success_interval(self.successes, self.episodes)
        return {f"{name}.mean": interval.mean, f"{name}.low": interval.low, f"{name}.high": interval.high}


def operator_alone(
    task: Task, options: Mapping[str, Any], episodes: int, discount: float = 1.0, seed: int = 0
) -> Alone:
    """The task's scripted person.

    Args:
        task: the simulation.
        options: deviations from the operator's defaults.
        episodes: how many.
        discount: of a reward one step later.
        seed: of the episodes and the person.
    """
    return _judged(lived_by_operator(task, options, episodes, seed), discount)


def policy_alone(task: Task, policy: Policy, episodes: int, discount: float = 1.0, seed: int = 0) -> Alone:
    """A policy; arguments as in :func:`operator_alone`."""
    return _judged(lived_by_policy(task, policy, episodes, seed), discount)


def lived_by_policy(task: Task, policy: Policy, episodes: int, seed: int = 0) -> Iterator[Step]:
    """The steps of such episodes of :func:`policy_alone`."""

    def act(arrival: Arrival) -> FloatArray:
        feedback = arrival.feedback
        if feedback.step == 0:
            policy.reset()
        return policy.act(arrival.observation, stream(seed, "policy", feedback.episode, feedback.step))[0]

    return _lived(task, act, episodes, seed)


def lived_by_operator(task: Task, options: Mapping[str, Any], episodes: int, seed: int = 0) -> Iterator[Step]:
    """The steps of such episodes of :func:`operator_alone`, as if a policy had acted: its actions are data like any."""
    operator = registry.load("operators", task.spec.task)(task.spec, options)

    def act(arrival: Arrival) -> FloatArray:
        feedback = arrival.feedback
        if feedback.step == 0:
            operator.reset(stream(seed, "operator", feedback.episode), True)
        glance = Glance(arrival.scene, feedback.step, feedback.last, feedback.success, feedback.step > 0)
        action: FloatArray = operator.intent(glance).action
        return action

    return _lived(task, act, episodes, seed)


def step_alone(arrival: Arrival, action: FloatArray, executed: FloatArray) -> Step:
    """A step at which a policy acted and nobody took over; both actions float32 (A,), units of the spec."""
    return Step(arrival.stamp_ns, arrival.observation, arrival.feedback, action, action, executed, _POLICY)


def _lived(task: Task, act: Callable[[Arrival], FloatArray], episodes: int, seed: int) -> Iterator[Step]:
    loop = Episodes(task, SafetyFilter(task.spec.action, task.spec.control_dt_s), seed)
    arrival = loop.begin()
    while arrival.feedback.episode < episodes:
        action = act(arrival)
        applied, following = loop.advance(arrival, action, Mark.NONE)
        yield step_alone(arrival, action, applied.action)
        arrival = following


def _judged(steps: Iterable[Step], discount: float) -> Alone:
    successes, values = 0, []
    for feedback in (step.feedback for step in steps):
        if feedback.step == 0:
            values.append(0.0)
        else:
            values[-1] += discount ** (feedback.step - 1) * feedback.reward
        successes += feedback.last and feedback.success
    return Alone(successes, tuple(values))
