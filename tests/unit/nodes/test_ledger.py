"""None lost, none twice: what the account of a run says when something is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes.bags import SPEC, write_bag
from fakes.steps import DT_NS, episode

from vlmrl_ros.bridge.bags.reader import steps_after
from vlmrl_ros.nodes.bench.ledger import Account, count, kept_rows, lived_rows, written_stamps

LENGTH = 4
FIRST, SECOND = episode(0, LENGTH), episode(1, LENGTH, range(LENGTH), success=True)


def account(bags: Path, learned=(*FIRST, *SECOND), executed=()) -> Account:
    """Of the bags in a directory, and a learner that has learned from the given steps."""
    steps = list(steps_after(bags, -1))
    return count(lived_rows(SPEC, steps), lived_rows(SPEC, learned), steps, written_stamps(bags), executed)


@pytest.fixture
def bags(tmp_path) -> Path:
    write_bag(tmp_path, FIRST)
    write_bag(tmp_path, SECOND)
    return tmp_path


def test_a_run_in_which_all_is_where_it_should_be(bags):
    assert account(bags, executed=[step.stamp_ns for step in FIRST]) == Account(2 * LENGTH, lost=0, doubled=0)


def test_what_the_learner_lacks_or_no_bag_holds_is_lost(bags, tmp_path):
    assert account(bags, learned=[*FIRST[:-1], *SECOND]) == Account(2 * LENGTH, lost=1, doubled=0)
    assert account(bags, learned=[*FIRST, *SECOND, *episode(2, 1)]).lost == 1
    assert account(bags, executed=[FIRST[0].stamp_ns, SECOND[-1].stamp_ns + DT_NS]).lost == 1


def test_a_step_that_is_missing_within_an_episode_is_lost(tmp_path):
    torn = [*FIRST[:2], *FIRST[3:]]
    write_bag(tmp_path, torn)
    assert account(tmp_path, learned=torn) == Account(LENGTH - 2, lost=1, doubled=0)


def test_what_the_learner_keeps_twice_or_the_bags_hold_twice_is_doubled(bags):
    assert account(bags, learned=[*FIRST, *SECOND, *FIRST[:2]]) == Account(2 * LENGTH, lost=0, doubled=1)
    write_bag(bags / "again", SECOND[-2:]).rename(bags / "episode_000002")
    assert account(bags).doubled == 2


def test_a_failed_demonstration_is_for_the_bags_alone(tmp_path):
    write_bag(tmp_path, episode(0, LENGTH, range(LENGTH)))
    assert account(tmp_path, learned=[]) == Account(0, lost=0, doubled=0)


def test_the_learner_keeps_what_follows_from_the_steps_that_it_learned_from(make_run, lived, task, tmp_path):
    made = make_run(tmp_path / "run", max_steps=50)
    made.run.begin()
    learned = []
    for step in lived:
        learned.append(step)
        made.run.digest(step, lambda: False)
        if made.run.finished:
            break
    made.run.end(lambda: False)
    checkpoint = Path(json.loads((made.run.path / "summary.json").read_text())["checkpoint"])
    expected = lived_rows(task.spec, learned)
    assert sum(expected.values()) > 50
    assert kept_rows(task.spec, checkpoint / "learner") == expected
