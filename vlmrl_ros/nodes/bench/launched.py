"""Training runs through the launch file, as a user starts them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vlmrl_ros.core.errors import VlmrlError

BENCH_DOMAIN_ID = "91"


@dataclass(frozen=True)
class LaunchedRun:
    """A finished run: its ``summary.json`` and how long the whole command took, s."""

    summary: dict[str, Any]
    wall_s: float


def environment() -> dict[str, str]:
    """The environment of benchmark processes: a domain of their own, on this machine alone."""
    domain = os.environ.get("ROS_DOMAIN_ID", BENCH_DOMAIN_ID)
    return {**os.environ, "ROS_DOMAIN_ID": domain, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "CI": "1"}


def train(
    work: Path,
    name: str,
    arguments: Mapping[str, Any],
    parameters: Mapping[str, Mapping[str, Any]],
    timeout_s: float,
    launch_file: str = "sim_train.launch.py",
) -> LaunchedRun:
    """Run a training launch file to its end.

    Args:
        work: directory for the run.
        name: of the run; its log is ``<name>.log``.
        arguments: launch arguments.
        parameters: deviations from the defaults, for each node name; ``"*"`` for the options of plug-ins.
        timeout_s: longest time.
        launch_file: of this package.

    Returns:
        the finished run.

    Raises:
        VlmrlError: it failed, took too long or left no summary.
    """
    run_dir = work / name
    shutil.rmtree(run_dir, ignore_errors=True)
    started_s = time.monotonic()
    launch(work, name, launch_file, {**arguments, "run_dir": run_dir}, parameters, timeout_s)
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
    params_file, log = work / f"{name}.yaml", work / f"{name}.log"
    scopes = {"/**" if node == "*" else f"/**/{node}": values for node, values in parameters.items()}
    params_file.write_text(yaml.safe_dump({s: {"ros__parameters": dict(values)} for s, values in scopes.items()}))
    given = {**arguments, "params_file": params_file}
    command = ["ros2", "launch", "vlmrl_ros", launch_file, *(f"{k}:={v}" for k, v in given.items())]
    with open(log, "w", encoding="utf-8") as file:
        try:
            subprocess.run(
                command, stdout=file, stderr=subprocess.STDOUT, env=environment(), timeout=timeout_s, check=True
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise VlmrlError(f"run '{name}' did not finish: {error}; see {log}") from error


def read_result(path: Path, work: Path, name: str) -> dict[str, Any]:
    """What a launched run has written as JSON.

    Raises:
        VlmrlError: there is no such file.
    """
    if not path.is_file():
        raise VlmrlError(f"run '{name}' left no {path.name}; see {work / f'{name}.log'}")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
