"""Malformed messages at every subscriber of every node do nothing but count."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from types import SimpleNamespace

import pytest
from fakes.processes import free_domain

from vlmrl_ros.bridge.security.documents import resolve
from vlmrl_ros.bridge.security.grants import GRANTS, grant_of
from vlmrl_ros.core.arm import parse_arm
from vlmrl_ros.nodes import bench
from vlmrl_ros.nodes.bench import fuzz
from vlmrl_ros.nodes.bench.fuzz_patient import CLASSES
from vlmrl_ros.nodes.bench.fuzz_robots import CELL
from vlmrl_ros.nodes.bench.recording import save

pytestmark = [pytest.mark.ros, pytest.mark.timeout(180)]

GROWTH_MIB = 16.0
"""Few messages fill the caches of Python and hypothesis; what grows with each message is far above at 10,000 each."""
COUNT = 60
SOMETIMES = {
    "clock",
    "observation/text",
    "observation/*/image_raw",
    "*/image_raw*",
    "recorder/status",
    "curriculum/plan",
    "instruction",
}
"""Of a fleet, of tasks with text, cameras or words, of a recorder that the bridge waits for, and of a curriculum."""
CONFIGURED = {
    "joystick": {"joy"},
    "policy_server": {"instruction", "intervention"},
    "learner": {"policy/status", "policy/thought"},
    "scripted_operator": {"policy/thought"},
}
"""Of a joystick that is there, of a policy that thinks, and of those who listen to it."""
NODES = sorted({name.partition("+")[0] for name in CLASSES})


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory):
    with free_domain() as domain, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", str(domain))
        work = tmp_path_factory.mktemp("fuzz")
        recording, figures = fuzz.over_the_wire(work, COUNT)
        save(work / "recording.json", recording)
        yield SimpleNamespace(work=work, recording=work / "recording.json", figures=figures)


@pytest.fixture(scope="module")
def alone(wire) -> dict[str, tuple[fuzz.Figures, str]]:
    rows = fuzz.in_process(list(CLASSES), wire.recording, COUNT, wire.work)
    details = wire.work / "alone"
    crash = (details / "stderr.txt").read_text()[-4000:]
    files = {node: details / f"{node}.json" for node in CLASSES}
    texts = [path.read_text() if path.is_file() else crash for path in files.values()]
    return dict(zip(CLASSES, zip(rows, texts, strict=False), strict=False))


def test_a_stranger_in_a_running_loop_changes_no_motion_of_the_arm(wire):
    assert wire.figures["messages"] == COUNT * len(fuzz.WIRED)
    assert (wire.figures["crashes"], wire.figures["effects_on_arm"]) == (0, 0)


@pytest.mark.parametrize("node", CLASSES)
def test_every_subscriber_of_a_node_refuses_what_is_malformed_and_counts_it(alone, node):
    figures, details = alone[node]
    assert figures["messages"] >= COUNT, details
    assert (figures["crashes"], figures["uncounted"], figures["effects_on_arm"]) == (0, 0, 0), details
    assert figures["memory_growth_mib"] < GROWTH_MIB, details


@pytest.mark.parametrize("node", NODES)
def test_a_secured_node_may_do_what_it_does_and_no_more(alone, node):
    ways = [json.loads(details)["opened"] for name, (_, details) in alone.items() if name.partition("+")[0] == node]
    opened = {kind: sorted({name for way in ways for name in way[kind]}) for kind in ways[0]}
    grant = grant_of(node, parse_arm("cell", dict(CELL)))
    enclave = f"/{node}"
    for kind, names in opened.items():
        granted = [resolve(enclave, name) for name in getattr(grant, kind)]
        denied = [name for name in names if not any(fnmatchcase(name, pattern) for pattern in granted)]
        assert not denied, f"{node} may not {kind} {denied}"
    for kind, names in (("publish", GRANTS[node].publish), ("subscribe", GRANTS[node].subscribe)):
        unused = {name for name in names if not any(fnmatchcase(o, resolve(enclave, name)) for o in opened[kind])}
        sometimes = SOMETIMES | CONFIGURED.get(node, set())
        assert unused <= sometimes, f"{node} may {kind} {unused - sometimes}, which it never does"


def test_no_node_is_left_out():
    files = Path(bench.__file__).parents[1].glob("*.py")
    nodes = {f"{path.stem}:{name}" for path in files for name in re.findall(r"class (\w+)\(Shell\b", path.read_text())}
    assert nodes
    assert nodes == {target for target, _ in CLASSES.values()}
