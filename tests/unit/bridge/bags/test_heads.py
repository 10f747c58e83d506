"""A bag begins with the latched messages that are in force, and says where a new one came."""

from __future__ import annotations

import pytest
from fakes.steps import episode

from vlmrl_ros.bridge.bags.heads import Heads
from vlmrl_ros.core.mcap import Message

FIRST, MIDDLE, LAST = (step.feedback for step in episode(0, 2))


@pytest.fixture
def heads() -> Heads:
    """Within an episode, with a spec and an instruction."""
    made = Heads()
    for name in ("spec", "instruction"):
        made.put(name, b"old")
    assert made.take(1, FIRST) == ((Message("spec", 1, b"old"), Message("instruction", 1, b"old")), ())
    return made


def test_a_new_message_within_an_episode_stands_at_the_next_step_once(heads):
    heads.put("instruction", b"new")
    assert heads.take(2, MIDDLE)[1] == (Message("instruction", 2, b"new"),)
    begins, news = heads.take(3, MIDDLE)
    assert Message("instruction", 3, b"new") in begins
    assert news == ()


def test_a_message_that_is_known_already_is_no_news(heads):
    heads.put("instruction", b"old")
    assert heads.take(2, MIDDLE)[1] == ()


def test_the_first_message_of_a_topic_is_news_once_a_step_is_recorded(heads):
    heads.put("late", b"first")
    assert heads.take(2, MIDDLE)[1] == (Message("late", 2, b"first"),)


def test_what_comes_with_the_end_of_an_episode_is_of_the_next_one_which_begins_with_it(heads):
    heads.put("instruction", b"new")
    assert heads.take(2, LAST)[1] == ()
    begins, news = heads.take(3, FIRST)
    assert Message("instruction", 3, b"new") in begins
    assert news == ()
