"""A learner that cannot do its work ends with the reason, and leaves the one that does in peace."""

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

BROKEN = """
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners.rlif.config import RlifConfig

class Builder:
    config_type = RlifConfig
    experience = Transition

    @staticmethod
    def build(spec, config, rng):
        return {}["networks"]
"""


def plugin(root: Path) -> Path:
    """A distribution of somebody else, whose learner has a defect."""
    about = root / "broken-1.0.dist-info"
    about.mkdir(parents=True)
    (root / "broken.py").write_text(BROKEN)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[vlmrl_ros.learners]\nbroken = broken:Builder\n")
    return root


def test_of_two_learners_the_second_gives_way_and_of_one_with_a_defect_the_reason_is_told(
    stage: Stage, observer: Observer
):
    run = stage.root / "run"
    first = stage.node("learner", {"run_dir": str(run)})
    observer.change("learner", CONFIGURE, ACTIVATE)
    second = stage.node("learner", {"run_dir": str(stage.root / "second")})
    owner = stage.node("learner", {"run_dir": str(run)}, namespace="/elsewhere")
    assert second.wait() == 1
    assert "[learner]: '/learner' finds that '/learner' of process " in second.output
    assert "publishes '/weights' already; end it, or give this one another namespace:=" in second.output
    assert not (stage.root / "second").exists()
    assert owner.wait() == 1
    assert f"error: run directory '{run}' is in use by another run; choose another run_dir" in owner.output

    path = {"PYTHONPATH": str(plugin(stage.root / "plugin"))}
    broken = stage.node("learner", {"learner": "broken", "run_dir": str(stage.root / "broken")}, "/broken", path)
    heard = observer.until(lambda: broken.ended or observer.diagnosis("/broken/learner")[1], "a third learner", 120.0)
    assert heard
    assert not broken.ended, broken.output
    observer.change("broken/learner", CONFIGURE)
    task = build("reach", {})
    for space in ("", "broken/"):
        observer.publisher(String, f"{space}spec", qos.LATCHED).publish(String(data=task.spec.to_json()))
    task.close()
    assert broken.wait() == 1
    assert "KeyError: 'networks'" in broken.output
    assert not (stage.root / "broken").exists()
    for running in (second, owner):
        assert "Traceback" not in running.output

    learned = observer.listen(JointState, "learner/status")
    observer.until(lambda: learned, "the first learner goes on")
    assert not first.ended
