from __future__ import annotations

import json

import numpy as np
import pytest

from vlmrl_ros.policies.curricula.visitation import BINS, Visitation

GAMMA = 0.5


def visitation(beta: float = 0.5) -> Visitation:
    return Visitation([0, 2], GAMMA, beta, window=2)


def walk(made: Visitation, *bins: int) -> None:
    """A plain episode that passes through these cells of the first component; the second one does not matter."""
    for step, number in enumerate(bins):
        made.visit(np.array([2 * (number + 0.5) / BINS - 1, step / 10, 0.0], np.float32), step)
    made.end_episode()


def test_the_first_stage_is_covered_where_its_episodes_begin():
    made = visitation()
    walk(made, 0, 1, 2)  # weights 4, 2, 1 of 7
    found = made.end_stage()
    assert found["uncovered.rho"] == found["uncovered.mixture"] == pytest.approx(3 / 7)
    assert found["mismatch.mixture"] == pytest.approx(4 / 7)


def test_the_stage_before_covers_what_the_starts_do_not():
    made = visitation(beta=0.5)
    walk(made, 0, 1, 2)
    made.end_stage()
    walk(made, 0, 2, 3)
    found = made.end_stage()
    assert found["uncovered.rho"] == pytest.approx(3 / 7)
    assert found["uncovered.mixture"] == pytest.approx(1 / 7)
    # starts: half of cell 0, and half of 4/7, 2/7, 1/7; visits 4/7 in cell 0 and 2/7 in cell 2
    assert found["mismatch.mixture"] == pytest.approx((2 / 7) / (0.5 / 7))


def test_without_roll_in_the_mixture_is_the_start():
    made = visitation(beta=0.0)
    for _ in range(2):
        walk(made, 0, 1)
        found = made.end_stage()
    assert found["uncovered.mixture"] == found["uncovered.rho"] == pytest.approx(1 / 3)


def test_only_the_newest_episodes_count():
    made = visitation()
    walk(made, 7)
    for _ in range(2):
        walk(made, 0)
    assert made.end_stage()["mismatch.mixture"] == pytest.approx(1 / (2 / 3))  # all visits in a cell of 2 starts of 3


def test_the_mismatch_of_the_starts_alone_is_absent_where_it_is_infinite():
    made = visitation()
    walk(made, 0, 1)
    assert "mismatch.rho" not in made.end_stage()
    walk(made, 1, 0)  # weights 2, 1 of 3; half of all starts so far were in either cell
    assert made.end_stage()["mismatch.rho"] == pytest.approx((2 / 3) / (1 / 2))


def test_a_mismatch_that_nothing_covers_is_absent():
    made = visitation(beta=1.0)
    walk(made, 0)
    made.end_stage()
    walk(made, 3)
    assert made.end_stage().keys() == {"uncovered.rho", "uncovered.mixture", "mismatch.rho"}


def test_its_state_goes_through_json():
    made, other = visitation(), visitation()
    for bins in ((0, 1), (0, 3)):
        walk(made, *bins)
    made.end_stage()
    walk(made, 0, 4)
    made.visit(np.zeros(3, np.float32), 0)
    other.resume(json.loads(json.dumps(made.state(), sort_keys=True)))
    for each in (made, other):
        each.end_episode()
    assert other.end_stage() == made.end_stage()
