"""Takeovers teach a vision-language model in the whole loop: scripted operator, joystick, camera, thoughts, weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from fakes.observer import Observer
from fakes.processes import Stage
from fakes.vlm_models import llava
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from vlmrl_ros.bridge.messages import read_intervention
from vlmrl_ros.core.prompts import answer

pytestmark = [pytest.mark.launch, pytest.mark.timeout(180)]

SETTINGS = {
    "/**": {
        **{"tabletop.horizon": 12, "vlm.max_new_tokens": 8, "vlm.invalid": "random"},
        **{"operator.trigger": "random", "operator.takeover_rate": 1.0},
        **{"operator.reaction_steps": 2, "operator.hold_steps": 2},
    },
    "/**/learner": {
        **{"vlm_ppo.turns_per_update": 3, "vlm_ppo.minibatch": 3, "vlm_ppo.epochs": 1},
        "checkpoint_every": 10_000,
    },
}
"""The policy drives for two steps, then a person for two, and so on: almost every utterance is taken over from."""


def test_a_model_is_taught_by_takeovers_and_speaks_with_the_weights_that_come_of_it(stage: Stage):
    folder, run = stage.root / "model", stage.root / "run"
    for part in llava(["The task: put it there. You drive a robot arm.", answer("I see it.", "move left a little")]):
        part.save_pretrained(folder)
    settings = {**SETTINGS, "/**": {**SETTINGS["/**"], "vlm.model": str(folder)}}
    observer = Observer(stage.domain)
    heard = observer.listen(String, "/policy/thought")
    decided = observer.listen(JointState, "/intervention")
    launched = stage.launch(
        "sim_train.launch.py",
        *("policy:=vlm", "task:=tabletop", "max_steps:=40"),
        *(f"run_dir:={run}", f"params_file:={stage.params_file(settings)}"),
    )
    observer.until(lambda: launched.ended, "the end of the run", 120.0)
    thoughts = [json.loads(message.data) for message in heard]
    takeovers = [one for one in map(read_intervention, decided) if one.edge]
    observer.close()
    assert launched.wait() == 0, launched.output
    assert "Traceback" not in launched.output
    versions = [thought["version"] for thought in thoughts]
    assert versions == sorted(versions)
    assert max(versions) > 2, "the learner's first weights, and those of updates"
    summary = json.loads((run / "summary.json").read_text())
    assert summary["updates"] >= max(versions) - 1
    assert summary["metrics"]["first_ratio_error"] < 1e-3
    assert summary["takeover_rate_last"] == 3, "at steps 2, 6 and 10 of each episode"
    assert len(takeovers) >= 3 * summary["episodes"]
    assert summary["metrics"]["reward"] <= -0.5, "-1 for each utterance before a takeover"
    assert summary["turns"] + summary["turns_of_other_weights"] <= len(thoughts)
    assert summary["evaluations"] == [], "alone it would think at every step"
    waits_s = yaml.safe_load((run / "config.yaml").read_text())["sim_bridge"]["command_timeout_s"]
    assert waits_s == 5.0, "the bridge does not complain of each thought"
    assert (run / "plots" / "story.png").read_bytes().startswith(b"\x89PNG")


def test_a_learner_of_turns_needs_a_policy_that_thinks(stage: Stage, tmp_path: Path):
    launched = stage.launch("sim_train.launch.py", "learner:=vlm_ppo", "task:=tabletop", f"run_dir:={tmp_path / 'run'}")
    assert launched.wait() != 0
    assert "learner:=vlm_ppo learns from what a policy says; take policy:=vlm, not gaussian" in launched.output
