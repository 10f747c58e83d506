from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from vlmrl_ros.core.episode import Arrival, Episodes
from vlmrl_ros.core.episode_plan import EpisodePlan
from vlmrl_ros.core.safety import Reason, SafetyConfig, SafetyFilter
from vlmrl_ros.core.types import Mark
from vlmrl_ros.sim.load import build

HORIZON = 6
FORWARD = np.array([0.05, 0.0, 0.0], np.float32)


@pytest.fixture(scope="module")
def task() -> Iterator[object]:
    made = build("reach", {"horizon": HORIZON})
    yield made
    made.close()


def begun(task, seed: int = 0, config: SafetyConfig | None = None) -> tuple[Episodes, Arrival]:
    loop = Episodes(task, SafetyFilter(task.spec.action, task.spec.control_dt_s, config), seed)
    return loop, loop.begin()


def run(task, count: int, command=FORWARD, marks=None, seed: int = 0) -> list[Arrival]:
    """The first ``count`` + 1 arrivals; ``marks``: index of the arrival that is answered to mark."""
    loop, arrival = begun(task, seed)
    arrivals = [arrival]
    for k in range(count):
        _, arrival = loop.advance(arrival, command, (marks or {}).get(k, Mark.NONE))
        arrivals.append(arrival)
    return arrivals


def test_arrivals_are_numbered_by_episode_and_step(task):
    numbers = [(a.feedback.episode, a.feedback.step) for a in run(task, 2 * (HORIZON + 1))]
    assert numbers == [(e, s) for e in (0, 1) for s in range(HORIZON + 1)] + [(2, 0)]


def test_the_clock_goes_up_by_one_control_step_with_each_arrival_over_resets_too(task):
    stamps = [a.stamp_ns for a in run(task, 3 * HORIZON, marks={2: Mark.RESET, 8: Mark.SUCCESS})]
    assert stamps == [100_000_000 * (k + 1) for k in range(3 * HORIZON + 1)]


def test_episodes_begin_alike_where_they_are_to_and_are_numbered_all_the_same(task):
    loop = Episodes(task, SafetyFilter(task.spec.action, task.spec.control_dt_s), 0, alike=2)
    starts = [loop.begin() for _ in range(4)]
    assert [start.feedback.episode for start in starts] == [0, 1, 2, 3]
    first, second, third, fourth = (start.observation["state"].tolist() for start in starts)
    assert (first, third) == (second, fourth)
    assert first != third


def test_a_run_that_goes_on_elsewhere_is_the_same_from_there_on(task):
    whole = run(task, 3 * (HORIZON + 1))
    first = whole[2 * (HORIZON + 1)]
    loop, _ = begun(task)
    again = loop.go_on(first.stamp_ns, first.feedback.episode)
    assert (again.stamp_ns, again.feedback) == (first.stamp_ns, first.feedback)
    np.testing.assert_array_equal(again.observation["state"], first.observation["state"])
    _, after = loop.advance(again, FORWARD, Mark.NONE)
    np.testing.assert_array_equal(after.observation["state"], whole[2 * (HORIZON + 1) + 1].observation["state"])


def test_an_episode_begins_as_it_was_planned_and_its_steps_say_so(task):
    loop, _ = begun(task)
    distance = {}
    for plan in (EpisodePlan(0.25, extra_steps=2), EpisodePlan(1.0)):
        arrivals = [loop.go_on(500_000_000, 3, plan)]
        while not arrivals[-1].feedback.last:
            arrivals.append(loop.advance(arrivals[-1], FORWARD, Mark.NONE)[1])
        assert len(arrivals) == 1 + HORIZON + plan.extra_steps
        assert {a.feedback.plan for a in arrivals} == {plan}
        distance[plan.context] = np.linalg.norm(arrivals[0].observation["state"][:3])
    assert distance[0.25] < 0.5 * distance[1.0]
    assert loop.begin().feedback.plan is None


def test_the_horizon_truncates_and_does_not_terminate(task):
    ends = [(a.feedback.terminated, a.feedback.truncated) for a in run(task, HORIZON)]
    assert ends == [(False, False)] * HORIZON + [(False, True)]


@pytest.mark.parametrize(
    ("mark", "terminated", "truncated", "success"),
    [(Mark.SUCCESS, True, False, True), (Mark.FAILURE, True, False, False), (Mark.RESET, False, True, False)],
)
def test_a_mark_ends_the_episode_at_the_next_arrival(task, mark, terminated, truncated, success):
    arrivals = run(task, 4, marks={1: mark})
    end = arrivals[2].feedback
    assert (end.terminated, end.truncated, end.success) == (terminated, truncated, success)
    assert not arrivals[1].feedback.last
    assert (arrivals[3].feedback.episode, arrivals[3].feedback.step) == (1, 0)
    assert not arrivals[3].feedback.success


@pytest.mark.parametrize("mark", [Mark.SUCCESS, Mark.FAILURE, Mark.RESET])
def test_an_end_is_never_both_termination_and_truncation(task, mark):
    end = run(task, HORIZON, marks={HORIZON - 1: mark})[-1].feedback
    assert (end.terminated, end.truncated) == (mark is not Mark.RESET, mark is Mark.RESET)


def test_a_success_of_the_task_is_reported_and_the_word_of_the_operator_outweighs_it(task):
    loop, arrival = begun(task)
    while not arrival.feedback.success:
        tip = np.array([arrival.scene[f"tip_{axis}"] for axis in "xyz"], np.float32)
        if arrival.feedback.last:
            _, arrival = loop.advance(arrival, None, Mark.NONE)
            continue
        _, arrival = loop.advance(arrival, np.clip(-10 * tip, -0.1, 0.1), Mark.NONE)
    assert arrival.feedback.reward == 1.0
    _, after = loop.advance(arrival, None, Mark.FAILURE)
    assert (after.feedback.success, after.feedback.terminated) == (False, True)


def test_nothing_is_executed_at_the_last_step_and_the_task_begins_anew(task):
    loop, arrival = begun(task)
    for _ in range(HORIZON):
        applied, arrival = loop.advance(arrival, FORWARD, Mark.NONE)
        assert applied.action.any()
    assert arrival.feedback.last
    applied, arrival = loop.advance(arrival, FORWARD, Mark.SUCCESS)
    assert not applied.action.any()
    assert not applied.reasons
    assert (arrival.feedback.step, arrival.feedback.reward, arrival.feedback.success) == (0, 0.0, False)


def test_the_filter_has_the_last_word(task):
    loop, arrival = begun(task, config=SafetyConfig(velocity=(0.02,)))
    applied, after = loop.advance(arrival, np.array([9.0, 0.0, 0.0], np.float32), Mark.NONE)
    np.testing.assert_allclose(applied.action, [0.02, 0, 0])
    assert applied.reasons == (Reason.VELOCITY,)
    names = task.spec.observation.names
    assert after.observation["state"][names.index("previous_linear_x")] == pytest.approx(0.02)


def test_an_action_that_is_not_finite_moves_nothing(task):
    loop, arrival = begun(task)
    applied, after = loop.advance(arrival, np.array([np.nan, 0.1, 0.1], np.float32), Mark.NONE)
    assert not applied.action.any()
    assert applied.reasons == (Reason.NON_FINITE,)
    assert np.isfinite(after.observation["state"]).all()


def test_the_filter_starts_from_rest_in_each_episode(task):
    loop, arrival = begun(task, config=SafetyConfig(acceleration=(0.1,)))
    speeds = []
    for _ in range(HORIZON + 2):
        applied, arrival = loop.advance(arrival, np.array([0.1, 0, 0], np.float32), Mark.NONE)
        speeds.append(float(applied.action[0]))
    np.testing.assert_allclose(speeds[:3], [0.01, 0.02, 0.03], rtol=1e-5)
    np.testing.assert_allclose(speeds[-2:], [0.0, 0.01], atol=1e-7)


def test_nobody_commands_means_standing_still(task):
    loop, arrival = begun(task)
    before = arrival.joints
    applied, after = loop.advance(arrival, None, Mark.NONE)
    assert not applied.action.any()
    np.testing.assert_allclose(list(after.joints.values()), list(before.values()), atol=2e-3)


def test_one_seed_gives_the_same_episodes(task):
    def states(arrivals):
        return np.array([a.observation["state"] for a in arrivals])

    np.testing.assert_array_equal(states(run(task, 15, seed=4)), states(run(task, 15, seed=4)))
    assert not np.array_equal(states(run(task, 15, seed=5)), states(run(task, 15, seed=4)))


def test_an_episode_does_not_depend_on_the_episodes_before_it(task):
    calm = run(task, 2 * (HORIZON + 1), command=None)[2 * (HORIZON + 1)]
    wild = run(task, 5, command=-2 * FORWARD, marks={0: Mark.RESET, 2: Mark.FAILURE})[4]
    assert (calm.feedback.episode, calm.feedback.step) == (wild.feedback.episode, wild.feedback.step) == (2, 0)
    np.testing.assert_array_equal(calm.observation["state"], wild.observation["state"])
    assert calm.scene == wild.scene


def test_feedback_names_the_newest_weights_that_were_known(task):
    loop, arrival = begun(task)
    loop.weights_version = 3
    _, after = loop.advance(arrival, None, Mark.NONE)
    assert (arrival.feedback.weights_version, after.feedback.weights_version) == (0, 3)
    loop.weights_version = 4
    renewed = loop.with_version(after)
    assert renewed.feedback.weights_version == 4
    assert renewed.stamp_ns == after.stamp_ns
    assert loop.with_version(renewed) is renewed
