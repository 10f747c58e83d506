"""Without a terminal: plain lines, few of them."""

from __future__ import annotations

import pytest

from vlmrl_ros.nodes.progress import Progress


@pytest.fixture
def told(monkeypatch):
    """The progress of a run of 60 steps, and the lines that it says."""
    monkeypatch.setenv("CI", "1")
    lines: list[str] = []
    return Progress(60, lines.append), lines


@pytest.fixture
def run(make_run, tmp_path):
    made = make_run(tmp_path / "run").run
    made.begin()
    yield made
    made.end(lambda: True)


def digest(run, steps) -> None:
    for step in steps:
        run.digest(step, lambda: True)


def test_demonstrations_are_counted_before_the_first_online_step(told, run, lived):
    progress, lines = told
    digest(run, [step for step in lived if step.feedback.episode == 0])
    progress.show(run)
    assert lines == ["demonstrations: 1 shown, 0 failed"]


def test_a_line_tells_steps_updates_and_takeovers(told, run, lived):
    progress, lines = told
    digest(run, [step for step in lived if step.feedback.episode < 3])
    progress.show(run)
    (line,) = lines
    training = run.training
    takeovers = sum(record.takeovers for record in training.log.online()) / len(training.log.online())
    assert f"step {training.steps}/60" in line
    assert f"updates {training.updates}" in line
    assert f"takeovers per episode {takeovers:.2f}" in line


def test_of_a_fleet_the_takeovers_of_each_arm_are_told(monkeypatch, make_run, lived, lived_beside, tmp_path):
    monkeypatch.setenv("CI", "1")
    lines: list[str] = []
    arms = ("arm_0", "arm_1", "arm_2")
    run = make_run(tmp_path / "fleet", max_steps=500, arms=arms).run
    run.begin()
    for arm, steps in enumerate((lived[:70], lived_beside)):
        for step in steps:
            run.digest(step, lambda: True, arm)
    Progress(500, lines.append, arms).show(run)
    online = run.training.log.online()
    each = [[record.takeovers for record in online if record.arm == arm] for arm in (0, 1)]
    means = [sum(takeovers) / len(takeovers) for takeovers in (*each, each[0] + each[1])]
    assert means[0] != means[1]
    assert "takeovers per episode {2:.2f} (arm_0 {0:.2f}, arm_1 {1:.2f}, arm_2 -)".format(*means) in lines[0]
    run.end(lambda: True)
    assert [arm["arm"] for arm in run.summary["arms"]] == list(arms)
    assert [arm["takeovers"] for arm in run.summary["arms"]] == [sum(each[0]), sum(each[1]), 0]
    assert sum(arm["steps"] for arm in run.summary["arms"]) == run.summary["steps"]


@pytest.mark.parametrize("eval_task", ["reach", ""])
def test_lines_are_few_but_the_end_is_always_told(eval_task, told, make_run, lived, tmp_path):
    progress, lines = told
    run = make_run(tmp_path / "run", eval_task=eval_task).run
    run.begin()
    for step in lived:
        run.digest(step, lambda: True)
        progress.show(run)
        if run.finished:
            break
    progress.show(run)  # once more, for another arm
    assert len(lines) == 2
    assert lines[-1].endswith("evaluating ...") == bool(eval_task)
    assert f"step {run.training.steps}/60" in lines[-1]
    run.end(lambda: True)


def test_the_end_names_the_results_and_the_command_to_watch_them(told, make_run, lived, tmp_path):
    progress, lines = told
    run = make_run(tmp_path / "ended", eval_task="reach", eval_episodes=1).run
    run.begin()
    digest(run, lived[:80])
    run.end(lambda: False)
    progress.end(run)
    final = run.summary["final"]
    assert lines[0].startswith(f"success without help: {final['success']:.2f} [")
    assert lines[0].endswith(f"in 3 fresh episodes of the best checkpoint (step {final['step']})")
    assert str(run.path / "summary.json") in lines[1]
    assert lines[2].startswith(f"watch it: ros2 launch vlmrl_ros eval.launch.py checkpoint:={final_checkpoint(run)}")


def final_checkpoint(run) -> str:
    return str(run.summary["best_checkpoint"])


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ({}, ""),
        ({"observation": "pixels"}, ""),
        ({"observation": "both", "horizon": 40}, " params_file:=<one with the same horizon of the task>"),
    ],
)
def test_the_command_to_watch_asks_for_those_options_of_the_task_that_the_checkpoint_does_not_say(
    told, make_run, lived, tmp_path, options, more
):
    progress, lines = told
    run = make_run(tmp_path / "shown", eval_task_options=options).run
    run.begin()
    digest(run, lived[:80])
    run.end(lambda: False)
    progress.end(run)
    assert lines[-1].endswith(f"checkpoint:={final_checkpoint(run)}{more}")


def test_the_command_to_watch_says_on_which_arm_and_who_stands_by(monkeypatch, make_run, lived, tmp_path):
    monkeypatch.setenv("CI", "1")
    lines: list[str] = []
    run = make_run(tmp_path / "run", eval_task_options={}).run
    run.begin()
    digest(run, lived[:80])
    run.end(lambda: False)
    Progress(60, lines.append, evaluate_with="arm:=ur5e operator:=joystick").end(run)
    assert lines[-1].endswith(f"checkpoint:={final_checkpoint(run)} arm:=ur5e operator:=joystick")


def test_the_end_of_a_run_that_learned_nothing_promises_no_checkpoint(told, make_run, tmp_path):
    progress, lines = told
    run = make_run(tmp_path / "empty").run
    run.begin()
    run.end(lambda: True)
    progress.end(run)
    assert len(lines) == 1
    assert "summary.json" in lines[0]
