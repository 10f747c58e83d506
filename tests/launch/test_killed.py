"""Any node of a run may be killed: the launch brings it back, and the run goes on to its end."""

from __future__ import annotations

import json
import os
import signal
from itertools import pairwise
from pathlib import Path

import pytest
from fakes.observer import Observer
from fakes.processes import Running, Stage
from sensor_msgs.msg import JointState

from vlmrl_ros.bridge import messages
from vlmrl_ros.bridge.bags.reader import steps_after

pytestmark = [pytest.mark.launch, pytest.mark.timeout(120)]

MAX_STEPS, HORIZON = 200, 40
LATER_NS = 500_000_000
"""Five steps: more than can be under way when a node dies."""
BACK_S = 90.0
"""A learner that imports torch beside other work has taken half a minute."""
SMALL = {"rlif.min_steps": 32, "rlif.batch_size": 32, "rlif.samples_per_insert": 32.0, "rlif.hidden": [32]}
LEARNER = {"eval_task": "", "final_eval_episodes": 0, "checkpoint_every": 50, **SMALL}
VICTIMS = ("policy_server", "sim_bridge", "learner")
"""Without any of them the run stands still, so that it cannot end before the last of them is back."""


def kill(launched: Running, observer: Observer, name: str, learned: list[JointState]) -> None:
    """Kill a node and wait until steps are learned from that were lived after its death."""
    os.kill(launched.pid_of(name), signal.SIGKILL)
    again = f"{name} was killed by SIGKILL: it is started again"
    observer.until(lambda: again in launched.output, f"word of the death of {name}")
    dead_ns = messages.stamp_of(learned[-1])
    observer.until(
        lambda: launched.ended or messages.stamp_of(learned[-1]) > dead_ns + LATER_NS,
        f"steps after {name} died",
        BACK_S,
    )
    assert not launched.ended, launched.output


def test_a_run_outlives_the_death_of_policy_bridge_and_learner_and_loses_nothing(stage: Stage):
    run = stage.root / "runs" / "killed"
    params = stage.params_file({"/**": {"reach.horizon": HORIZON}, "/**/learner": LEARNER})
    observer = Observer(stage.domain)
    learned = observer.listen(JointState, "learner/status")
    stamps = observer.listen(JointState, "feedback")
    arguments = (f"run_dir:={run}", "task:=reach", f"params_file:={params}", f"max_steps:={MAX_STEPS}")
    launched = stage.launch("sim_train.launch.py", *arguments, "demonstrations:=2")
    observer.until(lambda: launched.ended or steps_in(learned) > 40, "forty steps", 60.0)
    for name in VICTIMS:
        kill(launched, observer, name, learned)
    observer.until(lambda: launched.ended, "the end of the run", 60.0)
    observer.close()
    assert launched.wait() == 0, launched.output
    assert "Traceback" not in launched.output
    assert said_in_order(stamps)
    summary = json.loads((run / "summary.json").read_text())
    assert summary["steps"] >= MAX_STEPS
    assert summary["interrupted"] is False
    assert recorded_transitions(run) == summary["steps"] + shown(run)


def steps_in(learned: list[JointState]) -> float:
    """Steps that the learner has learned from."""
    return messages.read_values(learned[-1], "learner/status")["steps"] if learned else 0.0


def said_in_order(feedback: list[JointState]) -> bool:
    """No stamp goes back, although the bridge that gave them did."""
    stamps = [messages.stamp_of(message) for message in feedback]
    return stamps == sorted(stamps)


def shown(run: Path) -> int:
    """Transitions of episodes that the person drove alone, which the learner does not count as steps."""
    records = json.loads((run / "episodes.json").read_text())
    return sum(row["steps"] for row in records if row["steps"] == row["human_steps"])


def recorded_transitions(run: Path) -> int:
    """Transitions that the bags hold, of steps in order and none twice."""
    steps = list(steps_after(run / "bags", -1))
    assert all(a.stamp_ns < b.stamp_ns for a, b in pairwise(steps))
    numbers = [(a.feedback, b.feedback) for a, b in pairwise(steps)]
    return sum(a.episode == b.episode and not a.last and b.step == a.step + 1 for a, b in numbers)
