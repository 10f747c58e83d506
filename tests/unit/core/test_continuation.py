from __future__ import annotations

from dataclasses import replace

import pytest

from vlmrl_ros.core.continuation import JUMP_NS, QUIET_S, Continuation, Place
from vlmrl_ros.core.join import HORIZON_NS

DT_NS = 100_000_000
END = Place(stamp_ns=50 * DT_NS, episode=3, last=True, demonstrations=2)
AMID = replace(END, last=False)
NOWHERE = Place(stamp_ns=0, episode=-1, last=False, demonstrations=0)


def begin(place: Place, in_sync: bool) -> tuple[int, int] | None:
    made = Continuation(DT_NS, in_sync)
    made.hear(place, 0.0)
    return made.begin(QUIET_S)


def test_in_sync_a_run_goes_on_after_an_episode_as_if_it_had_never_stopped():
    assert begin(END, in_sync=True) == (51 * DT_NS, 4)


@pytest.mark.parametrize(("place", "in_sync"), [(AMID, True), (AMID, False), (END, False)])
def test_otherwise_it_goes_on_beyond_all_that_anybody_may_have_seen(place, in_sync):
    stamp_ns, episode = begin(place, in_sync)
    assert (stamp_ns, episode) == (50 * DT_NS + JUMP_NS, 4)
    assert stamp_ns - place.stamp_ns < HORIZON_NS


@pytest.mark.parametrize("in_sync", [True, False])
def test_a_run_that_has_not_begun_begins(in_sync):
    assert begin(NOWHERE, in_sync) == (DT_NS, 0)


def test_stamps_stay_multiples_of_the_control_step():
    made = Continuation(70_000_000, in_sync=False)
    made.hear(replace(AMID, stamp_ns=700_000_000), 0.0)
    stamp_ns, _ = made.begin(1.0)
    assert stamp_ns % 70_000_000 == 0
    assert stamp_ns > 700_000_000


def test_it_waits_for_the_learner_to_speak_and_to_have_said_all():
    made = Continuation(DT_NS, in_sync=True)
    assert made.begin(100.0) is None
    made.hear(AMID, 100.0)
    assert made.begin(100.0 + QUIET_S / 2) is None
    made.hear(END, 100.0 + QUIET_S / 2)
    assert made.begin(100.0 + QUIET_S) is None
    made.hear(END, 100.0 + QUIET_S)
    assert made.begin(100.0 + 1.5 * QUIET_S) == (51 * DT_NS, 4)
