from __future__ import annotations

from vlmrl_ros.core.types import Feedback, Intervention, Source
from vlmrl_ros.nodes.trials import EpisodeWatch, Trial, Trials

ALONE = Intervention(active=False, edge=False, reward=0.0, source=Source.POLICY)
TOUCHED = Intervention(active=True, edge=True, reward=-1.0, source=Source.HUMAN)


def arrival(step: int, reward: float = 0.0, last: bool = False) -> Feedback:
    return Feedback(reward, False, last, last, 0, step)


def test_candidates_are_tried_in_rounds_and_what_failed_is_tried_no_more():
    trials = Trials([2, 2, 2])
    trials.fail(1, 0.0)
    order = []
    while (arm := trials.next()) is not None:
        order.append(arm)
        trials.returns[arm].append(1.0)
    assert order == [0, 2, 0, 2]
    assert trials.returns == [[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]]
    assert (trials.done, trials.open) == (6, 0)


def test_more_trials_of_one_are_made_after_the_rounds_of_all():
    trials = Trials([1, 3])
    assert trials.open == 4
    order = []
    while (arm := trials.next()) is not None:
        order.append(arm)
        trials.returns[arm].append(0.0)
    assert order == [0, 1, 1, 1]


def test_an_episode_counts_with_the_sum_of_its_rewards():
    watch = EpisodeWatch()
    assert watch.see(arrival(0), ALONE, 2) is None
    assert watch.see(arrival(1, 0.5), ALONE, 2) is None
    assert watch.see(arrival(2, 1.0, last=True), ALONE, 2) == Trial(2, 1.5, True, 2)
    assert watch.left_out == ""


def test_an_episode_is_no_trial_where_a_person_or_two_candidates_acted_or_its_beginning_is_unknown():
    watch = EpisodeWatch()
    assert watch.see(arrival(4, last=True), ALONE, 0) is None
    assert "beginning" in watch.left_out
    for steps, reason in ((((ALONE, 0), (TOUCHED, 0), (ALONE, 0)), "person"), (((ALONE, 0), (ALONE, 1)), "several")):
        for number, (intervention, arm) in enumerate(steps):
            last = number == len(steps) - 1
            assert watch.see(arrival(number, last=last), intervention, arm) is None
        assert reason in watch.left_out
    watch.see(arrival(0), ALONE, 1)
    assert watch.see(arrival(1, last=True), ALONE, 1) == Trial(1, 0.0, True, 1)
