from __future__ import annotations

import pytest

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.text import IMAGE, TextObservation
from vlmrl_ros.sim.adapters.gym_text import GymText


class Lake(GymText):
    names = ("left", "down", "right", "up")
    system_prompt = "You cross a frozen lake."
    max_turns = 8

    def tell(self, observation, image):
        return TextObservation(f"You stand on field {observation}.")


class Hand(GymText):
    names = ("stick", "hit")
    system_prompt = "You play cards."

    def tell(self, observation, image):
        return TextObservation(f"{IMAGE}You have {observation[0]}.", (image,))


def say(action: str) -> str:
    return f'{{"action": "{action}"}}'


def test_an_environment_is_done_by_what_is_said():
    task = Lake.make("FrozenLake-v1", is_slippery=False, render_mode=None)
    assert task.reset(0).text == "You stand on field 0."
    steps = [task.step(say(word)) for word in ("down", "down", "right", "right", "down", "right")]
    assert [step.observation.text[-3:-1] for step in steps[:2]] == [" 4", " 8"]
    assert [step.reward for step in steps] == [0, 0, 0, 0, 0, 1]
    assert (steps[-1].terminated, steps[-1].truncated, steps[-1].info["success"]) == (True, False, True)
    with pytest.raises(RuntimeError, match="reset before"):
        task.step(say("left"))
    task.close()


def test_a_fall_is_no_success_and_standing_around_is_cut():
    task = Lake.make("FrozenLake-v1", is_slippery=False, render_mode=None)
    task.reset(0)
    fallen = [task.step(say(word)) for word in ("down", "right")][-1]
    assert (fallen.terminated, fallen.info["success"]) == (True, False)
    task.reset(0)
    idle = [task.step("hm") for _ in range(8)]
    assert not any(step.info["valid"] for step in idle)
    assert [step.truncated for step in idle] == [False] * 7 + [True]
    task.close()


@pytest.mark.parametrize(
    ("choice", "reward", "over"), [("no-op", 0.0, False), ("penalty", -1.0, False), ("end", -1.0, True)]
)
def test_what_a_text_without_an_action_does_is_chosen(choice, reward, over):
    class Careful(Lake):
        invalid = choice

    task = Careful.make("FrozenLake-v1", is_slippery=False, render_mode=None)
    before = task.reset(0)
    step = task.step("hm")
    assert (step.reward, step.terminated, step.truncated, step.observation) == (reward, over, False, before)
    assert (step.info["valid"], step.info["action"]) == (False, None)
    task.close()


def test_a_text_without_an_action_may_mean_any():
    class Reckless(Lake):
        invalid = "random"

    task = Reckless.make("FrozenLake-v1", is_slippery=False, render_mode=None)

    def meant(seed: int) -> str:
        task.reset(seed)
        return task.step("hm").info["action"]

    said = [meant(seed) for seed in range(8)]
    assert set(said) <= set(Lake.names)
    assert len(set(said)) > 1
    assert said == [meant(seed) for seed in range(8)]
    task.close()


def test_a_choice_that_does_not_exist_is_refused():
    class Odd(Lake):
        invalid = "wait"

    with pytest.raises(ConfigError, match=r"Odd\.invalid is 'wait'; valid: random, no-op, penalty, end"):
        Odd.make("FrozenLake-v1", render_mode=None)


def test_pictures_come_along_where_there_are_any():
    task = Hand.make("Blackjack-v1")
    first, again = task.reset(7), task.reset(7)
    assert first.images[0].shape[2] == 3
    assert first.text == again.text
    task.close()


def test_as_many_names_as_actions():
    with pytest.raises(ConfigError, match=r"Lake names 4 actions for Discrete\(2\)"):
        Lake.make("Blackjack-v1", render_mode=None)
