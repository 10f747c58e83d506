from __future__ import annotations

import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from vlmrl_ros.nodes.bench.launched import loopback_udp

sys.path.insert(0, str(Path(__file__).parent))  # fakes

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as in every node: threads that wait for a busy core gain nothing
os.environ.update(loopback_udp())  # nodes are killed in tests; see there
settings.register_profile("shared", deadline=None)  # other processes share the machine: a slow example is no failure
settings.load_profile("shared")

NICENESS = 10
TIMED = {"ros", "launch"}
"""Marks of tests with processes that keep time."""


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Where several run at once, tests that keep time run one after the other, and the others file by file.

    A wrapper comes before pytest-xdist, which reads the groups.
    """
    for item in items:
        timed = not TIMED.isdisjoint(mark.name for mark in item.iter_markers())
        item.add_marker(pytest.mark.xdist_group("timed" if timed else str(item.path)))
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Give way to what keeps time; there is no way back, but to that end all that keeps time comes first."""
    if TIMED.isdisjoint(mark.name for mark in item.iter_markers()):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
