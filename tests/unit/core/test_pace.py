from __future__ import annotations

import pytest

from vlmrl_ros.core.pace import Pace


def ticked(times_s, period_s=0.1, **options):
    pace = Pace(period_s, **options)
    for time_s in times_s:
        pace.tick(time_s)
    return pace


def test_before_the_second_tick_nothing_is_known():
    assert ticked([]).jitter_p99_s() == ticked([5.0]).jitter_p99_s() == 0.0
    assert ticked([5.0]).missed == 0


def test_a_perfect_clock_has_no_jitter_and_misses_nothing():
    pace = ticked([10 + 0.1 * k for k in range(200)])
    assert pace.jitter_p99_s() == pytest.approx(0.0, abs=1e-9)
    assert pace.missed == 0


def test_jitter_is_the_deviation_of_the_period_to_both_sides():
    early_and_late = [0.0]
    for k in range(100):
        early_and_late.append(early_and_late[-1] + (0.09 if k % 2 else 0.11))
    assert ticked(early_and_late).jitter_p99_s() == pytest.approx(0.01)


def test_one_late_tick_in_fifty_shows_in_the_99th_percentile_and_one_in_a_thousand_does_not():
    def late_every(n):
        times = [0.0]
        for k in range(1, 1001):
            times.append(times[-1] + (0.14 if k % n == 0 else 0.1))
        return ticked(times).jitter_p99_s()

    assert late_every(50) == pytest.approx(0.04)
    assert late_every(1000) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(("gap_s", "missed"), [(0.1, 0), (0.14, 0), (0.2, 1), (0.5, 4)])
def test_ticks_that_never_came_are_counted(gap_s, missed):
    assert ticked([0.0, 0.1, 0.1 + gap_s]).missed == missed


def test_old_jitter_leaves_the_window_but_missed_ticks_stay_counted():
    pace = ticked([0.0, 1.0, *(1.0 + 0.1 * k for k in range(1, 30))], window=10)
    assert pace.jitter_p99_s() == pytest.approx(0.0, abs=1e-9)
    assert pace.missed == 9
