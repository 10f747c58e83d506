from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from fakes.steps import DT_NS, PARTS, parts_of, step
from hypothesis import given
from hypothesis import strategies as st

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.join import HORIZON_NS, QUIET_S, UNHEARD_S, PartJoin, StepJoin

FAR_NS = 2 * HORIZON_NS


def put(join: PartJoin, stamp_ns: int, parts: str) -> list[int]:
    """Put parts of one letter each; returns the stamps that are handed out."""
    return [stamp for part in parts for stamp, _ in join.put(stamp_ns, part, part.upper())]


@pytest.mark.parametrize(("parts", "window"), [((), 8), (("a",), 0), (("a",), -1)])
def test_a_join_without_parts_or_window_is_refused(parts, window):
    with pytest.raises(ConfigError, match="parts and a window of 1 or more"):
        PartJoin(parts, window)


@pytest.mark.parametrize("order", ["abc", "cba", "bca"])
def test_a_record_comes_out_with_its_last_part_whatever_the_order(order):
    join = PartJoin("abc")
    assert put(join, 1, order[:2]) == []
    assert join.put(1, order[2], order[2].upper()) == [(1, {"a": "A", "b": "B", "c": "C"})]


def test_a_part_that_comes_twice_counts_once_and_the_newer_one_is_kept():
    join = PartJoin("ab")
    assert join.put(1, "a", "old") == join.put(1, "a", "new") == []
    assert join.put(1, "b", 0) == [(1, {"a": "new", "b": 0})]
    assert join.late == 1


def test_a_record_that_was_handed_out_is_never_opened_again():
    join = PartJoin("ab")
    assert put(join, 5, "ab") == [5]
    assert put(join, 5, "ab") == put(join, 4, "ab") == []
    assert join.late == 4
    assert join.dropped == 0


def test_a_complete_record_comes_out_at_once_and_older_ones_lack_what_was_lost():
    join = PartJoin("ab")
    put(join, 1, "a")
    put(join, 2, "b")
    assert put(join, 3, "ab") == [3]
    assert join.dropped == 2
    assert put(join, 1, "b") == put(join, 2, "a") == []
    assert join.late == 2


def test_of_too_many_open_records_those_of_a_single_part_go_first():
    join = PartJoin("abc", window=3)
    put(join, 1, "ab")
    for stamp in range(2, 50):
        put(join, stamp, "c")
    assert join.dropped == 46
    assert put(join, 1, "c") == [1]


def test_of_records_that_are_all_begun_the_one_that_was_left_longest_goes():
    join = PartJoin("abc", window=2)
    put(join, 1, "ab")
    put(join, 2, "ab")
    put(join, 3, "ab")
    assert put(join, 2, "c") == [2]
    assert join.dropped == 1


def test_stamps_from_the_far_future_are_kept_apart_and_close_nothing():
    join = PartJoin("ab")
    assert put(join, 1, "ab") == [1]
    assert put(join, FAR_NS, "ab") == put(join, 2 * FAR_NS, "ab") == []
    assert join.strayed == 4
    assert not join.expects(FAR_NS)
    assert join.expects(2)
    assert put(join, 2, "ab") == [2]
    assert put(join, 3 * FAR_NS, "ab") == [], "what came before the last record counts no more"
    assert put(join, 3, "ab") == [3]
    assert (join.dropped, join.late) == (0, 0)


def test_time_that_has_really_jumped_is_followed_and_no_record_is_lost():
    join = PartJoin("ab")
    put(join, 1, "ab")
    put(join, 2, "a")
    put(join, 5 * FAR_NS, "a")
    assert put(join, FAR_NS, "ab") == put(join, FAR_NS + 1, "ab") == []
    assert put(join, FAR_NS + 2, "ab") == [FAR_NS, FAR_NS + 1, FAR_NS + 2]
    assert put(join, FAR_NS + 3, "ab") == [FAR_NS + 3]
    assert join.dropped == 1
    assert put(join, 2, "b") == []


STRANGE_NS = st.one_of(
    st.integers(-(2**63), 2**63),
    st.sampled_from([0, -1, FAR_NS, FAR_NS * 1000, 2**31 * 10**9]),
    st.integers(1, 10 * DT_NS),
).filter(lambda stamp: not 0 < stamp <= 10 * DT_NS or stamp % DT_NS)
SOME_PARTS = st.sets(st.sampled_from(PARTS), min_size=1, max_size=len(PARTS) - 1)


@given(strangers=st.dictionaries(STRANGE_NS, SOME_PARTS, max_size=30), seed=st.integers(0, 2**32))
def test_a_stranger_with_stamps_of_its_own_costs_no_step(strangers, seed):
    """A stranger that completes steps, or uses the stamps of others, needs SROS to be told apart."""
    rng = np.random.default_rng(seed)
    join, joined = StepJoin(), []
    made = [step(0, k) for k in range(10)]
    own = [(one.stamp_ns, name, value) for one in made for name, value in parts_of(one).items()]
    junk = [(stamp_ns, part, "junk") for stamp_ns, parts in strangers.items() for part in sorted(parts)]
    from_stranger = rng.permutation([True] * len(junk) + [False] * len(own))
    own_left, junk_left = iter(own), iter(rng.permutation(len(junk)))
    for strange in from_stranger:
        joined += join.put(*(junk[next(junk_left)] if strange else next(own_left)))
    assert [one.stamp_ns for one in joined] == [one.stamp_ns for one in made]


def test_a_flood_on_one_topic_opens_no_more_than_the_window_and_costs_no_step():
    join, joined = StepJoin(window=64), []
    made = [step(0, k) for k in range(5)]
    for one in made:
        for k, (name, value) in enumerate(parts_of(one).items()):
            joined += join.put(one.stamp_ns, name, value)
            for j in range(1000 if k else 60):
                assert join.put(one.stamp_ns + 1 + j, "executed", "junk") == []
    assert [one.stamp_ns for one in joined] == [one.stamp_ns for one in made]
    assert len(join._join._open) <= 64


def test_after_a_reset_earlier_stamps_are_welcome_again():
    join = PartJoin("ab")
    put(join, 10, "ab")
    put(join, 11, "a")
    join.reset()
    assert put(join, 1, "ab") == [1]
    assert put(join, 11, "b") == []


def test_a_step_holds_every_part_and_the_frames_of_its_cameras():
    join, made = StepJoin(["wrist"]), step(2, 3, human=True, edge=True)
    for name, value in parts_of(made).items():
        assert join.put(made.stamp_ns, name, value) == []
    (joined,) = join.put(made.stamp_ns, "wrist", "a frame")
    assert joined.observation == {"state": made.observation["state"], "wrist": "a frame"}
    for name in ("stamp_ns", *PARTS[1:]):
        assert getattr(joined, name) is getattr(made, name) or getattr(joined, name) == getattr(made, name)


@given(data=st.data(), count=st.integers(1, 8))
def test_any_interleaving_of_the_topics_gives_every_step_in_order(data, count):
    """Each topic keeps its order; how they mix is free, as far as the window reaches."""
    made = [step(0, k) for k in range(count)]
    topics = {name: deque(made) for name in PARTS}
    join, joined = StepJoin(window=8), []
    while waiting := [name for name in PARTS if topics[name]]:
        name = data.draw(st.sampled_from(waiting))
        one = topics[name].popleft()
        joined += join.put(one.stamp_ns, name, parts_of(one)[name])
    assert [one.stamp_ns for one in joined] == [one.stamp_ns for one in made]
    assert join.dropped == 0


@given(order=st.permutations([(k, name) for k in range(4) for name in ("a", "b")]))
def test_records_never_come_out_twice_or_out_of_order_however_parts_are_shuffled(order):
    join = PartJoin("ab")
    out = [stamp for k, name in order for stamp, _ in join.put(k, name, None)]
    assert out == sorted(set(out))
    assert join.late + join.dropped + 2 * len(out) == len(order)
    assert not join._open


def test_a_step_that_the_bridge_left_behind_is_given_up_and_the_next_ones_go_on():
    join = PartJoin(("state", "command", "executed"))
    join.put(1, "state", "s1")
    join.put(1, "executed", "e1")
    join.put(2, "state", "s2")
    assert join.give_up("executed") == [1]
    assert join.dropped == 1
    join.put(2, "command", "c2")
    assert [stamp for stamp, _ in join.put(2, "executed", "e2")] == [2]


def test_a_step_that_the_bridge_still_waits_at_is_not_given_up():
    join = PartJoin(("state", "command", "executed"))
    join.put(1, "state", "s1")
    assert join.give_up("executed") == []
    join.put(1, "command", "c1")
    assert [stamp for stamp, _ in join.put(1, "executed", "e1")] == [1]


def test_what_a_topic_kept_is_waited_for_until_its_sender_has_been_found():
    """After a restart topics are found one after the other, each with the steps that it kept: none is lost yet."""
    join = PartJoin("abc", after_ns=4)
    assert put(join, 5, "ac") == put(join, 6, "ac") == []
    assert join.patience_s == UNHEARD_S > QUIET_S
    assert put(join, 5, "b") == [5]
    assert join.patience_s == QUIET_S
    assert join.give_up("c") == [6]


def test_a_topic_of_which_all_was_known_before_has_been_heard():
    join = PartJoin("abc", after_ns=4)
    assert put(join, 4, "abc") == []
    assert join.patience_s == QUIET_S
