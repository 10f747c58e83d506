"""Real nodes whose every subscriber is fed malformed messages, in a process of their own, so that a crash is seen.

``python -m vlmrl_ros.nodes.bench.fuzz_node NODE... --recording FILE --count N --work DIR`` writes
a line of JSON for each.
"""

from __future__ import annotations

import argparse
import copy
import gc
import json
import resource
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Bool, String

from vlmrl_ros.bridge import messages
from vlmrl_ros.bridge.shell import FAILED
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.nodes.bench import malformed
from vlmrl_ros.nodes.bench.anything import anything
from vlmrl_ros.nodes.bench.fuzz_options import OPTIONS
from vlmrl_ros.nodes.bench.fuzz_patient import CLASSES, STAMP_BOUND, UNMANAGED, Patient
from vlmrl_ros.nodes.bench.fuzz_robots import ArmBridgePatient, SimArmPatient
from vlmrl_ros.nodes.bench.fuzz_text import TEXTS
from vlmrl_ros.nodes.bench.recording import load

PATIENTS: dict[str, type[Patient]] = {"arm_bridge": ArmBridgePatient, "sim_arm": SimArmPatient, **OPTIONS, **TEXTS}
"""Nodes that need more than the recorded loop."""
STATUS = DiagnosticStatus(name="/teleop", message="active", values=[KeyValue(key="state", value="active")])
UNREAD = {"teleop": ("guide",), "recorder": ("instruction", "joy", "policy/status", "policy/thought", "scene")}
"""What a node keeps as it comes: no content of it can be wrong."""
REAL_EVERY = 50
"""After so many malformed messages a real step must get through, and nothing else."""
WARM_UP = 0.3
"""The first part of the messages, in which caches fill."""


def fuzz(patient: Patient, topic: str, count: int, rng: np.random.Generator, samples: list[Any]) -> dict[str, int]:
    """Feed one subscriber; returns how many messages of each kind it was fed."""
    kind = type(samples[0])
    free = iter(anything(kind, count // 2))
    fed: Counter[str] = Counter()
    for k in range(count):
        sample = samples[rng.integers(len(samples))]
        way = int(rng.integers(8)) if kind in malformed.SPOILERS else int(rng.integers(3))
        if way < 2:
            message, what = next(free, None), "free"
        elif way == 2:
            raw = malformed.tear(at(sample, 1), rng)
            message, what = raw if patient.topics()[topic].raw else malformed.read_torn(raw, kind), "torn"
        elif way == 3 and topic.startswith(STAMP_BOUND) and hasattr(sample, "header"):
            message, what = malformed.misplace(sample, rng), "misplaced"
        else:
            message, what = malformed.spoil(at(sample, patient.next_ns(topic)), topic, rng), "spoiled"
        fed[what] += 1
        if message is None:
            continue  # the middleware has refused it
        before = patient.counted()
        patient.feed(topic, message)
        unread = topic in UNREAD.get(patient.name, ())
        if what == "spoiled" and not unread and patient.counted() == before:
            patient.wrong[f"not counted on {topic}"] += 1
        if patient.name not in UNMANAGED and k % REAL_EVERY == REAL_EVERY - 1:
            patient.real_step()
    return dict(fed)


def at(sample: Any, stamp_ns: int) -> Any:
    """A copy of a message under another stamp, where it has one."""
    copied = copy.deepcopy(sample)
    if hasattr(copied, "header"):
        copied.header.stamp = messages.to_time(stamp_ns)
    return copied


def main() -> None:
    """Entry point of the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nodes", nargs="+", choices=CLASSES, metavar="NODE")
    parser.add_argument("--recording", required=True, type=Path)
    parser.add_argument("--count", required=True, type=int)
    parser.add_argument("--work", required=True, type=Path)
    a = parser.parse_args()
    recording = load(a.recording)
    thought = [String(data='{"text": "left"}')]
    recording |= {"instruction": thought, "policy/thought": thought}
    recording |= {"clock": [Clock()], "estop/state": [Bool()], "diagnostics": [DiagnosticArray(status=[STATUS])]}
    for name in a.nodes:
        patient = PATIENTS.get(name, Patient)(name, recording, a.work)
        unknown = [topic for topic in patient.topics() if topic not in patient.recording]
        if unknown:
            raise VlmrlError(f"{name} listens to {', '.join(unknown)}, of which the recording has nothing")
        result = _measure(patient, sorted(patient.topics()), a.count)
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()
        patient.end()


def _measure(patient: Patient, topics: list[str], count: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    first = int(count * WARM_UP)
    fed: Counter[str] = Counter()
    patient.begin()
    for topic in topics:
        fed.update(fuzz(patient, topic, first, rng, patient.recording[topic]))
    warm = resident_mib()
    for topic in topics:
        fed.update(fuzz(patient, topic, count - first, rng, patient.recording[topic]))
    counts = patient.node.diagnostics.counts()
    return {
        "node": patient.name,
        "topics": topics,
        "opened": patient.opened(),
        "messages": sum(fed.values()),
        "fed": dict(fed),
        "defects": {key: n for key, n in counts.items() if key.startswith(FAILED)},
        "refused": sum(n for key, n in counts.items() if key.startswith("refused")),
        "wrong": dict(patient.wrong),
        "ended": patient.node.done.done(),
        "growth_mib": resident_mib() - warm,
    }


def resident_mib() -> float:
    """Resident memory of this process after a collection."""
    gc.unfreeze()
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main()
