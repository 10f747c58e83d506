"""Ticks per second of the ROS loop beside the same loop in one process, and its jitter beside learners."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import rclpy
import yaml
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from vlmrl_ros.bridge import qos
from vlmrl_ros.core import registry
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.core.types import Transition
from vlmrl_ros.nodes.bench.figures import Figures
from vlmrl_ros.nodes.bench.launched import environment, ros_environment
from vlmrl_ros.nodes.bench.pixels import LIGHT, SEES
from vlmrl_ros.nodes.bench.remembered import remembered
from vlmrl_ros.nodes.rollout import rollout
from vlmrl_ros.sim.load import build as build_task

WARM_UP_S = 3.0
START_TIMEOUT_S = 60.0
REALTIME_HZ = 50.0
DEMONSTRATIONS = 8
"""Enough for each learner to begin."""
FRONT_CAMERA = {"peg_insert.observation": "both", "peg_insert.cameras": ["front"], "peg_insert.image_size": 128}
RESTLESS = 1e6
"""Samples to be drawn for each step: more than can be."""
SEEING = {**LIGHT, "samples_per_insert": 10 * LIGHT["batch_size"]}
"""With convolutions ten updates a step are more than can be made; they are counted when those of a step are done."""
Nodes = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Pupil:
    """A learner beside the loop, deviations from its options, and what it sees: options of ``sim_bridge``."""

    learner: str
    span_s: float = 20.0
    options: Mapping[str, Any] = field(default_factory=dict)
    sees: Mapping[str, Any] = field(default_factory=dict)


def measure(quick: bool, work: Path) -> Figures:
    """Run the loop in three processes (bridge, policy, teleop), then in real time beside a learner that never rests.

    What was measured before, with the same settings in the same work directory, is not measured again.

    Returns:
        ``ros.state.ticks_per_s`` and its ratio to the same loop in this process, ``ros.camera128.ticks_per_s``, and of
        50 Hz beside each of :func:`pupils`: the 99th percentile of the deviation from the period, ticks that did not
        come, and how often the learner updated.
    """
    span_s = 5.0 if quick else 15.0
    figures: Figures = remembered(work / "ticks.json", {"span_s": span_s}, lambda: _ticks(work, span_s))
    for name, pupil in pupils(quick).items():
        figures |= remembered(work / f"{name}.json", asdict(pupil), partial(_realtime, work, name, pupil))
    return figures


def pupils(quick: bool) -> dict[str, Pupil]:
    """By the name of its figures: ``rlif``, the same from two cameras, and each other learner of transitions.

    The cameras and the options are those of the suite ``pixels``. Quick: ``rlif`` alone, blind and seeing.
    """
    sees = {f"peg_insert.{name}": value for name, value in SEES.items()}
    found = {
        "realtime": Pupil("rlif", span_s=20.0 if quick else 60.0),
        "realtime.pixels": Pupil("rlif", options=SEEING, sees=sees),
    }
    others = [] if quick else [name for name in registry.names("learners") if name != "rlif"]
    for name in others:
        if registry.load("learners", name).experience is Transition:
            found[f"realtime.{name}"] = Pupil(name)
    return found


def _ticks(work: Path, span_s: float) -> Figures:
    in_process = _in_process_ticks_per_s()
    state = _ros_ticks_per_s(work, {}, span_s)
    return {
        "in_process.ticks_per_s": in_process,
        "ros.state.ticks_per_s": state,
        "ros.state.ratio_to_in_process": state / in_process,
        "ros.camera128.ticks_per_s": _ros_ticks_per_s(work, FRONT_CAMERA, span_s),
    }


def _in_process_ticks_per_s(episodes: int = 20) -> float:
    task = build_task("peg_insert", {})
    policy = registry.load("policies", "gaussian")(task.spec, {})
    started_s = time.perf_counter()
    ticks = sum(result.length + 1 for result in rollout(task, policy, episodes, seed=0))
    task.close()
    return ticks / (time.perf_counter() - started_s)


def _ros_ticks_per_s(work: Path, options: Mapping[str, Any], span_s: float) -> float:
    nodes: Nodes = {
        "policy_server": {},
        "teleop": {"profile": "scripted"},
        "sim_bridge": {"learner_lag_steps": -1, **options},
    }
    with running(work, nodes), _Watch() as watch:
        watch.until_active()
        _, active_s = watch.newest("steps")
        first, first_s = watch.newest("steps")
        while first_s - active_s < WARM_UP_S:
            first, first_s = watch.newest("steps")
        while True:
            steps, now_s = watch.newest("steps")
            if now_s - first_s >= span_s:
                return (steps - first) / (now_s - first_s)


def _realtime(work: Path, name: str, pupil: Pupil) -> Figures:
    """Figures ``<name>.*`` of the loop in real time beside a learner that has always more to do than it can."""
    shutil.rmtree(work / name, ignore_errors=True)  # of a run that was interrupted
    options = {"samples_per_insert": RESTLESS, **pupil.options}
    restless = {"learner": pupil.learner, **{f"{pupil.learner}.{key}": value for key, value in options.items()}}
    nodes: Nodes = {
        "learner": {"run_dir": str(work / name), "max_steps": 10**6, "checkpoint_every": 10**6, **restless},
        "policy_server": {},
        "teleop": {"profile": "scripted"},
        "scripted_operator": {"demonstrations": DEMONSTRATIONS},
        "sim_bridge": {"time": "realtime", "rate_hz": REALTIME_HZ, **pupil.sees},
    }
    with running(work, nodes), _Watch() as watch:
        watch.until_active()
        started_s = time.monotonic()
        while watch.newest("updates", "learner")[0] < 1:
            if time.monotonic() - started_s > START_TIMEOUT_S:
                raise VlmrlError(f"the learner made no update within {START_TIMEOUT_S:g} s")
        missed_before, first_s = watch.newest("missed_ticks")
        updates_before, _ = watch.newest("updates", "learner")
        while watch.newest("missed_ticks")[1] - first_s < pupil.span_s:
            pass
        updates, _ = watch.newest("updates", "learner")
        return {
            f"{name}.jitter_p99_ms": watch.newest("jitter_p99_ms")[0],
            f"{name}.missed": watch.newest("missed_ticks")[0] - missed_before,
            f"{name}.learner_updates_per_s": (updates - updates_before) / pupil.span_s,
        }


@contextmanager
def running(work: Path, nodes: Nodes) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The given nodes, brought up by a lifecycle manager, each in a process of its own."""
    every = {**nodes, "lifecycle_manager": {"node_names": list(nodes)}}
    children: list[subprocess.Popen[bytes]] = []
    try:
        for name, parameters in every.items():
            children.append(_start(work, name, parameters))
        yield children
    finally:
        for child in children:
            child.send_signal(signal.SIGINT)
        for child in children:
            try:
                child.wait(5.0)
            except subprocess.TimeoutExpired:
                child.kill()


def _start(work: Path, name: str, parameters: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    params_file = work / f"{name}.params.yaml"
    params_file.write_text(yaml.safe_dump({f"/**/{name}": {"ros__parameters": dict(parameters)}}))
    program = f"from vlmrl_ros.nodes.{name} import main; main()"
    command = [sys.executable, "-c", program, "--ros-args", "--params-file", str(params_file)]
    with open(work / f"{name}.log", "ab") as log:
        env = {**environment(), "OMP_NUM_THREADS": "1", "MUJOCO_GL": os.environ.get("MUJOCO_GL", "egl")}
        return subprocess.Popen(command, stdout=log, stderr=log, env=env)


class _Watch:
    """Reads what the nodes say on ``/diagnostics``; costs the loop next to nothing."""

    def __enter__(self) -> _Watch:
        self._values: dict[str, dict[str, str]] = {}
        self._seen_s: dict[str, float] = {}
        os.environ.update(ros_environment())
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self._node = Node("benchmark", context=self._context)
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, qos.DIAGNOSTICS)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def until_active(self) -> None:
        """Wait until the bridge steps.

        Raises:
            VlmrlError: it does not in time.
        """
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while float(self._values.get("sim_bridge", {}).get("steps", 0)) < 1:
            self._executor.spin_once(timeout_sec=0.5)
            if time.monotonic() > deadline_s:
                raise VlmrlError(
                    f"the loop did not start within {START_TIMEOUT_S:g} s; nodes heard: {list(self._values)}"
                )

    def newest(self, key: str, node: str = "sim_bridge") -> tuple[float, float]:
        """The next value that a node says, and when it was heard, s on the steady clock."""
        before_s, deadline_s = self._seen_s.get(node, 0.0), time.monotonic() + START_TIMEOUT_S
        while self._seen_s.get(node, 0.0) == before_s:
            self._executor.spin_once(timeout_sec=0.5)
            if time.monotonic() > deadline_s:
                raise VlmrlError(f"{node} has fallen silent")
        return float(self._values[node].get(key, 0.0)), self._seen_s[node]

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            name = status.name.rpartition("/")[2]
            self._values[name] = {item.key: item.value for item in status.values}
            self._seen_s[name] = time.monotonic()
