from __future__ import annotations

import pytest

from vlmrl_ros.core.bring_up import LEADS_TO, BringUp

NAMES = ("learner", "teleop", "bridge")


def started(*states: str) -> BringUp:
    """A bring-up that has heard of the nodes, at 0 s."""
    made = BringUp(NAMES, 3.0)
    for name, state in zip(NAMES, states, strict=False):
        made.hear(name, state, 0.0)
    return made


def done(made: BringUp, now_s: float = 0.0) -> list[tuple[str, str]]:
    """Do all that is due."""
    steps = []
    while due := made.due():
        steps += due
        for name, transition in due:
            made.hear(name, LEADS_TO[transition], now_s)
    return steps


def test_all_are_configured_in_order_and_then_activated_in_order():
    made = started("unconfigured", "unconfigured", "unconfigured")
    assert not made.complete
    assert done(made) == [(name, what) for what in ("configure", "activate") for name in NAMES]
    assert made.complete
    assert made.due() == []


def test_a_node_not_heard_of_yet_holds_those_behind_it():
    made = started("unconfigured")
    assert done(made) == [("learner", "configure")]
    assert made.waits_for() == "teleop"
    made.hear("bridge", "unconfigured", 0.0)
    assert made.due() == []
    made.hear("teleop", "unconfigured", 0.0)
    assert made.due() == [("teleop", "configure")]


def test_one_that_takes_the_place_of_a_dead_one_is_brought_up_alone():
    made = started("active", "active", "active")
    assert made.complete
    assert made.hear("teleop", "unconfigured", 5.0)
    assert not made.complete
    assert done(made) == [("teleop", "configure"), ("teleop", "activate")]
    assert made.complete


def test_those_that_died_together_do_not_wait_for_each_other():
    made = started("active", "active", "active")
    made.hear("teleop", "unconfigured", 5.0)
    made.hear("learner", "unconfigured", 5.0)
    assert made.due() == [("learner", "configure"), ("teleop", "configure")]
    made.hear("teleop", "inactive", 9.0)
    assert made.silent(9.0) == ["learner", "bridge"], "the learner is busy"
    assert made.due() == [("teleop", "activate")]


def test_a_manager_that_was_started_again_does_only_what_is_missing():
    assert done(started("active", "inactive", "unconfigured")) == [
        ("bridge", "configure"),
        ("teleop", "activate"),
        ("bridge", "activate"),
    ]


def test_a_node_that_somebody_has_deactivated_is_left_alone():
    made = started("active", "active", "active")
    made.hear("teleop", "inactive", 1.0)
    assert made.complete
    assert made.due() == []


def test_a_node_that_falls_silent_is_said_and_well_again_when_it_returns():
    made = started("active", "active", "active")
    for now_s in (1.0, 2.0, 3.5):
        made.hear("learner", "active", now_s)
        made.hear("bridge", "active", now_s)
    assert made.silent(2.9) == []
    assert made.silent(3.6) == ["teleop"]
    assert made.state("teleop") == ""
    assert made.complete, "it may only be busy"
    made.hear("teleop", "active", 4.0)
    assert made.silent(4.1) == []


def test_a_node_that_dies_while_it_is_brought_up_is_waited_for():
    made = started("active", "inactive", "active")
    assert made.due() == [("teleop", "activate")]
    made.silent(10.0)
    assert made.due() == []
    assert made.waits_for() == "teleop"


@pytest.mark.parametrize("name", ["stranger", ""])
def test_others_are_ignored(name):
    made = started("active", "active", "active")
    assert not made.hear(name, "unconfigured", 0.0)
    assert made.complete


def test_a_node_that_is_busy_with_a_question_is_told_from_one_that_never_got_it():
    made = started("unconfigured")
    assert not made.heard_since("learner", 0.5), "no heartbeat: it is busy, and is not asked again"
    made.hear("learner", "unconfigured", 1.0)
    assert made.heard_since("learner", 0.5)
    assert not made.heard_since("teleop", 0.5)
