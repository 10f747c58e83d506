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
    work: Path, name: str, arguments: Mapping[str, Any], parameters: Mapping[str, Mapping[str, Any]], timeout_s: float
) -> LaunchedRun:
    """Run ``ros2 launch vlmrl_ros sim_train.launch.py`` to its end.

    Args:
        work: directory for the run.
        name: of the run; its log is ``<name>.log``.
        arguments: launch arguments.
        parameters: deviations from the defaults, for each node name; ``"*"`` for the options of plug-ins.
        timeout_s: longest time.

    Returns:
        the finished run.

    Raises:
        VlmrlError: it failed, took too long or left no summary.
    """
    run_dir, params_file, log = work / name, work / f"{name}.yaml", work / f"{name}.log"
    shutil.rmtree(run_dir, ignore_errors=True)
    scopes = {"/**" if node == "*" else f"/**/{node}": values for node, values in parameters.items()}
    params_file.write_text(yaml.safe_dump({s: {"ros__parameters": dict(values)} for s, values in scopes.items()}))
    given = {**arguments, "run_dir": run_dir, "params_file": params_file}
    command = ["ros2", "launch", "vlmrl_ros", "sim_train.launch.py", *(f"{k}:={v}" for k, v in given.items())]
    started_s = time.monotonic()
    with open(log, "w", encoding="utf-8") as file:
        try:
            subprocess.run(
                command, stdout=file, stderr=subprocess.STDOUT, env=environment(), timeout=timeout_s, check=True
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise VlmrlError(f"run '{name}' did not finish: {error}; see {log}") from error
    summary = run_dir / "summary.json"
    if not summary.is_file():
        raise VlmrlError(f"run '{name}' left no summary.json; see {log}")
    return LaunchedRun(json.loads(summary.read_text(encoding="utf-8")), time.monotonic() - started_s)
