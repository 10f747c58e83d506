from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.stream_buffer import AHEAD_NS, Policy, StreamBuffer, Verdict

LIMIT_S = 0.2
LIMIT_NS = 200_000_000
MS = 1_000_000
START = 1_800_000_000 * 1_000_000_000


class Clocks:
    """A wall clock that can jump and a steady clock that cannot."""

    def __init__(self) -> None:
        self.wall, self.steady = START, 5_000

    def pass_ms(self, ms: int) -> None:
        self.wall += ms * MS
        self.steady += ms * MS


def put(buffer: StreamBuffer, clocks: Clocks, value: str, latency_ms: int = 0) -> Verdict:
    return buffer.put(clocks.wall - latency_ms * MS, value, clocks.wall, clocks.steady)


def get(buffer: StreamBuffer, clocks: Clocks, tick_ns: int | None = None) -> str | None:
    found = buffer.get(clocks.wall if tick_ns is None else tick_ns, clocks.wall, clocks.steady)
    return None if found is None else found.value


def test_hold_gives_the_newest_value_until_it_is_too_old():
    buffer, clocks = StreamBuffer(LIMIT_S), Clocks()
    assert get(buffer, clocks) is None
    put(buffer, clocks, "a")
    clocks.pass_ms(200)
    assert get(buffer, clocks) == get(buffer, clocks) == "a"
    clocks.pass_ms(1)
    assert get(buffer, clocks) is None


def test_a_value_ages_from_its_stamp_on_also_while_it_was_under_way():
    buffer, clocks = StreamBuffer(LIMIT_S), Clocks()
    assert put(buffer, clocks, "slow", latency_ms=150) is Verdict.KEPT
    clocks.pass_ms(60)
    assert get(buffer, clocks) is None
    assert put(buffer, clocks, "too slow", latency_ms=201) is Verdict.OLD
    assert get(buffer, clocks) is None


def test_as_of_gives_the_newest_value_that_is_not_younger_than_the_tick():
    buffer, clocks = StreamBuffer(LIMIT_S, Policy.AS_OF), Clocks()
    put(buffer, clocks, "a")
    clocks.pass_ms(20)
    tick_ns = clocks.wall
    clocks.pass_ms(20)
    put(buffer, clocks, "b")
    assert get(buffer, clocks, tick_ns) == "a"
    assert get(buffer, clocks) == "b"
    assert get(buffer, clocks, tick_ns - 21 * MS) is None


def test_drop_gives_each_value_once():
    buffer, clocks = StreamBuffer(LIMIT_S, Policy.DROP), Clocks()
    put(buffer, clocks, "a")
    put(buffer, clocks, "b", latency_ms=-1)
    assert [get(buffer, clocks), get(buffer, clocks)] == ["b", None]
    clocks.pass_ms(5)
    put(buffer, clocks, "c")
    assert get(buffer, clocks) == "c"


def test_since_gives_what_came_after_a_stamp_in_order_of_stamp():
    buffer, clocks = StreamBuffer(LIMIT_S), Clocks()
    for latency_ms in (0, 30, 10, 20):
        put(buffer, clocks, f"{latency_ms} ms ago", latency_ms)
    newer = buffer.since(clocks.wall - 20 * MS, clocks.wall, clocks.steady)
    assert [kept.value for kept in newer] == ["10 ms ago", "0 ms ago"]


def test_a_late_value_does_not_replace_a_newer_one():
    buffer, clocks = StreamBuffer(LIMIT_S), Clocks()
    put(buffer, clocks, "new")
    assert put(buffer, clocks, "late", latency_ms=50) is Verdict.KEPT
    assert get(buffer, clocks) == "new"


def test_a_stamp_far_ahead_is_refused_and_counted_and_the_rest_goes_on():
    buffer, clocks = StreamBuffer(LIMIT_S), Clocks()
    put(buffer, clocks, "good")
    assert put(buffer, clocks, "ahead", latency_ms=-10_000) is Verdict.AHEAD
    assert get(buffer, clocks) == "good"
    assert buffer.counts[Verdict.AHEAD] == 1


def test_a_sender_whose_clock_jumps_back_is_refused_until_it_is_right_again():
    buffer, clocks = StreamBuffer(LIMIT_S), Clocks()
    put(buffer, clocks, "good")
    clocks.pass_ms(10)
    assert put(buffer, clocks, "from yesterday", latency_ms=86_400_000) is Verdict.OLD
    clocks.pass_ms(200)
    assert get(buffer, clocks) is None
    assert put(buffer, clocks, "good again") is Verdict.KEPT
    assert get(buffer, clocks) == "good again"


def test_when_all_clocks_are_set_back_the_buffer_begins_anew_with_the_next_value():
    buffer, clocks = StreamBuffer(LIMIT_S), Clocks()
    put(buffer, clocks, "before")
    clocks.wall -= 3600 * 1000 * MS
    assert get(buffer, clocks) is None, "its stamp is an hour ahead now"
    clocks.pass_ms(10)
    assert put(buffer, clocks, "after") is Verdict.REBASED
    assert get(buffer, clocks) == "after"
    assert [kept.value for kept in buffer.since(0, clocks.wall, clocks.steady)] == ["after"]


def test_when_all_clocks_are_set_ahead_old_values_are_missing_until_the_next_one():
    buffer, clocks = StreamBuffer(LIMIT_S), Clocks()
    put(buffer, clocks, "before")
    clocks.wall += 3600 * 1000 * MS
    assert get(buffer, clocks) is None
    assert put(buffer, clocks, "after") is Verdict.KEPT
    assert get(buffer, clocks) == "after"


def test_a_wall_clock_that_stands_still_makes_no_old_value_fresh():
    buffer, clocks = StreamBuffer(LIMIT_S), Clocks()
    put(buffer, clocks, "a")
    clocks.steady += LIMIT_NS + 1
    assert get(buffer, clocks) is None


@pytest.mark.parametrize(("age_limit_s", "size"), [(0.0, 1), (-1.0, 1), (float("nan"), 1), (0.1, 0)])
def test_a_limit_that_makes_no_sense_is_refused(age_limit_s, size):
    with pytest.raises(ConfigError, match="age_limit_s"):
        StreamBuffer(age_limit_s, size=size)


events = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(-400, 400)),
        st.tuples(st.just("pass"), st.integers(0, 300)),
        st.tuples(st.just("jump"), st.integers(-100_000, 100_000)),
        st.tuples(st.just("get"), st.integers(0, 100)),
    ),
    max_size=60,
)


@given(events, st.sampled_from(Policy), st.integers(1, 5))
def test_whatever_the_clocks_do_nothing_stale_passes_as_fresh(events, policy, size):
    buffer, clocks = StreamBuffer(LIMIT_S, policy, size), Clocks()
    received: dict[int, tuple[int, int]] = {}
    used: set[int] = set()
    for number, (event, ms) in enumerate(events):
        if event == "put":
            received[number] = (clocks.wall - ms * MS, clocks.steady)
            buffer.put(clocks.wall - ms * MS, number, clocks.wall, clocks.steady)
        elif event == "pass":
            clocks.pass_ms(ms)
        elif event == "jump":
            clocks.wall += ms * MS
        else:
            tick_ns = clocks.wall - ms * MS
            found = buffer.get(tick_ns, clocks.wall, clocks.steady)
            if found is None:
                continue
            stamp_ns, steady_ns = received[found.value]
            assert clocks.steady - steady_ns <= LIMIT_NS
            assert -AHEAD_NS <= clocks.wall - stamp_ns <= LIMIT_NS
            assert policy is not Policy.AS_OF or stamp_ns <= tick_ns
            assert policy is not Policy.DROP or found.value not in used
            used.add(found.value)
    assert sum(buffer.counts.values()) == len(received)


@given(st.lists(st.integers(-100_000, 100_000), max_size=10), st.sampled_from([Policy.HOLD, Policy.AS_OF]))
def test_after_any_jumps_a_good_value_is_found_at_once(jumps, policy):
    buffer, clocks = StreamBuffer(LIMIT_S, policy), Clocks()
    for ms in jumps:
        put(buffer, clocks, "then")
        clocks.wall += ms * MS
        clocks.pass_ms(1)
    clocks.pass_ms(1)
    put(buffer, clocks, "now")
    clocks.pass_ms(1)
    fresh = buffer.since(clocks.wall - 2 * MS, clocks.wall, clocks.steady)
    assert "now" in [kept.value for kept in fresh]
