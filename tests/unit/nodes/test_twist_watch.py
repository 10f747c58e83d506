from __future__ import annotations

import pytest

from vlmrl_ros.nodes.bench.twist_watch import TwistJudge


def told(*moves: bool, period_s: float = 0.02) -> TwistJudge:
    """An arm that is told so, from 10.0 s on."""
    judge = TwistJudge(0.1)
    for index, each in enumerate(moves):
        judge.hear(each, 10.0 + index * period_s)
    return judge


@pytest.mark.parametrize(("moving", "ticks"), [(1, 1), (4, 1), (6, 2), (10, 3)])
def test_a_tick_that_has_begun_counts_until_the_first_zero(moving, ticks):
    assert told(*[True] * moving, *[False] * 10).ticks_to_zero(9.99) == ticks


def test_a_zero_that_motion_follows_is_no_stop():
    assert told(True, False, *[True] * 5, False).ticks_to_zero(9.99) == 2
    assert told(True, False, True).ticks_to_zero(9.99) is None


def test_who_says_nothing_has_not_stopped_the_arm():
    assert told(True, True).ticks_to_zero(10.5) is None


def test_motions_after_a_moment_are_counted():
    assert told(True, True, False, True).moving_since(10.01) == 2
