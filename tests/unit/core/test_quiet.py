from __future__ import annotations

from vlmrl_ros.core.quiet import TICK_S, Quiet


def test_silence_is_counted_in_whole_ticks_that_have_passed():
    quiet = Quiet()
    assert [quiet.tick() for _ in range(3)] == [0.0, TICK_S, 2 * TICK_S]


def test_what_is_heard_begins_it_anew():
    quiet = Quiet()
    for _ in range(5):
        quiet.tick()
    quiet.hear()
    assert quiet.tick() == 0.0
