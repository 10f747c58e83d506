"""Training runs through the launch file, as a user starts them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vlmrl_ros.bridge.fast_dds import PROFILE, profile, speaks_fast_dds
from vlmrl_ros.core.errors import VlmrlError

BENCH_DOMAIN_ID = "91"
STOP_TIMEOUT_S = 20.0
"""The launch stops its nodes in this time after Ctrl-C."""


@dataclass(frozen=True)
class LaunchedRun:
    """A finished run: its ``summary.json`` and how long the whole command took, s."""

    summary: dict[str, Any]
    wall_s: float


def loopback_udp() -> dict[str, str]:
    """Variables with which nodes talk on this machine by UDP alone.

    Through shared memory a node that was killed is now and then heard but not told anything when it has come back: its
    place in the memory is not cleared. Another middleware than Fast DDS, which does not read the profile, is kept on
    this machine by its range.
    """
    if not speaks_fast_dds():
        return {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    return {"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET", PROFILE: profile("loopback_udp")}


def environment() -> dict[str, str]:
    """The environment of benchmark processes: a domain of their own, on this machine alone.

    Whoever brings a profile of Fast DDS has chosen where it speaks.
    """
    domain = os.environ.get("ROS_DOMAIN_ID", BENCH_DOMAIN_ID)
    near = {} if PROFILE in os.environ else loopback_udp()
    return {**os.environ, **near, "ROS_DOMAIN_ID": domain, "CI": "1"}


def ros_environment() -> dict[str, str]:
    """Of :func:`environment` what a context of this process must be made with."""
    return {name: value for name, value in environment().items() if name.startswith(("ROS_", "FASTDDS_"))}


def train(
    work: Path,
    name: str,
    arguments: Mapping[str, Any],
    parameters: Mapping[str, Mapping[str, Any]],
    timeout_s: float,
    launch_file: str = "sim_train.launch.py",
    resume: bool = False,
) -> LaunchedRun:
    """Run a training launch file to its end.

    Args:
        work: directory for the run.
        name: of the run; its log is ``<name>.log``.
        arguments: launch arguments.
        parameters: deviations from the defaults, for each node name; ``"*"`` for the options of plug-ins.
        timeout_s: longest time.
        launch_file: of this package.
        resume: go on with the run that is there.

    Returns:
        the finished run.

    Raises:
        VlmrlError: it failed, took too long or left no summary.
    """
    run_dir = work / name
    given = {**arguments, "run_dir": run_dir}
    if resume:
        given["resume"] = "true"
    else:
        shutil.rmtree(run_dir, ignore_errors=True)
    started_s = time.monotonic()
    launch(work, name, launch_file, given, parameters, timeout_s)
    return LaunchedRun(read_result(run_dir / "summary.json", work, name), time.monotonic() - started_s)


def launch(
    work: Path,
    name: str,
    launch_file: str,
    arguments: Mapping[str, Any],
    parameters: Mapping[str, Mapping[str, Any]],
    timeout_s: float,
) -> None:
    """Run ``ros2 launch vlmrl_ros <launch_file>`` to its end; arguments as in :func:`train`.

    Raises:
        VlmrlError: it failed or took too long.
    """
    with launching(work, name, launch_file, arguments, parameters) as process:
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise VlmrlError(f"run '{name}' did not finish: {error}; see {log_of(work, name)}") from error
    if code:
        raise VlmrlError(f"run '{name}' did not finish: exit code {code}; see {log_of(work, name)}")


@contextmanager
def launching(
    work: Path,
    name: str,
    launch_file: str,
    arguments: Mapping[str, Any],
    parameters: Mapping[str, Mapping[str, Any]],
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``ros2 launch`` beside the caller; arguments as in :func:`train`. Nothing of it is left at the end."""
    params_file = work / f"{name}.yaml"
    scopes = {"/**" if node == "*" else f"/**/{node}": values for node, values in parameters.items()}
    params_file.write_text(yaml.safe_dump({s: {"ros__parameters": dict(values)} for s, values in scopes.items()}))
    given = {**arguments, "params_file": params_file}
    command = ["ros2", "launch", "vlmrl_ros", launch_file, *(f"{k}:={v}" for k, v in given.items())]
    with open(log_of(work, name), "w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment())
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def log_of(work: Path, name: str) -> Path:
    """Where the output of a launch goes."""
    return work / f"{name}.log"


def read_result(path: Path, work: Path, name: str) -> dict[str, Any]:
    """What a launched run has written as JSON.

    Raises:
        VlmrlError: there is no such file.
    """
    if not path.is_file():
        raise VlmrlError(f"run '{name}' left no {path.name}; see {log_of(work, name)}")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
