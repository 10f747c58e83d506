from __future__ import annotations

import json
import threading
from dataclasses import replace

import numpy as np
import pytest
from fakes.processes import wait_until

from vlmrl_ros.nodes.worker import Worker

DEADLINE_S = 30.0


class Watch:
    """Runs a worker and hears what it reports."""

    def __init__(self, made, arms=1, in_turn=False):
        self.made = made
        self.told, self.stamps = [], []
        self.error = None
        self.wanted_after, self.beginnings = [], []
        self._news = threading.Condition()
        self._ended = False
        self.worker = Worker(made.run, self.wanted_after.append, self._report, self._end, arms, in_turn)

    def _report(self, arm, stamp_ns):
        with self._news:
            self.told.append((arm, stamp_ns))
            (self.stamps if stamp_ns else self.beginnings).append(stamp_ns)
            self._news.notify_all()

    def _end(self, error):
        with self._news:
            self.error, self._ended = error, True
            self._news.notify_all()

    def reported(self, count):
        with self._news:
            assert self._news.wait_for(lambda: len(self.stamps) >= count or self._ended, DEADLINE_S)
        return self.stamps

    def ended(self):
        with self._news:
            assert self._news.wait_for(lambda: self._ended, DEADLINE_S)
        return self.error

    @property
    def summary(self):
        return json.loads((self.made.run.path / "summary.json").read_text())


@pytest.fixture
def watch(make_run, tmp_path):
    made = []

    def start(**plan):
        made.append(Watch(make_run(tmp_path / "run", **plan)))
        return made[-1]

    yield start
    for one in made:
        one.worker.stop(DEADLINE_S)


def test_each_step_is_reported_in_order_and_the_run_ends_by_itself(watch, lived):
    seen = watch(max_steps=30)
    seen.worker.start()
    for count, step in enumerate(lived, start=1):
        seen.worker.put(step)
        if len(seen.reported(count)) < count:
            break
    assert seen.ended() is None
    assert seen.stamps == [step.stamp_ns for step in lived[: len(seen.stamps)]]
    assert seen.summary["interrupted"] is False
    assert seen.summary["steps"] >= 30
    assert seen.summary["updates"] > 0
    assert (seen.beginnings, seen.wanted_after) == ([0], [(-1,)]), "a run that begins says so before the first step"


def test_steps_that_came_before_the_start_are_learned_from_too(watch, lived):
    seen = watch()
    for step in lived[:5]:
        seen.worker.put(step)
    seen.worker.start()
    assert len(seen.reported(5)) == 5


def test_while_paused_steps_are_kept_and_nothing_is_updated(watch, lived):
    seen = watch(max_steps=1000)
    seen.worker.pause(True)
    seen.worker.start()
    for step in lived[:60]:
        seen.worker.put(step)
    seen.reported(60)
    training = seen.made.run.training
    assert training.steps > 30
    assert training.updates == 0
    seen.worker.pause(False)
    seen.worker.put(lived[60])
    seen.reported(61)
    assert training.updates > 0


def test_a_checkpoint_that_is_asked_for_follows_the_next_step(watch, lived):
    seen = watch(checkpoint_every=10**6)
    seen.worker.checkpoint_asked.set()
    seen.worker.start()
    seen.worker.put(lived[0])
    seen.reported(1)
    wait_until((seen.made.run.path / "checkpoints" / "step_0").exists, "the checkpoint")
    assert not seen.worker.checkpoint_asked.is_set()


def test_a_worker_that_is_stopped_leaves_a_whole_run_behind(watch, lived):
    seen = watch()
    seen.worker.start()
    for step in lived[:40]:
        seen.worker.put(step)
    seen.reported(40)
    seen.worker.stop(DEADLINE_S)
    assert seen.ended() is None
    assert seen.summary["interrupted"] is True
    assert seen.summary["checkpoint"].endswith(f"step_{seen.summary['steps']}")


def fleet_of_two(make_run, path, in_turn=True):
    return Watch(make_run(path, max_steps=1000, arms=("arm_0", "arm_1")), arms=2, in_turn=in_turn)


def test_who_stops_a_worker_is_told_whether_an_update_has_outlasted_their_patience(watch, lived, monkeypatch):
    seen, begun, go_on = watch(), threading.Event(), threading.Event()
    learner = seen.made.run.training.learner
    update = learner.update

    def slow():
        begun.set()
        assert go_on.wait(DEADLINE_S)
        return update()

    monkeypatch.setattr(learner, "update", slow)
    seen.worker.start()
    for step in lived[:60]:
        seen.worker.put(step)
    assert begun.wait(DEADLINE_S)
    assert not seen.worker.stop(0.05)
    go_on.set()
    assert seen.worker.stop(DEADLINE_S)
    assert seen.summary["interrupted"]


@pytest.mark.parametrize("in_turn", [True, False])
def test_in_turn_it_does_not_matter_which_arm_is_quicker(make_run, lived, lived_beside, tmp_path, in_turn):
    alternating = [pair for both in zip(lived, lived_beside, strict=False) for pair in enumerate(both)][:100]
    hurried = [pair for k in range(0, 100, 20) for pair in sorted(alternating[k : k + 20], key=lambda pair: pair[0])]
    ends = []
    for index, steps in enumerate((alternating, hurried)):
        seen = fleet_of_two(make_run, tmp_path / str(index), in_turn)
        seen.worker.start()
        for k, (arm, step) in enumerate(steps):
            seen.worker.put(step, arm)
            if k % 20 == 19:
                seen.reported(k + 1)
        seen.worker.stop(DEADLINE_S)
        assert seen.ended() is None
        assert seen.stamps == [step.stamp_ns for _, step in (alternating if in_turn else steps)]
        assert seen.summary["updates"] > 0
        ends.append(seen.summary["checkpoint_sha256"])
    assert (ends[0] == ends[1]) == in_turn


def test_in_turn_an_arm_is_told_of_its_step_when_no_arm_is_behind_it(make_run, lived, lived_beside, tmp_path):
    seen = fleet_of_two(make_run, tmp_path / "run")
    seen.worker.start()
    seen.worker.put(lived[0], 0)
    seen.worker.put(lived[1], 0)
    seen.worker.put(lived_beside[0], 1)
    seen.worker.skip(lived_beside[1].stamp_ns, 1)
    seen.reported(4)
    seen.worker.stop(DEADLINE_S)
    assert seen.ended() is None
    assert seen.told[:2] == [(0, 0), (1, 0)]
    assert seen.told[2:] == [(arm, steps[k].stamp_ns) for k in (0, 1) for arm, steps in ((0, lived), (1, lived_beside))]


def test_the_end_of_a_run_is_told_to_every_arm(make_run, lived, lived_beside, tmp_path):
    seen = Watch(make_run(tmp_path / "run", max_steps=10, arms=("arm_0", "arm_1")), arms=2)
    seen.worker.put(lived_beside[0], 1)
    for step in lived:
        seen.worker.put(step)
    seen.worker.start()
    assert seen.ended() is None
    assert seen.told[-2:] == list(enumerate(seen.made.run.newest_ns))
    assert seen.summary["interrupted"] is False


def test_an_error_is_handed_on_and_what_was_learned_is_kept(watch, lived):
    seen = watch()
    seen.worker.start()
    bad = replace(lived[40], observation={"state": np.zeros(2, np.float32)})
    for step in [*lived[:40], bad, *lived[41:]]:
        seen.worker.put(step)
    assert "(2,)" in str(seen.ended())
    assert seen.summary["interrupted"] is True
    assert seen.summary["checkpoint"].endswith(f"step_{seen.summary['steps']}")


def test_a_run_that_goes_on_says_where_it_is_and_takes_from_its_bags_what_came_before_the_first_live_step(
    make_run, lived, tmp_path
):
    first = make_run(tmp_path / "run", max_steps=1000)
    first.run.begin()
    for step in lived[:40]:
        first.run.digest(step, lambda: True)
    first.run.end(lambda: True)
    first.directory.close()
    recorded = list(lived[:45])
    seen = Watch(make_run(tmp_path / "run", lived=recorded, max_steps=1000, resume=True))
    seen.worker.start()
    assert seen.reported(1) == [lived[44].stamp_ns]
    assert seen.wanted_after == [(lived[44].stamp_ns,)]
    recorded += lived[45:48]  # the recorder was not quite there yet
    seen.worker.put(lived[48])
    assert seen.reported(2)[-1] == lived[48].stamp_ns
    training = seen.made.run.training
    assert training.broken == 0
    seen.worker.stop(DEADLINE_S)
    assert seen.ended() is None
    assert seen.summary["steps"] == training.steps
