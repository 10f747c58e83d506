from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.core.errors import RangeError, ShapeError
from vlmrl_ros.core.mixture import Mixture

HALVES = Mixture(("a", "b", "c"), (0.5, 0.0, 0.5))


@pytest.mark.parametrize("mixture", [HALVES, Mixture.of_one(("a", "b"), 1, last_episode=7)])
def test_a_mixture_arrives_as_it_was_sent(mixture):
    assert Mixture.from_json(mixture.to_json()) == mixture


def test_candidates_are_drawn_as_often_as_they_should_be():
    drawn = [HALVES.draw(np.random.default_rng(seed)) for seed in range(400)]
    assert set(drawn) == {0, 2}
    assert drawn.count(0) == pytest.approx(200, abs=50)


def test_one_that_another_will_follow_covers_no_later_episode():
    trial = Mixture.of_one(("a", "b"), 0, last_episode=3)
    assert [trial.covers(episode) for episode in (0, 3, 4)] == [True, True, False]
    assert HALVES.covers(10**6)


@pytest.mark.parametrize(
    ("text", "error", "line"),
    [
        ("", ShapeError, "not a mixture"),
        ("[1]", ShapeError, "not a mixture"),
        ('{"names": ["a"], "probabilities": [1.0]}', ShapeError, "last_episode"),
        ('{"names": ["a", "b"], "probabilities": [1.0], "last_episode": null}', ShapeError, "one for each name"),
        ('{"names": ["a", "a"], "probabilities": [0.5, 0.5], "last_episode": null}', ShapeError, "each name once"),
        ('{"names": ["a", "b"], "probabilities": [0.5, 0.6], "last_episode": null}', RangeError, "sum to 1.1"),
        ('{"names": ["a", "b"], "probabilities": [1.5, -0.5], "last_episode": null}', RangeError, "0 or more each"),
        ('{"names": ["a", "b"], "probabilities": [NaN, 1.0], "last_episode": null}', RangeError, "sum to nan"),
        ('{"names": ["a"], "probabilities": [1.0], "last_episode": -1}', RangeError, "up to episode -1"),
    ],
)
def test_what_is_no_mixture_is_refused(text, error, line):
    with pytest.raises(error, match=line):
        Mixture.from_json(text)
