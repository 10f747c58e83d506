"""The policy ``script``: what it says from the state, and that tasks are done so."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from vlmrl_ros.core import registry
from vlmrl_ros.core.asking import Asking, AskingConfig
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.spoken import read_spoken
from vlmrl_ros.core.thinker import Question, Thinker
from vlmrl_ros.core.vocabulary import MovesConfig
from vlmrl_ros.sim import load
from vlmrl_ros.sim.operators.words import MOVERS, by_skills

BOTH = {"observation": "both", "image_size": 16, "horizon": 400}
SKILLS, MOVES = {"words": "skills"}, {"words": "moves"}
FINE = {"words": "moves", "coarse_mm": 20.0, "fine_mm": 2.0}


def script(task, options):
    return registry.load("policies", "script")(task.spec, options)


def told(task) -> str:
    return getattr(task, "instruction", "")


def what_people_say(task, options) -> tuple[str, str]:
    """From the true scene."""
    if options["words"] == "skills":
        said = by_skills(task)
    else:
        distances = {name: value for name, value in options.items() if name != "words"}
        said = MOVERS[task.spec.task](task.scene(), told(task), MovesConfig(**distances))
    return said.thoughts, said.action


@pytest.mark.parametrize(
    ("name", "options", "more"),
    [("tabletop", SKILLS, {}), ("tabletop", MOVES, {}), ("peg_insert", FINE, {"estimate_error_mm": 0.0})],
)
def test_it_says_what_people_say_who_see_the_scene_and_so_the_task_is_done(name, options, more):
    task = load.build(name, {**BOTH, **more})
    policy, said = script(task, options), 0
    for seed in range(2):
        arrived = task.reset(np.random.default_rng(seed))
        policy.reset(told(task))
        while not arrived.last():
            action, info = policy.act(arrived.observation, np.random.default_rng(0))
            if "thought" in info and not task.success:
                text = json.loads(info["thought"]["text"])
                assert (text["thoughts"], text["action"]) == what_people_say(task, options)
                said += 1
            arrived = task.step(action)
        assert task.success
    assert said >= 4


@pytest.mark.parametrize(("options", "last"), [(MOVES, {"wait"}), (SKILLS, {"nothing is left to be done"})])
def test_once_it_is_done_nothing_more_is_moved(options, last):
    task = load.build("tabletop", {**BOTH, "post_success_steps": 30})
    policy, after = script(task, options), []
    arrived = task.reset(np.random.default_rng(1))
    policy.reset(task.instruction)
    while not arrived.last():
        done = task.success
        action, info = policy.act(arrived.observation, np.random.default_rng(0))
        if done and "thought" in info:
            after.append(info["thought"].get("error") or info["thought"]["action"])
        arrived = task.step(action)
    assert set(after) == last


def test_it_is_asked_as_the_model_is_that_learns_from_it_and_no_model_has_said_it():
    task = load.build("tabletop", BOTH)
    policy = script(task, {**SKILLS, "description": "Be quick."})
    assert isinstance(policy, Thinker)
    seen = task.reset(np.random.default_rng(0)).observation
    (decision,) = policy.think([Question(seen, np.random.default_rng(0), task.instruction)])
    spoken = read_spoken(json.dumps({**decision.thought, "stamp_ns": 5, "version": 0}))
    asked = Asking(task.spec, AskingConfig(words="skills", description="Be quick."))
    assert spoken.prompt == asked.prompt(task.instruction)
    assert spoken.said.valid
    assert spoken.utterance.text.startswith('{"thoughts": "the hand is empty, the ')
    assert [len(spoken.utterance.prompt_ids), len(spoken.utterance.token_ids)] == [0, 0]
    plain = script(task, {**SKILLS, "thoughts": False})
    (decision,) = plain.think([Question(seen, np.random.default_rng(0), task.instruction)])
    assert list(json.loads(decision.thought["text"])) == ["action"]


def test_an_instruction_that_is_not_understood_is_answered_by_an_error_and_hurts_no_other():
    task = load.build("tabletop", BOTH)
    seen = task.reset(np.random.default_rng(0)).observation
    questions = [Question(seen, np.random.default_rng(0), text) for text in ("make tea", "", task.instruction)]
    wrong, none, right = script(task, SKILLS).think(questions)
    assert (wrong.motion, none.motion) == (None, None)
    assert "unknown instruction 'make tea'" in wrong.thought["error"]
    assert "unknown instruction 'tabletop'" in none.thought["error"]
    assert right.motion is not None


def test_weights_that_a_learner_publishes_change_nothing():
    task = load.build("tabletop", BOTH)
    policy = script(task, SKILLS)
    policy.take(policy.prepare({"weights": np.ones(3)}))
    policy.load({})


@pytest.mark.parametrize(
    ("name", "task_options", "options", "complaint"),
    [
        ("reach", {"observation": "both"}, MOVES, "nothing to say in task 'reach' by moves; valid: 'tabletop' by"),
        ("tabletop", {"observation": "pixels"}, SKILLS, "needs thing_x, .* in the state of 'tabletop'; valid: obs"),
        ("tabletop", {"observation": "state"}, SKILLS, "in words needs a camera; task 'tabletop' has none"),
    ],
)
def test_where_it_has_nothing_to_say_it_is_refused(name, task_options, options, complaint):
    with pytest.raises(ConfigError, match=complaint):
        script(load.build(name, task_options), options)
    spec = replace(load.build("tabletop", BOTH).spec, task="other")
    with pytest.raises(ConfigError, match="task 'other' by skills"):
        registry.load("policies", "script")(spec, SKILLS)
