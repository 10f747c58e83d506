from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.sim.channel import Channel


def carried(channel: Channel[int], count: int, period_s: float) -> list[tuple[int, float]]:
    """Send numbers at a steady pace and look every 0.1 ms; returns (number, delay in s) of what arrived."""
    seen, now_s, sent = [], 0.0, 0
    while now_s < count * period_s + 1.0:
        if sent < count and now_s >= sent * period_s:
            channel.put(now_s, sent)
            sent += 1
        seen += [(item, now_s - item * period_s) for item in channel.due(now_s)]
        now_s += 1e-4
    return seen


def test_without_latency_everything_arrives_at_once(rng):
    channel: Channel[str] = Channel(0.0, 0.0, 0.0, rng)
    channel.put(1.0, "a")
    channel.put(1.0, "b")
    assert channel.due(1.0) == ["a", "b"]
    assert channel.due(2.0) == []


def test_nothing_arrives_before_its_time_and_everything_after(rng):
    channel: Channel[str] = Channel(0.03, 0.0, 0.0, rng)
    channel.put(5.0, "a")
    assert channel.due(5.0299) == []
    assert channel.due(5.0301) == ["a"]


def test_delays_have_the_mean_and_the_deviation_that_are_asked_for(rng):
    delays = [delay for _, delay in carried(Channel(0.03, 0.005, 0.0, rng), 1000, 0.1)]
    assert np.mean(delays) == pytest.approx(0.03, abs=0.001)
    assert np.std(delays) == pytest.approx(0.005, rel=0.15)


def test_messages_never_overtake_each_other_nor_arrive_before_they_are_sent(rng):
    seen = carried(Channel(0.005, 0.02, 0.0, rng), 500, 0.002)
    assert [item for item, _ in seen] == list(range(500))
    assert min(delay for _, delay in seen) > -1e-4


def test_the_asked_share_is_lost_and_counted(rng):
    channel: Channel[int] = Channel(0.0, 0.0, 0.1, rng)
    seen = carried(channel, 2000, 0.001)
    assert channel.dropped == 2000 - len(seen)
    assert channel.dropped == pytest.approx(200, abs=50)


def test_one_seed_loses_the_same_messages_whatever_the_latency():
    def lost(latency_s: float) -> set[int]:
        channel: Channel[int] = Channel(latency_s, 0.001, 0.2, np.random.default_rng(4))
        return set(range(100)) - {item for item, _ in carried(channel, 100, 0.01)}

    assert lost(0.0) == lost(0.03) != set()
