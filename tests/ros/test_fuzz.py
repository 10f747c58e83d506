"""Malformed messages at every subscriber of every node do nothing but count."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from fakes.processes import free_domain

from vlmrl_ros.nodes.bench import fuzz
from vlmrl_ros.nodes.bench.fuzz_patient import CLASSES
from vlmrl_ros.nodes.bench.recording import save

pytestmark = [pytest.mark.ros, pytest.mark.timeout(180)]

GROWTH_MIB = 16.0
"""Few messages fill the caches of Python and hypothesis; what grows with each message is far above at 10,000 each."""


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory):
    with free_domain() as domain, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", str(domain))
        work = tmp_path_factory.mktemp("fuzz")
        recording, figures = fuzz.over_the_wire(work, count=60)
        save(work / "recording.json", recording)
        yield SimpleNamespace(work=work, recording=work / "recording.json", figures=figures)


def test_a_stranger_in_a_running_loop_changes_no_motion_of_the_arm(wire):
    assert wire.figures["messages"] == 60 * len(fuzz.WIRED)
    assert (wire.figures["crashes"], wire.figures["effects_on_arm"]) == (0, 0)


@pytest.mark.parametrize("node", CLASSES)
def test_every_subscriber_of_a_node_refuses_what_is_malformed_and_counts_it(wire, node):
    figures = fuzz.in_process(node, wire.recording, 200, wire.work)
    result = (Path(wire.work) / node / "result.json").read_text() if figures["messages"] else "the node crashed"
    assert figures["messages"] >= 200, result
    assert (figures["crashes"], figures["uncounted"], figures["effects_on_arm"]) == (0, 0, 0), result
    assert figures["memory_growth_mib"] < GROWTH_MIB, result
