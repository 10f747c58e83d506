"""Checkpoints, of which one is corrupt, skills and instructions: tried in the loop, chosen among, the mixture acts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes.checkpoints import GOES_THERE, STANDS_STILL, corrupt, write_reacher
from fakes.observer import PATIENT, Observer
from fakes.processes import Stage
from fakes.vlm_models import llava
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import messages
from vlmrl_ros.core.mixture import Mixture
from vlmrl_ros.core.prompts import answer
from vlmrl_ros.sim.load import build

pytestmark = [pytest.mark.launch, pytest.mark.timeout(180)]

NAMES = ("step_1", "step_2", "step_3")
DEPLOYED = 6
DECIDED = Mixture(NAMES, (0.0, 1.0, 0.0))


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

    # what was said before the observer had been found it has not heard; tests/ros/test_selector.py has the whole order
    mixtures = [Mixture.from_json(message.data) for message in said]
    assert [m.probabilities.index(1.0) for m in mixtures] == sorted(m.probabilities.index(1.0) for m in mixtures)
    assert mixtures[-1] == DECIDED
    candidates = [messages.read_values(m, "policy/status")["candidate"] for m in acted]
    assert candidates == sorted(candidates)
    assert set(candidates) <= {0.0, 1.0}


def test_a_checkpoint_is_chosen_among_skills_and_the_decision_is_deployed_later(stage: Stage, run: Path):
    params, folder = stage.params_file({"/**": {"reach.horizon": 40}}), stage.root / "chosen"
    launched = stage.launch(
        *("select.launch.py", f"candidates:={run / 'checkpoints' / 'step_2'}", "skills:=wait|move up then wait"),
        *("learner:=greedy", "episodes:=0", f"output:={folder}", f"params_file:={params}"),
    )
    assert launched.wait(60.0) == 0, launched.output
    plain = json.loads((folder / "selection.json").read_text())
    rows = {row["name"]: row for row in plain["candidates"]}
    assert [row["returns"] for row in rows.values()] == [[1.0], [0.0], [0.0]]
    assert rows["move up then wait"]["candidate"] == "skill:move up then wait"
    assert rows["step_2"]["probability"] == 1.0

    again = stage.launch(
        *("select.launch.py", f"selection:={folder / 'selection.json'}", "episodes:=2", f"params_file:={params}"),
    )
    assert again.wait(60.0) == 0, again.output
    after = json.loads((folder / "selection.json").read_text())
    assert after.pop("deployed")["drawn"] == {"step_2": 2}
    assert after == plain


def test_a_model_is_told_each_instruction_in_an_episode_of_its_own(stage: Stage):
    model, folder, file = stage.root / "model", stage.root / "told", stage.root / "said.yaml"
    for part in llava(["The task: put it there. You drive a robot arm.", answer("I see it.", "move left a little")]):
        part.save_pretrained(str(model))
    sentences = ["put the red block on the blue pad", "the red block, please, onto the blue pad"]
    file.write_text("".join(f"- '{sentence}'\n" for sentence in sentences))
    options = {"tabletop.horizon": 8, "vlm.model": str(model), "vlm.max_new_tokens": 8, "vlm.invalid": "random"}
    observer = Observer(stage.domain)
    heard, acted = observer.listen(String, "policy/thought"), observer.listen(JointState, "policy/status", PATIENT)
    launched = stage.launch(
        *("select.launch.py", f"instructions:={file}", "task:=tabletop", "episodes:=1", f"output:={folder}"),
        f"params_file:={stage.params_file({'/**': options})}",
    )
    observer.until(lambda: launched.ended, "the end of the selection", 100.0)
    prompts = [json.loads(message.data)["prompt"] for message in heard]
    status = [messages.read_values(m, "policy/status") for m in acted]
    observer.close()
    assert launched.wait() == 0, launched.output
    assert "Traceback" not in launched.output
    plain = json.loads((folder / "selection.json").read_text())
    assert [row["candidate"] for row in plain["candidates"]] == [f"instruction:{sentence}" for sentence in sentences]
    assert plain["policy"] == "vlm"
    assert [len(row["returns"]) for row in plain["candidates"]] == [1, 1]
    assert prompts
    assert status
    told = [next(sentence for sentence in sentences if sentence in prompt) for prompt in prompts]
    assert set(told) <= set(sentences)  # as above: what it heard of them
    assert {values["candidate"] for values in status} <= {0.0, 1.0}


def test_a_decision_that_draws_what_cannot_be_loaded_is_refused_by_name(stage: Stage, run: Path):
    checkpoints = [run / "checkpoints" / name for name in NAMES[1:]]
    rows = [{"name": path.name, "candidate": str(path), "probability": 0.5} for path in checkpoints]
    file = stage.root / "half.json"
    file.write_text(json.dumps({"candidates": rows, "policy": ""}))
    launched = stage.launch("select.launch.py", f"selection:={file}")
    assert launched.wait(60.0) != 0
    assert f"what is deployed cannot be loaded: checkpoint '{checkpoints[1]}' is damaged" in launched.output
    assert "Traceback" not in launched.output
