from __future__ import annotations

from fakes.steps import episode

from vlmrl_ros.core.preload import Preloaded, preload


class Kept:
    """A learner's memory alone."""

    def __init__(self) -> None:
        self.items: list = []

    def add(self, item) -> None:
        self.items.append(item)

    def numbers(self):
        return [(t.before.feedback.episode, t.before.feedback.step, t.demonstration) for t in self.items]


class Judging(Kept):
    """One that knows from a reward what a failure was worth."""

    learns_from_failures = True


SHOWN = episode(0, 3, range(4), success=True)
FAILED = episode(1, 4, range(5))
MIXED = episode(2, 5, (2, 3), success=True)


def test_demonstrations_alone_are_given_and_the_rest_is_counted():
    kept = Kept()
    assert preload(kept, [[*SHOWN, *FAILED, *MIXED]], everything=False) == Preloaded(1, 1, 3, 5)
    assert kept.numbers() == [(0, k, True) for k in range(3)]


def test_everything_is_given_but_demonstrations_that_failed():
    kept = Kept()
    assert preload(kept, [[*SHOWN, *FAILED, *MIXED]], everything=True) == Preloaded(1, 1, 3, 5)
    assert kept.numbers() == [*((0, k, True) for k in range(3)), *((2, k, False) for k in range(5))]


def test_who_learns_from_failures_is_given_them_as_ordinary_transitions_but_not_for_demonstrations():
    kept, shown = Judging(), Judging()
    assert preload(kept, [[*SHOWN, *FAILED, *MIXED]], everything=True) == Preloaded(1, 1, 3, 9)
    failed = [(1, k, False) for k in range(4)]
    assert kept.numbers() == [*((0, k, True) for k in range(3)), *failed, *((2, k, False) for k in range(5))]
    assert preload(shown, [[*SHOWN, *FAILED, *MIXED]], everything=False) == Preloaded(1, 1, 3, 5)
    assert shown.numbers() == [(0, k, True) for k in range(3)]


def test_no_transition_leads_from_one_stream_to_another_nor_shares_its_frames():
    first, second = episode(0, 4)[:3], episode(0, 4)[3:]
    kept = Kept()
    preload(kept, [first, second], everything=True)
    assert kept.numbers() == [(0, 0, False), (0, 1, False), (0, 3, False)]
    assert [t.arm for t in kept.items] == [-1, -1, -2]


def test_a_demonstration_that_is_cut_off_is_left_out():
    kept = Kept()
    assert preload(kept, [SHOWN[:-1]], everything=True) == Preloaded()
    assert kept.items == []
