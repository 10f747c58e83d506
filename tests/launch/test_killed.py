"""Any node of a run may be killed: the launch brings it back, and the run goes on to its end."""

from __future__ import annotations

import json
import os
import re
import signal
from itertools import pairwise
from pathlib import Path

import pytest
from fakes.observer import Observer
from fakes.processes import Running, Stage, wait_until
from sensor_msgs.msg import JointState

from vlmrl_ros.bridge import messages
from vlmrl_ros.bridge.bags.reader import steps_after

pytestmark = [pytest.mark.launch, pytest.mark.timeout(240)]

MAX_STEPS = 400
SMALL = {"rlif.min_steps": 32, "rlif.batch_size": 32, "rlif.samples_per_insert": 32.0, "rlif.hidden": [32]}
LEARNER = {"eval_task": "", "final_eval_episodes": 0, "checkpoint_every": 50, **SMALL}
VICTIMS = ("policy_server", "sim_bridge", "learner")


def pid_of(launched: Running, name: str) -> int:
    """The process that plays a part now: of all that were started for it, the newest."""
    return int(re.findall(rf"\[{name}-\d+\]: process started with pid \[(\d+)\]", launched.output)[-1])


def kill(launched: Running, observer: Observer, name: str) -> None:
    """Kill a node and wait until another one is active in its place."""
    before = pid_of(launched, name)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: pid_of(launched, name) != before, f"another {name}")
    observer.until(lambda: f"[{name}-" in launched.output and not launched.ended, name)
    observer._diagnostics.pop(f"/{name}", None)
    observer.until(lambda: observer.diagnosis(f"/{name}")[1].get("state") == "active", f"{name} active again", 60.0)


def test_a_run_outlives_the_death_of_policy_bridge_and_learner_and_loses_nothing(stage: Stage):
    run = stage.root / "runs" / "killed"
    params = stage.params_file({"/**": {"reach.horizon": 40}, "/**/learner": LEARNER})
    observer = Observer(stage.domain)
    learned = observer.listen(JointState, "learner/status")
    stamps = observer.listen(JointState, "feedback")
    arguments = (f"run_dir:={run}", "task:=reach", f"params_file:={params}", f"max_steps:={MAX_STEPS}")
    launched = stage.launch("sim_train.launch.py", *arguments, "demonstrations:=2")
    observer.until(lambda: learned and messages.read_values(learned[-1], "status")["steps"] > 60, "sixty steps", 60.0)
    for name in VICTIMS:
        kill(launched, observer, name)
        before = messages.stamp_of(learned[-1])
        observer.until(
            lambda after=before: launched.ended or messages.stamp_of(learned[-1]) > after, f"a step after {name} died"
        )
    observer.until(lambda: launched.ended, "the end of the run", 120.0)
    observer.close()
    assert launched.wait() == 0, launched.output
    assert "Traceback" not in launched.output
    for name in VICTIMS:
        assert f"{name} was killed by SIGKILL: it is started again" in launched.output
    assert said_in_order(stamps)
    summary = json.loads((run / "summary.json").read_text())
    assert summary["steps"] >= MAX_STEPS
    assert summary["interrupted"] is False
    assert recorded_transitions(run) == summary["steps"] + demonstrated(run)


def said_in_order(feedback: list[JointState]) -> bool:
    """No stamp goes back, although the bridge that gave them did."""
    stamps = [messages.stamp_of(message) for message in feedback]
    return stamps == sorted(stamps)


def demonstrated(run: Path) -> int:
    """Transitions of demonstrations, which the learner counts apart."""
    records = json.loads((run / "episodes.json").read_text())
    return sum(row["steps"] for row in records if row["steps"] == row["human_steps"] and row["success"])


def recorded_transitions(run: Path) -> int:
    """Transitions that the bags hold, of steps in order and none twice."""
    steps = list(steps_after(run / "bags", -1))
    assert all(a.stamp_ns < b.stamp_ns for a, b in pairwise(steps))
    numbers = [(a.feedback, b.feedback) for a, b in pairwise(steps)]
    return sum(a.episode == b.episode and not a.last and b.step == a.step + 1 for a, b in numbers)
