"""Every node of a simulated training in real time is stopped, killed, and has its clock set, at random instants.

Nodes whose clocks differ are on different machines, so they talk as machines do, by UDP. In the shared memory of one
machine Fast DDS keeps the system time of its last look for dead readers; when a clock that was ahead is set right, it
looks no more until that time has come again.
"""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np

from vlmrl_ros.core.safety import SafetyConfig
from vlmrl_ros.nodes.bench.clock_jump import ClockShim
from vlmrl_ros.nodes.bench.figures import Figures
from vlmrl_ros.nodes.bench.launched import loopback_udp
from vlmrl_ros.nodes.bench.stage import Nodes, Stage

SEED = 0
RATE_HZ = 10.0
LIMITS = SafetyConfig(velocity=(0.06,), acceleration=(0.5,))
KINDS = ("stop", "kill", "clock")
PAUSE_S, SILENCE_S, JUMP_S = (0.1, 0.5), (0.3, 1.5), 3600.0
TASK = {
    "task": "reach",
    "time": "realtime",
    "reach.rate_hz": RATE_HZ,
    "safety.velocity": list(LIMITS.velocity),
    "safety.acceleration": list(LIMITS.acceleration),
}
LOOP: Nodes = {
    "policy_server": {},
    "teleop": {"profile": "scripted", "joy_sync": True},
    "scripted_operator": {"operator": "reach", "demonstrations": 1},
    "sim_bridge": TASK,
}


def measure(quick: bool, work: Path, disturbances: int = 0) -> Figures:
    """Disturb each node in turn, each kind in turn, beside a learner that trains.

    Args:
        quick: 15 disturbances instead of 50.
        work: directory for logs and runs.
        disturbances: another number of them.

    Returns:
        ``chaos.disturbances``, of which ``chaos.stops``, ``chaos.kills`` and ``chaos.clock_jumps``; of the
        ``chaos.commands`` that were carried out ``commands.outside_limits`` and ``commands.from_dead_source``.

    Raises:
        VlmrlError: the arm does not move again after a disturbance, or there is no C compiler.
    """
    rng, shim = np.random.default_rng(SEED), ClockShim(work)
    nodes: Nodes = {"learner": {"max_steps": 10**6, "checkpoint_every": 10**6, "run_dir": str(work / "run")}, **LOOP}
    done = dict.fromkeys(KINDS, 0)
    stage = Stage(work, nodes, LIMITS, loopback_udp())
    for name in nodes:
        stage.environment(name, shim.environment(name))
    with stage:
        for index in range(disturbances or (15 if quick else 50)):
            name, kind = list(nodes)[index % len(nodes)], KINDS[index % len(KINDS)]
            stage.until_moving()
            stage.listen(rng.uniform(*PAUSE_S))
            _disturb(stage, shim, name, kind, rng)
            if name == "learner" and kind == "kill":
                stage.start(name, {"run_dir": str(work / f"run_{index}")})
            done[kind] += 1
        stage.until_moving()
        watch = stage.watch
    (work / "problems.txt").write_text("".join(f"{line}\n" for line in watch.problems), encoding="utf-8")
    return {
        "chaos.disturbances": float(sum(done.values())),
        "chaos.stops": float(done["stop"]),
        "chaos.kills": float(done["kill"]),
        "chaos.clock_jumps": float(done["clock"]),
        "chaos.commands": float(watch.executed),
        "commands.outside_limits": float(watch.outside_limits),
        "commands.from_dead_source": float(watch.from_dead_source),
    }


def _disturb(stage: Stage, shim: ClockShim, name: str, kind: str, rng: np.random.Generator) -> None:
    silence_s = rng.uniform(*SILENCE_S)
    if kind == "clock":
        shim.set(name, rng.choice([-1.0, 1.0]) * rng.uniform(0.0, JUMP_S))
        stage.listen(silence_s)
        return
    since_s = stage.signal(name, signal.SIGKILL if kind == "kill" else signal.SIGSTOP)
    if name != "learner":  # it gives no commands, and the arm does not wait for it
        stage.watch.died(name, since_s)
    stage.listen(silence_s)
    stage.watch.revived(name)
    if kind == "stop":
        stage.signal(name, signal.SIGCONT)
    elif name != "learner":
        stage.start(name)
