"""Demonstrations in words: a script shows a task and says why, bags keep it, a model learns it without a robot."""

from __future__ import annotations

import json
import re

import pytest
from fakes.processes import Stage
from fakes.vlm_models import llava

from vlmrl_ros.bridge.bags.reader import find_bags, read_messages, read_streams
from vlmrl_ros.core.prompts import answer
from vlmrl_ros.core.skills import PLACES

pytestmark = [pytest.mark.launch, pytest.mark.timeout(240)]

EPISODES = 2
LEARNER = {
    **{"vlm_sft.min_turns": 2 * EPISODES, "vlm_sft.minibatch": 4, "vlm_sft.steps_per_update": 1},
    **{"vlm_sft.samples_per_insert": 4.0, "eval_task": "", "checkpoint_every": 10_000},
}


def test_what_a_script_said_is_learned_from_its_bags(stage: Stage):
    folder, demos, run = (stage.root / name for name in ("model", "demos", "run"))
    texts = [answer("the hand is empty, the red pad is", f"pick {place}") for place in PLACES]
    for part in llava(["The task: put the red block on the pad. You drive a robot arm.", *texts]):
        part.save_pretrained(folder)
    both = {"script.words": "skills", "vlm.words": "skills", "vlm.model": str(folder)}
    params = f"params_file:={stage.params_file({'/**': both, '/**/learner': LEARNER})}"
    given = ["operator:=script", "task:=tabletop", "headless:=true", f"directory:={demos}", f"episodes:={EPISODES}"]
    recorded = stage.launch("record_demos.launch.py", *given, params)
    assert recorded.wait(120.0) == 0, recorded.output
    assert "Traceback" not in recorded.output
    assert re.search(rf"\({EPISODES} kept, \d+ discarded\)", recorded.output)

    for bag in find_bags(demos):
        assert [message.topic for message in read_messages(bag)].count("/instruction") == 1

    _, streams = read_streams([demos], listens=True)
    spoken = [step.spoken for steps in streams for step in steps if step.spoken is not None]
    said = {one.stamp_ns: one for one in spoken}
    assert len(said) >= 2 * EPISODES
    for one in said.values():
        goal = re.search(r"The task: put the (\w+ \w+) ", one.prompt)[1]
        assert f"the {goal} is " in one.utterance.text or one.said.action.startswith("place ")
        assert len(one.utterance.token_ids) == 0

    offline = ["task:=tabletop", "policy:=vlm", "learner:=vlm_sft", f"offline:={demos}", "max_steps:=12"]
    learned = stage.launch("sim_train.launch.py", *offline, f"run_dir:={run}", params)
    assert learned.wait(90.0) == 0, learned.output
    assert "Traceback" not in learned.output
    summary = json.loads((run / "summary.json").read_text())
    assert summary["turns"] >= 2 * EPISODES
    assert summary["updates"] == 12
    assert summary["metrics"]["loss"] > 0


def test_what_a_script_says_is_no_experience_of_a_model_of_its_own(stage: Stage):
    given = ["policy:=script", "learner:=vlm_ppo", "task:=tabletop", f"run_dir:={stage.root / 'refused'}"]
    launched = stage.launch("sim_train.launch.py", *given)
    assert launched.wait() != 0
    assert "learner:=vlm_ppo does not go with policy:=script; valid: vlm_sft" in launched.output
