from __future__ import annotations

import json
import math

from fakes.steps import episode, step

from vlmrl_ros.core.episode_log import EpisodeLog, EpisodeRecord, takeovers_per_episode


def logged(*episodes):
    log = EpisodeLog()
    steps = 0
    for made in episodes:
        for one in made:
            log.append(one, steps)
            steps += one.feedback.step > 0
    return log


def record(online_steps: int, takeovers: int) -> EpisodeRecord:
    return EpisodeRecord(0, online_steps, 10, takeovers, 0, 0.0, False)


def test_an_episode_is_recorded_when_it_ends():
    log, steps = EpisodeLog(), episode(3, 4, (2, 3), success=True, reward=0.5)
    assert [log.append(one, 7) for one in steps[:-1]] == [None] * 4
    made = log.append(steps[-1], 7)
    assert made == EpisodeRecord(3, 7, steps=4, takeovers=1, human_steps=2, task_return=2.0, success=True)
    assert log.records == [made]


def test_each_takeover_of_an_episode_is_counted():
    (made,) = logged(episode(0, 8, (1, 4, 5, 8))).records
    assert made.takeovers == 3
    assert made.human_steps == 3, "at the last step nobody acts any more"


def test_a_takeover_at_the_last_observation_counts_although_nothing_moves_any_more():
    (made,) = logged(episode(0, 3, (3,))).records
    assert (made.takeovers, made.human_steps) == (1, 0)


def test_an_episode_driven_from_end_to_end_is_a_demonstration_and_no_online_episode():
    log = logged(episode(0, 3, range(4)), episode(1, 3), episode(2, 3, (1,)))
    assert [made.demonstration for made in log.records] == [True, False, False]
    assert [made.autonomous for made in log.records] == [False, True, False]
    assert [made.episode for made in log.online()] == [1, 2]


def test_an_episode_whose_end_is_missing_leaves_no_record_and_nothing_in_the_next_one():
    log = logged(episode(0, 5, (1, 2), reward=1.0)[:4], episode(1, 2, reward=1.0))
    (made,) = log.records
    assert (made.episode, made.steps, made.takeovers, made.task_return) == (1, 2, 0, 2.0)


def test_an_episode_of_one_lonely_last_step_is_no_demonstration():
    (made,) = logged([step(0, 4, human=True, truncated=True)]).records
    assert (made.steps, made.demonstration) == (0, False)


def test_the_takeover_rate_is_the_mean_over_the_episodes_that_ended_in_the_window():
    records = [record(100, 4), record(200, 2), record(300, 1), record(400, 0)]
    assert takeovers_per_episode(records, 0, 200) == 3.0
    assert takeovers_per_episode(records, 200, 400) == 0.5
    assert takeovers_per_episode(records, 100, 200) == 2.0


def test_a_window_without_episodes_has_no_rate():
    assert math.isnan(takeovers_per_episode([record(100, 4)], 100, 200))


def test_records_are_plain_json():
    log = logged(episode(0, 3, (1,)), episode(1, 3))
    assert json.loads(json.dumps(log.to_json()))[1]["episode"] == 1
