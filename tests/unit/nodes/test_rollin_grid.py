from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.nodes.bench.rollin_grid import SLIP, Grid, cover, serpentine, visitation
from vlmrl_ros.nodes.bench.rollin_tabular import DISCOUNT, EPISODES, Reinforce, Tabular, _Batch, train

CHAIN = Grid(np.array([[0, 1], [0, 2], [1, 2]]), np.array([0, 1, 2]))
"""Three cells in a row; move 0 goes left, move 1 right, and the walls hold."""
POLICY = np.array([[0.3, 0.7], [0.5, 0.5], [0.9, 0.1]])


def plain_visitation(grid: Grid, policy: np.ndarray, starts: np.ndarray, discount: float) -> np.ndarray:
    """The definition, summed step by step, one cell and one move at a time."""
    here, total = starts.copy(), np.zeros(len(starts))
    for step in range(2000):
        total += (1 - discount) * discount**step * here
        there = np.zeros(len(here))
        for cell, mass in enumerate(here):
            for move, probability in enumerate(policy[cell]):
                there[grid.following[cell, move]] += mass * (1 - SLIP) * probability
                for slipped in range(len(policy[cell])):
                    there[grid.following[cell, slipped]] += mass * SLIP * probability / len(policy[cell])
        here = there
    return total


def test_the_visitation_is_that_of_the_definition():
    starts = np.array([0.8, 0.2, 0.0])
    solved = visitation(CHAIN.transitions(POLICY), starts, 0.9)
    assert solved == pytest.approx(plain_visitation(CHAIN, POLICY, starts, 0.9), abs=1e-12)
    assert solved.sum() == pytest.approx(1.0)


def test_the_cover_is_the_inverse_of_the_mismatch():
    visited = np.array([0.5, 0.25, 0.25])
    assert cover(visited, np.array([1.0, 0.0, 0.0])) == 0.0
    mixture = 0.5 * visited + 0.5 * np.array([1.0, 0.0, 0.0])
    assert 1 / cover(visited, mixture) == pytest.approx(2.0)  # at most 1 / beta where the visitations agree


def test_the_grid_is_the_one_of_the_sheet():
    grid = serpentine()
    assert grid.following.shape == (105, 4)
    assert len(grid.path) - 1 == 28
    assert [list(grid.path).index(goal) for goal in grid.goals(3)] == [9, 19, 28]
    assert np.allclose(grid.transitions(np.full((105, 4), 0.25)).sum(1), 1.0)
    assert all(there in grid.following[here] for here, there in zip(grid.path, grid.path[1:], strict=False))


def test_one_update_goes_along_the_exact_policy_gradient():
    """In a single step of an episode the gradient of the expected reward is known: pi (r - mean r)."""
    agent = Reinforce(CHAIN, 0.0, np.random.default_rng(0))
    policy = agent.policy
    moves = np.array([[0, 1] * 500])
    cells = np.zeros_like(moves)
    agent.update(_Batch(cells, moves, (moves == 1).astype(float), np.ones(moves.shape)), policy)
    step = np.log(agent.policy[0] / agent.policy[0, 0])
    assert step == pytest.approx([0.0, 0.5])  # 0.25 up for the move with the reward, 0.25 down for the other


def test_steps_that_do_not_count_teach_nothing():
    agents = [Reinforce(CHAIN, 0.01, np.random.default_rng(0)) for _ in range(2)]
    rng = np.random.default_rng(1)
    cells, moves = rng.integers(0, 3, (6, 4)), rng.integers(0, 2, (6, 4))
    counts = (np.arange(6)[:, None] < np.array([6, 3, 0, 5])).astype(float)
    for agent, rewards in zip(agents, (0.0, 9.0), strict=True):
        reached = np.where(counts > 0, 1.0, rewards)
        agent.update(_Batch(cells, moves, reached, counts), agent.policy)
    assert np.array_equal(agents[0].policy, agents[1].policy)
    assert not np.allclose(agents[0].policy, 0.5)


def test_roll_ins_are_charged_to_the_budget_in_both_accountings():
    plain = train(Tabular(3, 0.01, 0.0, updates=60), seed=0)
    assert plain.steps == plain.updates * EPISODES * 40
    added = train(Tabular(3, 0.01, 0.9, updates=60), seed=0)
    counted = train(Tabular(3, 0.01, 0.9, accounting="counted", updates=60), seed=0)
    assert added.switches
    assert added.steps > added.updates * EPISODES * 40
    assert counted.steps == counted.updates * EPISODES * 40
    assert added.steps >= 60 * EPISODES * 40


def test_a_run_can_be_repeated_and_a_roll_in_covers_what_the_start_does_not():
    runs = [train(Tabular(3, 0.01, 0.5, updates=250), seed=3) for _ in range(2)]
    assert runs[0] == runs[1]
    assert len(runs[0].switches) == 2
    assert runs[0].cover_start == [0.0, 0.0]
    assert runs[0].cover_mixture[1] > 0.0
    assert DISCOUNT < 1
