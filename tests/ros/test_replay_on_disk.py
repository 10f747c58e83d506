from __future__ import annotations

from pathlib import Path

import pytest
from fakes.observer import ACTIVATE, CONFIGURE, Observer
from fakes.processes import Stage
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import qos
from vlmrl_ros.sim.load import build

pytestmark = pytest.mark.ros


def test_replay_on_disk_maps_the_replay_from_files_of_the_run_that_vanish_with_it(stage: Stage, observer: Observer):
    run = stage.root / "run"
    learner = stage.node("learner", {"run_dir": str(run), "replay_on_disk": True})
    observer.change("learner", CONFIGURE, ACTIVATE)
    task = build("reach", {})
    observer.publisher(String, "spec", qos.LATCHED).publish(String(data=task.spec.to_json()))
    task.close()
    heard = observer.listen(JointState, "learner/status")
    observer.until(lambda: heard, "the learner waits for steps")
    maps = Path(f"/proc/{learner.process.pid}/maps").read_text()
    assert sum(f"{run}/" in line and line.endswith("(deleted)") for line in maps.splitlines()) == 2  # the halves
    assert not [path for path in run.iterdir() if path.name.startswith("tmp")]
