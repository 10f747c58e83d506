"""Three checkpoints, of which one is corrupt: tried in the loop, chosen among, and the mixture acts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes.checkpoints import GOES_THERE, STANDS_STILL, corrupt, write_reacher
from fakes.observer import PATIENT, Observer
from fakes.processes import Stage
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import messages
from vlmrl_ros.core.mixture import Mixture
from vlmrl_ros.sim.load import build

pytestmark = [pytest.mark.launch, pytest.mark.timeout(120)]

NAMES = ("step_1", "step_2", "step_3")
DEPLOYED = 6


@pytest.fixture(scope="module")
def run(stage: Stage) -> Path:
    task = build("reach", {})
    folder = stage.root / "run" / "checkpoints"
    for step, gain in ((1, STANDS_STILL), (2, GOES_THERE), (3, GOES_THERE)):
        write_reacher(folder, step, task.spec, gain)
    task.close()
    corrupt(folder / "step_3")
    return folder.parent


def test_candidates_are_tried_once_and_a_mixture_of_those_that_load_is_deployed(stage: Stage, run: Path):
    params = stage.params_file({"/**": {"reach.horizon": 40}})
    observer = Observer(stage.domain)
    said, acted = observer.listen(String, "policy/selection"), observer.listen(JointState, "policy/status", PATIENT)
    launched = stage.launch(
        *("select.launch.py", f"candidates:={run / 'checkpoints'}", "trials:=1", "learner:=greedy"),
        *(f"episodes:={DEPLOYED}", "incumbent:=step_1", f"params_file:={params}"),
    )
    observer.until(lambda: launched.ended, "the end of the selection", 60.0)
    observer.close()
    assert launched.wait() == 0, launched.output
    assert "Traceback" not in launched.output
    assert "candidate 'step_3' cannot be loaded and counts as failed: checkpoint" in launched.output

    plain = json.loads((run / "selection" / "selection.json").read_text())
    rows = {row["name"]: row for row in plain["candidates"]}
    assert [rows[name]["returns"] for name in NAMES] == [[0.0], [1.0], [0.0]]
    assert [rows[name]["loaded"] for name in NAMES] == [True, True, False]
    assert [rows[name]["probability"] for name in NAMES] == [0.0, 1.0, 0.0]
    assert plain["certificate"] > plain["incumbent_certificate"]
    assert plain["deployed"]["drawn"] == {"step_2": DEPLOYED}
    assert plain["deployed"]["success"] == 1.0
    assert f"certificate {plain['certificate']:.2f}" in launched.output

    mixtures = [Mixture.from_json(message.data) for message in said]
    assert [m.probabilities.index(1.0) for m in mixtures] == [0, 1, 1]
    assert [m.last_episode for m in mixtures] == [0, 1, None]
    candidates = [messages.read_values(m, "policy/status")["candidate"] for m in acted]
    assert candidates[0] == 0
    assert set(candidates[candidates.index(1.0) :]) == {1.0}
