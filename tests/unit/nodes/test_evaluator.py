from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.nodes.evaluator import Evaluation, Evaluator, best_of

TASK_OPTIONS = {"horizon": 20, "range_mm": 40.0, "post_success_steps": 2}
DEADLINE_S = 40.0
CHATTY = """
import os
from vlmrl_ros.sim.tasks.reach import build as reach

def build(options):
    print("hello from a task")
    os.write(1, b"and from the library below it\\n")
    return reach(options)
"""


def all_of(evaluator: Evaluator) -> list[Evaluation]:
    """Every evaluation under way, when all are finished."""
    found = []
    while evaluator.waiting:
        found += evaluator.collect(wait_s=DEADLINE_S)
    return found


@pytest.fixture
def start(tmp_path):
    made = []

    def evaluator(task: str = "reach", seed: int = 0) -> Evaluator:
        made.append(Evaluator(task, TASK_OPTIONS, seed, tmp_path / "evaluation.log"))
        return made[-1]

    yield evaluator
    for one in made:
        one.close()


def test_each_checkpoint_is_evaluated_in_the_order_of_asking(start, checkpoint):
    evaluator = start()
    for step, episodes in ((100, 2), (200, 4)):
        evaluator.ask(step, checkpoint, episodes)
    first, second = all_of(evaluator)
    assert (first.step, len(first.successes), len(first.returns)) == (100, 2, 2)
    assert (second.step, len(second.successes), second.checkpoint) == (200, 4, str(checkpoint))
    assert second.successes[:2] == first.successes, "each checkpoint meets the same episodes"
    assert evaluator.collect(wait_s=DEADLINE_S) == []
    assert not evaluator.waiting


def test_collecting_without_waiting_returns_at_once(start, checkpoint):
    evaluator = start()
    evaluator.ask(1, checkpoint, 5)
    assert evaluator.collect() == [], "the child has not even started up"
    assert len(evaluator.collect(wait_s=DEADLINE_S)) == 1


def test_a_bad_checkpoint_is_an_error_that_says_why(start, tmp_path):
    evaluator = start()
    evaluator.ask(1, tmp_path / "nowhere", 1)
    with pytest.raises(VlmrlError, match=r"evaluation failed: '.*nowhere' is not a checkpoint"):
        evaluator.collect(wait_s=DEADLINE_S)


def test_an_answer_that_does_not_come_in_time_stays_pending(start, checkpoint):
    evaluator = start()
    os.kill(evaluator._child.pid, signal.SIGSTOP)
    evaluator.ask(1, checkpoint, 1)
    assert evaluator.collect(wait_s=0.05) == []
    assert evaluator.waiting
    os.kill(evaluator._child.pid, signal.SIGCONT)
    assert len(evaluator.collect(wait_s=DEADLINE_S)) == 1


def test_a_child_that_dies_is_reported_by_whatever_is_asked_next(start, checkpoint):
    evaluator = start()
    evaluator.ask(1, checkpoint, 1)
    os.kill(evaluator._child.pid, signal.SIGKILL)
    with pytest.raises(VlmrlError, match=r"the evaluation process has died; see .*evaluation\.log"):
        evaluator.collect(wait_s=DEADLINE_S)
    with pytest.raises(VlmrlError, match="the evaluation process has died"):
        evaluator.collect(wait_s=DEADLINE_S)
    evaluator._child.wait()
    with pytest.raises(VlmrlError, match="the evaluation process has died"):
        evaluator.ask(2, checkpoint, 1)


def test_what_a_task_prints_goes_to_the_log_and_disturbs_no_answer(start, checkpoint, tmp_path, monkeypatch):
    (tmp_path / "chatty.py").write_text(CHATTY)
    info = tmp_path / "chatty-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: chatty\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vlmrl_ros.tasks]\nchatty = chatty:build\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]))
    evaluator = start("chatty")
    evaluator.ask(1, checkpoint, 1)
    (evaluation,) = evaluator.collect(wait_s=DEADLINE_S)
    assert len(evaluation.successes) == 1
    log = (tmp_path / "evaluation.log").read_text()
    assert "hello from a task" in log
    assert "library below" in log


def test_closing_ends_the_child(start):
    evaluator = start()
    evaluator.close()
    assert evaluator._child.returncode == -signal.SIGKILL


def test_success_is_the_share_of_successful_episodes():
    assert Evaluation(1, "c", (True, False, True, True), (1.0, 0.0, 1.0, 1.0), (0.0,) * 4).success == 0.75


@pytest.fixture
def evaluation(tmp_path):
    """Makes evaluations whose checkpoints are there."""

    def make(step: int, *successes: bool) -> Evaluation:
        checkpoint = tmp_path / f"step_{step}"
        checkpoint.mkdir()
        return Evaluation(step, str(checkpoint), successes, *((0.0,) * len(successes),) * 2)

    return make


def test_two_good_evaluations_in_a_row_beat_a_lucky_one(evaluation):
    good, again = evaluation(3, True, True, False), evaluation(4, True, True, False)
    assert best_of([evaluation(1, True, True), evaluation(2, False, False), good, again]) is again


def test_of_equals_the_later_checkpoint_is_kept(evaluation):
    first, second = evaluation(500, True), evaluation(1000, True)
    assert best_of([first, second]) is second


def test_a_checkpoint_that_is_gone_is_not_the_best_but_speaks_for_the_one_after_it(evaluation):
    first, second, third = evaluation(1, True, True), evaluation(2, True, False), evaluation(3, True, True)
    Path(third.checkpoint).rmdir()
    Path(first.checkpoint).rmdir()
    assert best_of([first, second, third]) is second
    assert best_of([first, third]) is None
