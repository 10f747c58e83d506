"""Two simulated arms and one learner: both teach it, it teaches both, and one may die without the other noticing."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
import yaml
from fakes.observer import QUIET_S, Observer
from fakes.processes import Stage
from sensor_msgs.msg import JointState

from vlmrl_ros.bridge import messages
from vlmrl_ros.bridge.bags.reader import read_steps
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.step_rows import read_steps_part
from vlmrl_ros.nodes.bench.fleet import REACH, ends_in_memory

pytestmark = [pytest.mark.launch, pytest.mark.timeout(120)]

SMALL = {"rlif.min_steps": 32, "rlif.batch_size": 32, "rlif.samples_per_insert": 32.0, "rlif.hidden": [32]}
LEARNER = {"eval_task": "", "final_eval_episodes": 0, "checkpoint_every": 100, **SMALL}


TASK = {"reach.horizon": 40, "reach.range_mm": 40.0}
JUMP_NS = 10_000_000_000
"""Only a bridge that takes the place of a dead one goes on so much later."""
ARMS = ("arm_0", "arm_1")
MOST_AHEAD = 8
"""Steps that a bridge may be ahead of the learner."""


class Heard:
    """What one arm says on its own topics, joined by nobody."""

    def __init__(self, observer: Observer, arm: str) -> None:
        self.states = observer.listen(JointState, f"/lab/{arm}/observation/state")
        self.feedback = observer.listen(JointState, f"/lab/{arm}/feedback")
        self.policy = observer.listen(JointState, f"/lab/{arm}/policy/status")

    @property
    def version(self) -> int:
        """Version of the weights that the arm's policy acts with."""
        return int(self.policy[-1].position[0]) if self.policy else 0

    @property
    def newest_ns(self) -> int:
        """Stamp of the arm's newest step, ns."""
        return messages.stamp_of(self.feedback[-1])

    def lived(self, spec: TaskSpec) -> dict[int, Place]:
        """By stamp, ns, of all steps that were heard whole."""
        numbered = {messages.stamp_of(m): messages.read_feedback(m) for m in self.feedback}
        states = {messages.stamp_of(message): np.array(message.position, np.float32) for message in self.states}
        return {
            stamp: (spec.observation.normalise(states[stamp]).tobytes(), feedback.episode, feedback.step)
            for stamp, feedback in numbered.items()
            if stamp in states
        }


Place = tuple[bytes, int, int]
"""State of a step, normalised, number of its episode and its own."""


def recorded(bags: Path) -> dict[int, Place]:
    """The same from the bags of an arm: a bridge that is stopped and killed sends nobody again what was lost."""
    spec, steps = read_steps([bags])
    keyed = ((step, spec.observation.normalise(step.observation["state"]).tobytes()) for step in steps)
    return {step.stamp_ns: (key, step.feedback.episode, step.feedback.step) for step, key in keyed}


def spans(lived: dict[int, Place]) -> set[tuple[bytes, bytes]]:
    """The states at both ends of up to so many consecutive transitions as a return has."""
    places = [lived[stamp] for stamp in sorted(lived)]
    return {
        (state, far_state)
        for index, (state, episode, step) in enumerate(places)
        for far, (far_state, *number) in enumerate(places[index + 1 : index + 1 + REACH], 1)
        if number == [episode, step + far]
    }


def test_two_arms_teach_one_policy_and_the_death_of_one_bridge_stops_only_its_arm(stage: Stage):
    run = stage.root / "runs" / "fleet"
    params = stage.params_file({"/**": TASK, "/**/learner": LEARNER})
    observer = Observer(stage.domain)
    arms = [Heard(observer, name) for name in ARMS]
    given = (f"run_dir:={run}", "task:=reach", f"params_file:={params}", "demonstrations:=2", "max_steps:=100000")
    launched = stage.launch("sim_train.launch.py", *given, "num_arms:=2", "namespace:=lab")
    observer.until(lambda: launched.ended or all(arm.version >= 3 for arm in arms), "new weights in both", 60.0)

    bridge = launched.pid_of("sim_bridge", "/lab/arm_1")
    os.kill(bridge, signal.SIGSTOP)
    observer.watch(QUIET_S)  # what it has said comes to everyone, not to the learner alone
    os.kill(bridge, signal.SIGKILL)
    steps, dead_ns = len(arms[0].feedback), arms[1].newest_ns
    observer.until(lambda: launched.ended or arms[1].newest_ns > dead_ns + JUMP_NS, "a new bridge of arm_1")
    assert "arm_1/sim_bridge was killed by SIGKILL: it is started again" in launched.output
    assert len(arms[0].feedback) > steps + MOST_AHEAD, "arm_0 went on, and the learner with it"
    newest, seen = [arm.version for arm in arms], [len(arm.feedback) for arm in arms]
    observer.until(
        lambda: launched.ended or all(len(arm.feedback) > n + 60 for arm, n in zip(arms, seen, strict=True)),
        "both arms going on",
    )
    observer.until(
        lambda: launched.ended or all(arm.version > v for arm, v in zip(arms, newest, strict=True)), "newer weights"
    )
    spec = observer.spec("/lab/arm_0/spec")
    os.killpg(launched.process.pid, signal.SIGINT)
    launched.wait()
    observer.drain()
    observer.close()
    assert "Traceback" not in launched.output
    check_memory(run, spec, arms)
    check_configuration(run)


def check_memory(run: Path, spec: TaskSpec, arms: list[Heard]) -> None:
    """What the learner remembers is what the arms have lived through, each for itself."""
    summary = json.loads((run / "summary.json").read_text())
    remembered = ends_in_memory(Path(summary["checkpoint"]))
    lived = [spans(recorded(run / "bags" / name) | arm.lived(spec)) for name, arm in zip(ARMS, arms, strict=True)]
    assert not lived[0] & lived[1]
    assert [sum(ends in of for of in lived) for ends in remembered] == [1] * len(remembered), "no transition is mixed"
    assert [(arm["arm"], arm["demonstrations"]) for arm in summary["arms"]] == [(name, 1) for name in ARMS]
    assert sum(arm["steps"] for arm in summary["arms"]) == summary["steps"]
    records = json.loads((run / "episodes.json").read_text())
    for index, (of, counts) in enumerate(zip(lived, summary["arms"], strict=True)):
        shown = [r for r in records if r["arm"] == index and r["steps"] == r["human_steps"] and r["success"]]
        assert len(shown) == 1
        assert counts["steps"] > 20
        held = Path(summary["checkpoint"]) / "learner" / f"held_{index}.npy"
        waiting = len(read_steps_part(held)) - 1 if held.exists() else 0
        assert sum(ends in of for ends in remembered) == counts["steps"] + shown[0]["steps"] - waiting


def check_configuration(run: Path) -> None:
    """Of the nodes of both arms, which have seeds of their own."""
    written = yaml.safe_load((run / "config.yaml").read_text())
    nodes = ("recorder", "policy_server", "teleop", "scripted_operator", "sim_bridge")
    assert {f"{arm}/{node}" for arm in ARMS for node in nodes} | {"learner"} <= set(written)
    assert written["arm_0/sim_bridge"]["seed"] != written["arm_1/sim_bridge"]["seed"]


@pytest.mark.parametrize(
    ("launch_file", "given", "says"),
    [
        ("sim_train.launch.py", "num_arms:=0", "launch argument num_arms is '0'; valid: 1 to 16"),
        ("real_train.launch.py", "arm:=sim_arm,ur5e", "arm 'ur5e' cannot learn with 'sim_arm': .* of its task differ"),
    ],
)
def test_a_fleet_that_cannot_be_is_refused_before_anything_starts(stage: Stage, launch_file, given, says):
    launched = stage.launch(launch_file, given)
    assert launched.wait() != 0
    assert re.search(says, launched.output), launched.output
    assert "process started" not in launched.output
