from __future__ import annotations

import pytest

from vlmrl_ros.core.followers import Followers

DT_NS = 100


@pytest.mark.parametrize(
    ("lag", "done_ns", "behind"), [(0, 800, "learner"), (0, 900, None), (2, 600, "learner"), (2, 700, None)]
)
def test_a_step_may_come_when_the_one_before_it_or_so_many_more_are_done_with(lag, done_ns, behind):
    followers = Followers(DT_NS, {"learner": lag})
    followers.hear("learner", done_ns)
    assert followers.behind(1000) == behind


def test_who_is_not_waited_for_is_never_behind_and_the_first_of_two_is_named():
    followers = Followers(DT_NS, {"learner": -1, "recorder": 0})
    assert followers.behind(1000) == "recorder"
    assert Followers(DT_NS, {"learner": 0, "recorder": 0}).behind(1000) == "learner"
    assert Followers(DT_NS, {"learner": -1, "recorder": -1}).behind(10**18) is None


def test_an_old_answer_takes_nothing_back_and_a_run_that_goes_on_counts_as_answered():
    followers = Followers(DT_NS, {"learner": 0, "recorder": 0})
    followers.hear("recorder", 900)
    followers.hear("recorder", 300)
    assert followers.behind(1000) == "learner"
    assert (followers.has_answered("learner"), followers.has_answered("recorder")) == (False, True)
    followers.go_on(5000)
    assert followers.behind(5100) is None
    assert followers.has_answered("learner")
