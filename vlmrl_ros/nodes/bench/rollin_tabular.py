"""Tabular check of ROLLIN: softmax REINFORCE on the serpentine grid, all episodes of an update at once.

The protocol is ours (``specs``: tier 0), not one of the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from vlmrl_ros.core.episode_plan import EpisodePlan
from vlmrl_ros.nodes.bench.rollin_grid import SLIP, Array, Cells, Grid, cover, serpentine, visitation
from vlmrl_ros.policies.curricula.rollin import Rollin, RollinConfig

DISCOUNT = 0.97
EPISODES, UPDATES = 32, 700
LEARNING_RATE, BASELINE_RATE = 1.0, 0.1
THRESHOLD, WINDOW = 0.5, 10


@dataclass(frozen=True)
class Tabular:
    """One run.

    Attributes:
        goals: tasks, the final one included (the sheet's K + 1).
        alpha: weight of the entropy.
        beta: share of rolled-in episodes.
        horizon: steps of an episode.
        accounting: ``added`` or ``counted``, see :class:`~vlmrl_ros.policies.curricula.rollin.RollinConfig`.
        updates: budget in updates of plain episodes; steps of roll-ins are charged to it.
    """

    goals: int
    alpha: float
    beta: float
    horizon: int = 40
    accounting: str = "added"
    updates: int = UPDATES


@dataclass
class Outcome:
    """What a run came to.

    Attributes:
        solved: share of the tasks solved (kappa).
        steps: environment steps that it took, roll-ins included.
        updates: gradient steps that it took.
        switches: updates at which the next task began.
        cover_start: of each task solved but the last, how well the start cell alone covers the visitation of its
            solution, see :func:`~vlmrl_ros.nodes.bench.rollin_grid.cover`.
        cover_mixture: the same of the mixture with the visitation of the task before.
    """

    solved: float = 0.0
    steps: int = 0
    updates: int = 0
    switches: list[int] = field(default_factory=list)
    cover_start: list[float] = field(default_factory=list)
    cover_mixture: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class _Batch:
    """Episodes side by side, (T, E): cells, moves, whether the goal was reached by them, whether they count."""

    cells: Cells
    moves: Cells
    reached: Array
    counts: Array


class Reinforce:
    """Softmax policy gradient with a tabular baseline.

    The gradient is that of the discounted, entropy-regularised return from the starts, so a step at ``t`` has the
    weight ``discount^t`` (Sutton et al., 2000).
    """

    def __init__(self, grid: Grid, alpha: float, rng: np.random.Generator) -> None:
        """Begin with the uniform policy."""
        self._grid = grid
        self._alpha = alpha
        self._rng = rng
        self._logits = np.zeros(grid.following.shape)
        self._baseline = np.zeros(len(grid.following))

    @property
    def policy(self) -> Array:
        """Probability of each move, float64 (S, A)."""
        raised = np.exp(self._logits - self._logits.max(1, keepdims=True))
        probabilities: Array = raised / raised.sum(1, keepdims=True)
        return probabilities

    def update(self, batch: _Batch, policy: Array) -> None:
        """One step of gradient ascent on episodes that ``policy`` lived."""
        cells, moves = batch.cells, batch.moves
        surprise = -np.log(np.maximum(policy[cells, moves], 1e-300))
        ahead = _ahead((batch.reached + self._alpha * surprise) * batch.counts)
        weight = DISCOUNT ** np.arange(len(cells))[:, None] * batch.counts
        gain = np.zeros_like(policy)
        np.add.at(gain, (cells, moves), (ahead - self._baseline[cells]) * weight)
        self._logits += LEARNING_RATE * (gain - gain.sum(1, keepdims=True) * policy) / cells.shape[1]
        size = len(policy)
        visits = np.bincount(cells.ravel(), batch.counts.ravel(), size)
        total = np.bincount(cells.ravel(), (ahead * batch.counts).ravel(), size)
        seen = visits > 0
        self._baseline[seen] += BASELINE_RATE * (total[seen] / visits[seen] - self._baseline[seen])


def train(run: Tabular, seed: int) -> Outcome:
    """Learn until the last task is solved or the budget is spent."""
    rng = np.random.default_rng(seed)
    grid = serpentine()
    config = RollinConfig(
        stages=run.goals, beta=run.beta, discount=DISCOUNT, threshold=THRESHOLD, window=WINDOW, horizon=run.accounting
    )
    curriculum = Rollin(grid.goals(run.goals), run.horizon, config)
    agent, outcome = Reinforce(grid, run.alpha, rng), Outcome()
    starts = np.eye(len(grid.following))[grid.start]
    mixture, before = starts, agent.policy
    while outcome.steps < run.updates * EPISODES * run.horizon and curriculum.solved < 1:
        plans = [curriculum.plan(rng) for _ in range(EPISODES)]
        policy = agent.policy
        begun = _roll_in(grid, plans, before, rng)
        batch = _live(grid, plans, policy, begun, run.horizon, rng)
        agent.update(batch, policy)
        outcome.updates += 1
        outcome.steps += int(batch.counts.sum()) + sum(plan.roll_in_steps for plan in plans)
        plain = [index for index, plan in enumerate(plans) if not plan.rolled_in]
        success = (batch.reached * batch.counts).any(0)[plain]
        if not plain or not curriculum.record(float(success.mean())):
            continue
        before = agent.policy
        visited = visitation(grid.transitions(before), starts, DISCOUNT)
        outcome.switches.append(outcome.updates)
        outcome.cover_start.append(cover(visited, starts))
        outcome.cover_mixture.append(cover(visited, mixture))
        mixture = run.beta * visited + (1 - run.beta) * starts
    outcome.solved = curriculum.solved
    return outcome


def _roll_in(grid: Grid, plans: list[EpisodePlan], policy: Array, rng: np.random.Generator) -> Cells:
    """Where each episode begins to count, int64 (E,); the policy of the task before is frozen."""
    steps = np.array([plan.roll_in_steps for plan in plans])
    cells = np.full(len(plans), grid.start)
    cumulative = policy.cumsum(1)[:, :-1]
    for step in range(steps.max()):
        cells = np.where(step < steps, _next(grid, cells, _draw(cumulative, cells, rng), rng), cells)
    return cells


def _live(
    grid: Grid, plans: list[EpisodePlan], policy: Array, cells: Cells, horizon: int, rng: np.random.Generator
) -> _Batch:
    """Episodes of ``horizon`` steps, of which those count that a roll-in has not taken from it."""
    goal = int(plans[0].context)
    left = np.array([horizon + plan.extra_steps - plan.roll_in_steps for plan in plans])
    cumulative = policy.cumsum(1)[:, :-1]
    seen, moves = (np.empty((horizon, len(plans)), np.int64) for _ in range(2))
    reached = np.empty((horizon, len(plans)))
    for step in range(horizon):
        seen[step], moves[step] = cells, _draw(cumulative, cells, rng)
        cells = _next(grid, cells, moves[step], rng)
        reached[step] = cells == goal
    return _Batch(seen, moves, reached, (np.arange(horizon)[:, None] < left).astype(np.float64))


def _draw(cumulative: Array, cells: Cells, rng: np.random.Generator) -> Cells:
    """A move of each episode, int64 (E,), from the cumulative probabilities of all moves but the last."""
    return (rng.random((len(cells), 1)) > cumulative[cells]).sum(1)


def _next(grid: Grid, cells: Cells, moves: Cells, rng: np.random.Generator) -> Cells:
    """Where the moves lead, slips included."""
    slips = rng.random(len(cells)) < SLIP
    return grid.following[cells, np.where(slips, rng.integers(0, grid.following.shape[1], len(cells)), moves)]


def _ahead(rewards: Array) -> Array:
    """Discounted sum of the rewards from each step on, (T, E)."""
    ahead = np.empty_like(rewards)
    total = np.zeros(rewards.shape[1])
    for step in reversed(range(len(rewards))):
        total = rewards[step] + DISCOUNT * total
        ahead[step] = total
    return ahead
