from __future__ import annotations

from vlmrl_ros.core.restarts import LONGEST_DELAY_S, STEADY_S, WINDOW_S, Restarts


def deaths(restarts: Restarts, lives_s: list[float]) -> list[float | None]:
    """The delays after lives of the given lengths."""
    now_s, delays = 0.0, []
    for life_s in lives_s:
        now_s += life_s
        delays.append(restarts.next_delay_s(now_s))
        now_s += delays[-1] or 0.0
    return delays


def test_a_process_that_dies_for_the_first_time_is_started_at_once():
    assert deaths(Restarts(), [0.1]) == [0.0]


def test_one_that_dies_at_once_waits_twice_as_long_each_time_up_to_a_limit():
    assert deaths(Restarts(), [0.1] * 8) == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, LONGEST_DELAY_S, LONGEST_DELAY_S]


def test_one_that_lived_long_enough_is_started_at_once_again():
    delays = deaths(Restarts(), [0.1, 0.1, 0.1, STEADY_S + 1.0, 0.1])
    assert delays == [0.0, 0.5, 1.0, 0.0, 0.5]


def test_the_restarts_of_one_hour_are_counted():
    restarts = Restarts(limit=3)
    assert deaths(restarts, [20.0] * 4) == [0.0, 0.0, 0.0, None]


def test_restarts_of_long_ago_do_not_count():
    restarts = Restarts(limit=3)
    life_s = WINDOW_S / 2.0
    assert deaths(restarts, [life_s] * 9) == [0.0] * 9


def test_a_process_that_never_lives_is_given_up_within_minutes():
    restarts, delays = Restarts(), []
    while (delay_s := restarts.next_delay_s(sum(delays) + len(delays))) is not None:
        delays.append(delay_s)
    assert len(delays) == restarts.limit
    assert sum(delays) < 240.0
