from __future__ import annotations

import itertools

import pytest

from vlmrl_ros.core.streams import stream


def draw(*arguments):
    return stream(*arguments).integers(0, 2**63, 4).tolist()


def test_equal_arguments_give_the_same_stream():
    assert draw(3, "task", 5, 7) == draw(3, "task", 5, 7)


def test_streams_of_other_seeds_roles_episodes_and_steps_have_nothing_in_common():
    keys = list(itertools.product((0, 1, 7), ("task", "policy"), (0, 1, 2), (0, 1)))
    drawn = [tuple(draw(*key)) for key in keys]
    assert len(set(itertools.chain.from_iterable(drawn))) == 4 * len(keys)


def test_a_stream_does_not_depend_on_what_was_drawn_from_another():
    before = draw(0, "task", 2)
    stream(0, "task", 1).random(1000)
    assert draw(0, "task", 2) == before


def test_streams_are_the_same_on_every_machine():
    assert stream(0, "task", 1).integers(0, 1000, 5).tolist() == [723, 88, 259, 613, 428]


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="non-negative"):
        stream(-1, "task")
