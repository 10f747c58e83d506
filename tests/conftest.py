from __future__ import annotations

import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from vlmrl_ros.nodes.bench.launched import loopback_udp

sys.path.insert(0, str(Path(__file__).parent))  # fakes

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as in every node: threads that wait for a busy core gain nothing
os.environ.update(loopback_udp())  # nodes are killed in tests; see there
settings.register_profile("shared", deadline=None)  # other processes share the machine: a slow example is no failure
settings.load_profile("shared")

NICENESS = 10
TIMED = (
    *(f"tests/launch/{name}.py" for name in ("test_fleet", "test_joy", "test_real_train")),
    *(f"tests/ros/{name}.py" for name in ("test_lifecycle", "test_realtime", "test_reset_by_hand", "test_reset_pause")),
    *(f"tests/ros/{name}.py" for name in ("test_silence", "test_sim_arm", "test_stop_in_time", "test_takeover_path")),
)
"""Files with processes that keep time by the clock; what waits for its peers in lockstep can wait a little longer."""
PROCESSES = ("tests/launch/", "tests/ros/")


def keeps_time(nodeid: str) -> bool:
    """Whether a test is late where others take its cores."""
    return nodeid.startswith(TIMED)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """With ``-n`` file by file; but tests that keep time one after the other in one process."""
    from xdist.scheduler import LoadFileScheduling

    class TimedAlone(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "timed" if keeps_time(nodeid) else super()._split_scope(nodeid)

    return TimedAlone(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What keeps time comes first, beside all the others; of these what starts processes, for it takes longest."""
    items.sort(key=lambda item: (not keeps_time(item.nodeid), not item.nodeid.startswith(PROCESSES)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Give way to what keeps time; there is no way back, and no need of one: that comes first."""
    if not keeps_time(item.nodeid):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With a failure comes what the processes of the test, those of its ``stage``, have written last."""
    report = yield
    played = getattr(item, "funcargs", {}).get("stage")
    if report.failed and played is not None:
        report.sections.extend(played.last_words())
    return report
