from __future__ import annotations

import math

import pytest

from vlmrl_ros.core.errors import ConfigError, NonFiniteError
from vlmrl_ros.core.text_episode import Normalisation, Segment, TextEpisode, TextTurn


def test_an_episode_that_remembers_is_one_text_in_segments():
    turns = (TextTurn("Go:\n", "a b\n", -1.0), TextTurn("Go:\na b\nno\n", "b b\n", 0.0))
    episode = TextEpisode(turns, terminated=True)
    assert episode.grows
    assert episode.segments() == (
        Segment("Go:\n", False, 0.0),
        Segment("a b\n", True, -1.0),
        Segment("no\n", False, 0.0),
        Segment("b b\n", True, 0.0),
    )
    assert episode.undiscounted_return == -1.0


def test_prompts_without_a_memory_follow_one_another():
    episode = TextEpisode((TextTurn("at 1\n", "up\n", -1.0), TextTurn("at 2\n", "up\n", 0.0)), terminated=False)
    assert not episode.grows
    assert [segment.text for segment in episode.segments()] == ["at 1\n", "up\n", "at 2\n", "up\n"]


@pytest.mark.parametrize(("value", "score"), [(-101, 0), (-83, 50), (-6.84, 100), (-92, 25), (-44.92, 75)])
def test_scores_are_0_50_and_100_at_the_anchors_and_straight_between(value, score):
    assert Normalisation(-101, -83, -6.84).score(value) == pytest.approx(score)


def test_the_scores_of_the_papers_raw_returns_come_out():
    assert Normalisation(-6, -4.12, -1.94).score(-2.81) == pytest.approx(79.9, abs=0.2)
    assert Normalisation(-6, -4.12, -1.94).score(-2.04) == pytest.approx(97.7, abs=0.05)


@pytest.mark.parametrize("anchors", [(0.0, 0.0, 1.0), (1.0, 0.5, 2.0), (0.0, math.nan, 1.0)])
def test_anchors_that_do_not_rise_are_refused(anchors):
    with pytest.raises(ConfigError, match="valid: rising"):
        Normalisation(*anchors)


def test_a_return_that_is_not_finite_has_no_score():
    with pytest.raises(NonFiniteError, match="nan"):
        Normalisation(0, 1, 2).score(math.nan)
