"""From the silence of an input, and from the e-stop, to zero: counted in ticks of an arm in real time.

Each input is a process of its own, which is stopped (SIGSTOP) or, once, killed (SIGKILL) at a random instant while the
arm moves. Begun ticks count as whole. Behind ``sim_bridge`` the arm stands still from the beginning of a step in which
it does not move; behind ``arm_bridge``, once it is told so on the wire. The count ends with the first zero that no
motion follows.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml

from vlmrl_ros.bridge.arms import arms_directory
from vlmrl_ros.core.types import Source
from vlmrl_ros.nodes.bench.figures import Figures
from vlmrl_ros.nodes.bench.relay import RELAYED
from vlmrl_ros.nodes.bench.stage import Nodes, Stage

SEED = 0
RATE_HZ = 10.0
WATCHED_S = 0.8
TASK = {"task": "reach", "time": "realtime", "reach.rate_hz": RATE_HZ, "reach.horizon": 100_000}
BEFORE: Nodes = {"policy_server": {}, "teleop": {"profile": "scripted"}}
LOOP: Nodes = {**BEFORE, "sim_bridge": TASK}
WIRE = {"latency_ms": 30.0, "jitter_ms": 5.0, "drop_rate": 0.01}
ROBOT: Nodes = {
    "sim_arm": {**WIRE, "cameras": ["front"], "image_size": 64, "camera_every": 3},
    "joints_relay": {},
    "camera_relay": {},
}
ROBOT_INPUTS = {"joints_relay": "joint_states", "camera_relay": "camera", "sim_arm": "arm"}
"""Process to the input that falls silent with it."""


def measure(quick: bool, work: Path) -> Figures:
    """Silence each input of a simulated task in real time, and of a simulated arm, again and again.

    Returns:
        ``silence.<bridge>.<input>.ticks_to_zero.max`` for policy, teleop and joystick, of an arm also for joint states,
        camera and the arm as a whole, and over all of them ``silence.ticks_to_zero.max``, which is at most 2;
        ``silence.<bridge>.learner.steps_without_motion``, which is 0, because the arm does not need the learner;
        ``estop.ticks_to_zero.max`` over service and button, which is at most 1, and ``estop.motions`` while it was
        latched, which is 0.
    """
    times = 2 if quick else 15
    found = _silence(work, "sim_bridge", LOOP, times)
    loop: Nodes = {**ROBOT, **BEFORE, "arm_bridge": {"arm": str(write_arm(work))}}
    found |= _silence(work, "arm_bridge", loop, times)
    silences = [value for name, value in found.items() if name.startswith("silence.") and name.endswith(".max")]
    stops = [found.pop(name) for name in list(found) if name.endswith("estop.ticks_to_zero.max")]
    motions = [found.pop(name) for name in list(found) if name.endswith("estop.motions")]
    over_all = {"silence.ticks_to_zero.max": max(silences), "estop.ticks_to_zero.max": max(stops)}
    return {**over_all, "estop.motions": sum(motions), **found}


def write_arm(work: Path) -> Path:
    """The description of the simulated arm, with a camera, behind relays, and with episodes that do not end."""
    arm = yaml.safe_load((arms_directory() / "sim_arm.yaml").read_text(encoding="utf-8"))
    arm["joints"]["topic"] = f"{RELAYED}joint_states"
    arm["cameras"] = {"front": {"topic": f"{RELAYED}front/image_raw", "height": 64, "width": 64}}
    arm |= {"horizon": 100_000, "success": {"test": "none"}, "rate_hz": RATE_HZ}
    arm["reset"] = {"procedure": "home", "tolerance_m": 0.01, "lift_z_m": arm["home"]["position"][2]}
    path = work / "silence_arm.yaml"
    path.write_text(yaml.safe_dump(arm), encoding="utf-8")
    return path


def _silence(work: Path, bridge: str, loop: Nodes, times: int) -> Figures:
    rng = np.random.default_rng(SEED)
    found: Figures = {}

    def note(name: str, value: float) -> None:
        found[f"{bridge}.{name}"] = max(value, found.get(f"{bridge}.{name}", 0.0))

    with Stage(_folder(work, f"{bridge}_policy"), loop) as stage:
        for process in ("policy_server", "teleop", *(name for name in ROBOT_INPUTS if name in loop)):
            ticks = max(_silences(stage, process, times, rng))
            note(f"{ROBOT_INPUTS.get(process, process)}.ticks_to_zero.max", ticks)
        _estop(stage, times, rng, note, lambda: stage.estop(press=True))
    with Stage(_folder(work, f"{bridge}_joystick"), {**loop, "joystick": {}}) as stage:
        note("joystick.ticks_to_zero.max", max(_silences(stage, "joystick", times, rng)))
        _estop(stage, times, rng, note, lambda: stage.signal("joystick", signal.SIGUSR1), "joystick")
    with Stage(_folder(work, f"{bridge}_learner"), {"learner": _learner(work, bridge), **loop}) as stage:
        note("learner.steps_without_motion", _without_learner(stage, times, rng))
    stops = {name: found.pop(name) for name in list(found) if ".estop." in name}
    return {**{f"silence.{name}": value for name, value in found.items()}, **stops}


def _silences(stage: Stage, name: str, times: int, rng: np.random.Generator) -> list[float]:
    """Ticks to zero after each silence of one node; the last time it is killed."""
    ticks = []
    for index in range(times):
        stage.until_moving(Source.HUMAN if name == "joystick" else None)
        stage.listen(rng.uniform(0.0, 2.0 / RATE_HZ))
        killed = index == times - 1
        since_s = stage.signal(name, signal.SIGKILL if killed else signal.SIGSTOP)
        stage.listen(WATCHED_S)
        ticks.append(stage.ticks_to_zero(since_s))
        if name == "joystick" and not killed:  # it was lost while held: a new one shows the release, then presses again
            stage.signal(name, signal.SIGKILL)
        if name == "joystick" or killed:
            stage.start(name)
        else:
            stage.signal(name, signal.SIGCONT)
    stage.until_moving(Source.HUMAN if name == "joystick" else None)
    return ticks


def _estop(
    stage: Stage,
    times: int,
    rng: np.random.Generator,
    note: Callable[[str, float], None],
    press: Callable[[], float],
    device: str = "",
) -> None:
    """Ticks to zero after each e-stop; nothing moves until it is released, also when the device's button is let go."""
    for _ in range(times):
        stage.until_moving()
        stage.listen(rng.uniform(0.0, 2.0 / RATE_HZ))
        since_s = press()
        stage.listen(WATCHED_S)
        note("estop.ticks_to_zero.max", stage.ticks_to_zero(since_s))
        latched_s = time.monotonic()
        if device:
            stage.signal(device, signal.SIGUSR2)
        stage.listen(WATCHED_S)
        note("estop.motions", float(stage.moving_since(latched_s)))
        stage.estop(press=False)


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


def _learner(work: Path, bridge: str) -> dict[str, object]:
    return {"run_dir": str(work / f"run_{bridge}"), "max_steps": 10**6, "checkpoint_every": 10**6}


def _folder(work: Path, name: str) -> Path:
    folder = work / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
