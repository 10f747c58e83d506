"""From the silence of an input, and from the e-stop, to zero: counted in ticks of an arm in real time.

Each input is a process of its own, which is stopped (SIGSTOP) or, once, killed (SIGKILL) at a random instant while the
arm moves. A tick is a command that the bridge carries out; the count ends with the first zero that no motion follows.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vlmrl_ros.core.types import Source
from vlmrl_ros.nodes.bench.figures import Figures
from vlmrl_ros.nodes.bench.stage import Nodes, Stage

SEED = 0
RATE_HZ = 10.0
WATCHED_S = 0.8
TASK = {"task": "reach", "time": "realtime", "reach.rate_hz": RATE_HZ, "reach.horizon": 100_000}
LOOP: Nodes = {"policy_server": {}, "teleop": {"profile": "scripted"}, "sim_bridge": TASK}


def measure(quick: bool, work: Path) -> Figures:
    """Silence each input of a simulated arm in real time, again and again.

    Returns:
        ``silence.<input>.ticks_to_zero.max`` for policy, teleop and joystick and over all of them
        ``silence.ticks_to_zero.max``, which is at most 2; ``silence.learner.steps_without_motion``, which is 0, because
        the arm does not need the learner; ``estop.ticks_to_zero.max`` over service and button, which is at most 1, and
        ``estop.steps_in_motion`` while it was latched, which is 0.
    """
    times, rng = 3 if quick else 15, np.random.default_rng(SEED)
    found: Figures = {}
    with Stage(_folder(work, "policy"), LOOP) as stage:
        for name in ("policy_server", "teleop"):
            found[f"silence.{name}.ticks_to_zero.max"] = max(_silences(stage, name, times, rng))
        found |= _estop(stage, times, rng, lambda: stage.estop(press=True))
    with Stage(_folder(work, "joystick"), {**LOOP, "joystick": {}}) as stage:
        found["silence.joystick.ticks_to_zero.max"] = max(_silences(stage, "joystick", times, rng))
        button = _estop(stage, times, rng, lambda: stage.signal("joystick", signal.SIGUSR1), "joystick")
        found = {**found, **{name: max(value, found.get(name, 0.0)) for name, value in button.items()}}
    with Stage(_folder(work, "learner"), {"learner": _learner(work), **LOOP}) as stage:
        found["silence.learner.steps_without_motion"] = _without_learner(stage, times, rng)
    silences = [value for name, value in found.items() if name.startswith("silence.") and name.endswith(".max")]
    return {"silence.ticks_to_zero.max": max(silences), **found}


def _silences(stage: Stage, name: str, times: int, rng: np.random.Generator) -> list[float]:
    """Ticks to zero after each silence of one node; the last time it is killed."""
    ticks = []
    for index in range(times):
        stage.until_moving(Source.HUMAN if name == "joystick" else None)
        stage.listen(rng.uniform(0.0, 2.0 / RATE_HZ))
        killed = index == times - 1
        since_s = stage.signal(name, signal.SIGKILL if killed else signal.SIGSTOP)
        stage.listen(WATCHED_S)
        ticks.append(_ticks(stage, since_s))
        if name == "joystick" and not killed:  # it was lost while held: a new one shows the release, then presses again
            stage.signal(name, signal.SIGKILL)
        if name == "joystick" or killed:
            stage.start(name)
        else:
            stage.signal(name, signal.SIGCONT)
    stage.until_moving(Source.HUMAN if name == "joystick" else None)
    return ticks


def _estop(stage: Stage, times: int, rng: np.random.Generator, press: Callable[[], float], device: str = "") -> Figures:
    """Ticks to zero after each e-stop; nothing moves until it is released, also when the device's button is let go."""
    ticks, in_motion = [], 0
    for _ in range(times):
        stage.until_moving()
        stage.listen(rng.uniform(0.0, 2.0 / RATE_HZ))
        since_s = press()
        stage.listen(WATCHED_S)
        ticks.append(_ticks(stage, since_s))
        latched_s = time.monotonic()
        if device:
            stage.signal(device, signal.SIGUSR2)
        stage.listen(WATCHED_S)
        in_motion += stage.watch.moving_since(latched_s)
        stage.estop(press=False)
    return {"estop.ticks_to_zero.max": max(ticks), "estop.steps_in_motion": float(in_motion)}


def _without_learner(stage: Stage, times: int, rng: np.random.Generator) -> float:
    """Steps in which the arm stood still because the learner did."""
    still = 0
    for _ in range(times):
        stage.until_moving()
        stage.listen(rng.uniform(0.0, 2.0 / RATE_HZ))
        since_s = stage.signal("learner", signal.SIGSTOP)
        stage.listen(WATCHED_S)
        still += stage.watch.still_since(since_s)
        stage.signal("learner", signal.SIGCONT)
    return float(still)


def _ticks(stage: Stage, since_s: float) -> float:
    ticks = stage.watch.ticks_to_zero(since_s)
    return float("inf") if ticks is None else float(ticks)


def _learner(work: Path) -> dict[str, object]:
    return {"run_dir": str(work / "run"), "max_steps": 10**6, "checkpoint_every": 10**6}


def _folder(work: Path, name: str) -> Path:
    folder = work / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
