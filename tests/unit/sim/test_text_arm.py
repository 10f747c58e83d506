from __future__ import annotations

import numpy as np
import pytest

from vlmrl_ros.core.errors import ConfigError, UnknownNameError
from vlmrl_ros.core.prompts import answer
from vlmrl_ros.sim import load
from vlmrl_ros.sim.operators.words import MOVERS, by_skills
from vlmrl_ros.sim.text_arm import TextArm, TextArmConfig

SMALL = {"image_size": 16}
PEG = TextArmConfig(coarse_mm=20.0, fine_mm=2.0, cameras=("front",), **SMALL)
MOVES = TextArmConfig(**SMALL)


def text_arm(name: str = "tabletop", config: TextArmConfig | None = None, **options: object) -> TextArm:
    instruction = "" if name == "tabletop" else "insert the peg into the hole"
    return TextArm(load.build(name, {"observation": "state", "horizon": 2000, **options}), instruction, config or MOVES)


def test_the_prompt_shows_the_picture_and_says_what_is_to_be_done():
    task = text_arm()
    seen = task.reset(3)
    assert seen.text.startswith("You drive a robot arm")
    assert seen.text.endswith(" <image>")
    assert f"The task: {task.task.instruction}." in seen.text
    assert '"thoughts"' in seen.text
    assert "move left a little" in seen.text
    assert [image.shape for image in seen.images] == [(16, 16, 3)]
    assert '"thoughts"' not in text_arm(config=TextArmConfig(thoughts=False, **SMALL)).reset(3).text


def test_one_seed_gives_one_episode():
    task = text_arm()
    first, other, again = task.reset(3), task.reset(4), task.reset(3)
    assert first.text == again.text
    assert first.images[0].tobytes() == again.images[0].tobytes() != other.images[0].tobytes()


def test_a_move_moves_the_tip_by_about_its_way():
    task = text_arm()
    task.reset(0)
    before = task.task.tip()
    task.step(answer("it is there", "move left"))
    for _ in range(3):
        step = task.step(answer(None, "wait"))
    assert task.task.tip() - before == pytest.approx([0, 0.04, 0], abs=0.004)
    assert step.info["action"] == "wait"
    assert step.info["valid"]


@pytest.mark.parametrize("seed", range(2))
def test_who_says_skills_puts_the_thing_where_it_belongs(seed: int):
    task = text_arm(config=TextArmConfig(words="skills", **SMALL))
    task.reset(seed)
    verbs, rewards = [], []
    for _ in range(2):
        said = by_skills(task.task)
        step = task.step(answer(said.thoughts, said.action))
        verbs.append(said.action.split()[0])
        rewards.append(step.reward)
    assert verbs == ["pick", "place"]
    assert rewards == [0.0, 1.0]
    assert (step.terminated, step.truncated, step.info["success"]) == (True, False, True)


@pytest.mark.parametrize(("name", "config"), [("tabletop", MOVES), ("peg_insert", PEG)])
def test_move_by_move_a_task_is_done(name: str, config: TextArmConfig):
    task, successes = text_arm(name, config), []
    for seed in range(2):
        task.reset(seed)
        step = None
        while step is None or not step.last:
            said = MOVERS[name](task.task.scene(), task.instruction, config)
            assert said.action in task.legal_actions
            step = task.step(answer(said.thoughts, said.action))
        successes.append(step.info["success"])
    assert all(successes)


@pytest.mark.parametrize(
    ("invalid", "reward", "terminated"), [("no-op", 0.0, False), ("penalty", -1.0, False), ("end", -1.0, True)]
)
def test_a_text_without_an_action_moves_nothing_and_costs_what_is_chosen(invalid, reward, terminated):
    task = text_arm(config=TextArmConfig(invalid=invalid, **SMALL))
    task.reset(0)
    before = task.task.tip()
    step = task.step("let me think")
    assert (step.info["action"], step.info["valid"]) == (None, False)
    assert (step.reward, step.terminated, step.truncated) == (reward, terminated, False)
    np.testing.assert_allclose(task.task.tip(), before, atol=1e-3)


def test_a_text_without_an_action_may_mean_any():
    task = text_arm(config=TextArmConfig(invalid="random", **SMALL))

    def meant(seed: int) -> str:
        task.reset(seed)
        step = task.step("let me think")
        assert (step.reward, step.info["valid"]) == (0.0, False)
        return step.info["action"]

    said = [meant(seed) for seed in (1, 2, 3, 1)]
    assert said[0] == said[3]
    assert len(set(said)) > 1
    assert set(said) <= set(task.legal_actions)


def test_an_episode_is_truncated_after_its_last_turn_and_then_over():
    task = text_arm(config=TextArmConfig(max_turns=2, **SMALL))
    task.reset(0)
    steps = [task.step(answer(None, "wait")) for _ in range(2)]
    assert [(step.terminated, step.truncated) for step in steps] == [(False, False), (False, True)]
    with pytest.raises(RuntimeError, match="reset before"):
        task.step(answer(None, "wait"))


def test_the_end_of_the_task_in_the_middle_of_a_motion_truncates():
    task = text_arm(horizon=1)
    task.reset(0)
    step = task.step(answer(None, "move left"))
    assert (step.terminated, step.truncated) == (False, True)


def test_what_cannot_be_seen_or_is_not_said_is_refused():
    with pytest.raises(UnknownNameError, match="unknown camera 'top'; valid: front, overview, wrist"):
        text_arm("peg_insert", MOVES)
    with pytest.raises(ConfigError, match="does not say what is to be done"):
        TextArm(load.build("peg_insert", {}), config=PEG)
    with pytest.raises(ConfigError, match="task 'peg_insert' lacks tip_x"):
        text_arm("peg_insert", TextArmConfig(words="skills", cameras=("front",)))
