from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.types import Feedback, Intervention, Source, Step
from vlmrl_ros.policies.evaluation.episodes import (
    Episode,
    episode_of,
    human_share,
    report,
    takeovers_per_episode,
)


def steps(active: list[bool], success: bool = True) -> list[Step]:
    zero, made = np.zeros(1, np.float32), []
    for k, held in enumerate(active):
        edge = held and (k == 0 or not active[k - 1])
        outcome = Feedback(0.5, False, k == len(active) - 1, success and k == len(active) - 1, 3, k)
        decided = Intervention(held, edge, -float(edge), Source.HUMAN if held else Source.POLICY)
        made.append(Step(k, {"state": zero}, outcome, zero, zero, zero, decided))
    return made


def test_an_episode_counts_transitions_takeovers_and_a_persons_steps():
    summary = episode_of(steps([False, True, True, False, False, True, False]))
    assert summary == Episode(steps=6, success=True, takeovers=2, human_steps=3, task_return=3.0)


def test_a_takeover_at_the_last_observation_counts_though_nobody_acts_there():
    summary = episode_of(steps([False, False, True], success=False))
    assert (summary.takeovers, summary.human_steps, summary.success) == (1, 0, False)


def test_steps_of_two_episodes_are_no_episode():
    mixed = steps([False] * 3)
    mixed[2] = dataclasses.replace(mixed[2], feedback=dataclasses.replace(mixed[2].feedback, episode=4))
    for bad in (mixed, mixed[:1]):
        with pytest.raises(ConfigError, match="2 or more steps of one episode"):
            episode_of(bad)


def test_a_report_gives_rates_with_intervals():
    episodes = [Episode(50, k % 10 != 0, 0, 0, 8.0) for k in range(100)]
    summary = report(episodes, np.random.default_rng(0))
    assert summary.episodes == 100
    assert summary.success.low < summary.success.mean == 0.9 < summary.success.high
    assert (summary.length.mean, summary.task_return.mean) == (50.0, 8.0)


def test_help_is_measured_by_episode_and_by_step():
    episodes = [Episode(10, True, 4, 5, 0.0), Episode(30, True, 0, 0, 0.0)]
    assert takeovers_per_episode(episodes) == 2.0
    assert human_share(episodes) == pytest.approx(5 / 40)
    assert human_share([]) == 0.0
