from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes.steps import episode

from vlmrl_ros.core import registry
from vlmrl_ros.core.checkpoint import write_checkpoint
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.spec import TaskSpec, VectorSpec
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.training import Training
from vlmrl_ros.core.types import Step, Transition

MIN_STEPS, DRAW, PER_INSERT = 8, 8, 16.0
OBSERVATION = VectorSpec(("episode", "step", "half"), ("1",) * 3, np.zeros(3), np.full(3, 100.0))
ACTION = VectorSpec(("a", "b"), ("m/s",) * 2, np.full(2, -20.0), np.full(2, 20.0))
SPEC = TaskSpec("toy", OBSERVATION, ACTION, (), 0.1, 10)


def training(name: str = "rlif", arms: int = 1) -> Training:
    """A real learner, as small as it gets: one update draws 8 transitions, so two follow each insert."""
    builder = registry.load("learners", name)
    small = {"device": "cpu", "batch_size": DRAW, "hidden": [4], "min_steps": MIN_STEPS, "capacity": 500}
    rlpd = {"critic_updates": 1, "critics": 2, "samples_per_insert": PER_INSERT} if name in ("rlif", "rlpd") else {}
    options = from_mapping(builder.config_type, {**small, **rlpd})
    return Training(builder.build(SPEC, options, stream(0, "learner")), PER_INSERT, arms)


def online(episodes: int, length: int = 10) -> Iterator[Step]:
    for number in range(episodes):
        yield from episode(number, length, (4, 5, 6))


def digest(made: Training, steps, **options) -> list[int]:
    """Updates so far after each step."""
    counts = []
    for one in steps:
        made.digest(one, **options)
        counts.append(made.updates)
    return counts


def weights(made: Training) -> bytes:
    return b"".join(value.tobytes() for _, value in sorted(made.learner.variables().items()))


def test_no_update_comes_before_the_learner_is_ready():
    made = training()
    counts = digest(made, episode(0, MIN_STEPS - 1))
    assert made.steps == MIN_STEPS - 1
    assert counts[-1] == 0
    digest(made, episode(1, 3))
    assert made.updates > 0


def test_updates_keep_to_the_samples_per_insert_limit():
    made = training()
    draw = made.learner.samples_per_update
    inserts = 0
    for one in online(6):
        before, updates = made.steps, made.updates
        made.digest(one)
        inserts += (made.steps - before) * made.learner.ready
        assert abs(made.updates * draw - PER_INSERT * max(0, inserts - 1)) <= max(PER_INSERT, draw)
        if inserts > 1:
            assert (made.updates - updates) * draw == PER_INSERT * (made.steps - before)
    assert made.steps == 60
    assert inserts > 40


def test_two_trainings_on_the_same_steps_end_in_the_same_weights():
    first, second = training(), training()
    assert digest(first, online(4)) == digest(second, online(4))
    assert weights(first) == weights(second)


def test_updates_that_are_held_back_stay_due_and_are_made_up_for():
    free, held = training(), training()
    expected = digest(free, online(4))[-1]
    steps = list(online(4))
    assert digest(held, steps[:-1], go_on=lambda: False)[-1] == 0
    assert held.steps >= free.steps - 1
    held.digest(steps[-1])
    assert held.updates == expected


def test_go_on_is_asked_before_each_update():
    made = training()
    digest(made, list(online(2))[:-1], go_on=lambda: False)
    answers = iter([True, True, True, False])
    made.digest(list(online(2))[-1], go_on=lambda: next(answers))
    assert made.updates == 3


def test_demonstrations_are_stored_but_are_no_online_steps():
    made = training("bc")
    digest(made, episode(0, 10, range(11), success=True))
    assert (made.steps, made.demonstrations) == (0, 1)
    assert made.learner.ready, "the demonstration is in the learner's memory"
    assert made.updates == 0, "the pace counts online steps only"
    digest(made, episode(1, 3))
    assert made.steps == 3
    assert made.updates > 0


def test_a_failed_demonstration_is_not_stored():
    made = training("bc")
    digest(made, episode(0, 10, range(11), success=False))
    assert (made.demonstrations_failed, made.learner.ready) == (1, False)


def test_an_episode_given_back_early_counts_all_its_steps_at_once():
    made = training()
    steps = episode(0, 5, range(3))
    counts = []
    for one in steps:
        made.digest(one)
        counts.append(made.steps)
    assert counts == [0, 0, 0, 0, 4, 5]


def test_the_record_of_an_episode_comes_with_its_last_step():
    made = training()
    records = [made.digest(one) for one in episode(0, 4, (2,), success=True, reward=1.0)]
    assert records[:-1] == [None] * 4
    assert (records[-1].online_steps, records[-1].takeovers, records[-1].success) == (4, 1, True)
    assert made.log.records == records[-1:]


def test_a_missing_step_costs_its_two_transitions_and_no_more():
    made = training()
    steps = episode(0, 10)
    digest(made, [*steps[:5], *steps[6:]])
    assert (made.steps, made.broken) == (8, 1)


def story() -> list[Step]:
    """Demonstrations that succeed and fail, one given back, a missing step, takeovers, an open end."""
    steps = [
        *episode(0, 10, range(11), success=True),
        *episode(1, 10, range(11)),
        *episode(2, 10, range(4), success=True),
        *online_from(3, 2),
        *episode(5, 10, range(11), success=True),
        *online_from(6, 2),
    ]
    del steps[40]
    return steps[:-4]


def online_from(first: int, count: int) -> list[Step]:
    return [one for number in range(first, first + count) for one in episode(number, 10, (4, 5, 6))]


def hashes(made: Training, where: Path) -> str:
    return write_checkpoint(where, 0, {n: p.copy() for n, p in made.snapshot().items()}, {}, None).combined_sha256


@pytest.mark.parametrize("name", ["rlif", "bc"])
def test_a_training_that_is_restored_anywhere_ends_in_the_same_checkpoint(name, tmp_path):
    steps = story()
    straight = training(name)
    digest(straight, steps)
    expected = hashes(straight, tmp_path / "straight")
    assert straight.updates > 20
    for stop in (0, 1, 7, 16, 26, 38, 41, 60, 70, len(steps)):
        first, second = training(name), training(name)
        digest(first, steps[:stop])
        where = tmp_path / str(stop)
        hashes(first, where)
        second.restore(where / "step_0")
        digest(second, steps[stop:])
        assert hashes(second, where / "again") == expected, f"stopped at step {stop}"
        assert second.log.records == straight.log.records
        assert second.metrics == straight.metrics


def test_a_restored_training_knows_where_it_stands(tmp_path):
    first, second = training(), training()
    steps = story()
    digest(first, steps)
    hashes(first, tmp_path)
    second.restore(tmp_path / "step_0")
    assert second.chains[0].newest.stamp_ns == steps[-1].stamp_ns
    assert (second.demonstrations, second.demonstrations_failed, second.broken) == (2, 1, 1)
    assert (second.steps, second.updates) == (first.steps, first.updates)


@pytest.mark.parametrize("harm", ["training.json", "open_steps_0.npy", "episodes.npy", "open_episodes.json"])
def test_a_damaged_state_of_training_is_refused_in_one_line(harm, tmp_path):
    made = training()
    digest(made, story())
    hashes(made, tmp_path)
    (tmp_path / "step_0" / "training" / harm).write_bytes(b"{")
    with pytest.raises(CheckpointError, match=f"no usable .* in {tmp_path}/step_0/training: ") as caught:
        training().restore(tmp_path / "step_0")
    assert "\n" not in str(caught.value)


class Taken:
    """Notes what the learner is given."""

    def __init__(self, made: Training) -> None:
        self.transitions: list[Transition] = []
        add = made.learner.add
        made.learner.add = lambda transition: (self.transitions.append(transition), add(transition))


def in_turn(*arms: list[Step]) -> list[tuple[int, Step]]:
    return [(arm, one) for steps in zip(*arms, strict=True) for arm, one in enumerate(steps)]


def of_arm(arm: int, steps: list[Step]) -> list[Step]:
    """The same steps as another arm would make them: its number can be read back from the state."""
    return [replace(one, observation={"state": one.observation["state"] + np.float32([0, 0, arm])}) for one in steps]


def test_transitions_of_two_arms_never_mix_although_their_steps_bear_the_same_numbers():
    made = training(arms=2)
    taken = Taken(made)
    arms = [of_arm(arm, [*episode(0, 10, range(11), success=arm == 0), *episode(1, 10, (4, 5))]) for arm in (0, 1)]
    for arm, one in in_turn(*arms):
        made.digest(one, arm=arm)
    ends = [(t.arm, *(end.observation["state"][2] - 0.5 for end in (t.before, t.after))) for t in taken.transitions]
    assert set(ends) == {(0, 0.0, 0.0), (1, 1.0, 1.0)}
    assert [sum(t.demonstration for t in taken.transitions if t.arm == arm) for arm in (0, 1)] == [10, 0]
    assert (made.demonstrations, made.demonstrations_failed, made.broken, made.steps) == (1, 1, 0, 20)
    assert [(record.arm, record.episode) for record in made.log.records] == [(0, 0), (1, 0), (0, 1), (1, 1)]


def test_a_training_of_two_arms_is_restored_to_the_same_end(tmp_path):
    steps = in_turn(story(), of_arm(1, story()))
    straight, first, second = (training(arms=2) for _ in range(3))
    for arm, one in steps:
        straight.digest(one, arm=arm)
    for arm, one in steps[:33]:
        first.digest(one, arm=arm)
    hashes(first, tmp_path / "first")
    second.restore(tmp_path / "first" / "step_0")
    for arm, one in steps[33:]:
        second.digest(one, arm=arm)
    assert hashes(second, tmp_path / "second") == hashes(straight, tmp_path / "straight")


def test_a_state_of_another_number_of_arms_is_refused(tmp_path):
    hashes(training(arms=2), tmp_path)
    with pytest.raises(CheckpointError, match="2 arms instead of 1"):
        training().restore(tmp_path / "step_0")


@pytest.mark.parametrize("name", ["rlif", "bc"])
def test_the_metrics_are_those_of_the_newest_update(name):
    made = training(name)
    digest(made, [*episode(0, 10, range(11), success=True), *episode(1, 10)])
    assert made.metrics["updates"] == made.updates
    assert all(np.isfinite(value) for value in made.metrics.values())
