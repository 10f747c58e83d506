from __future__ import annotations

import inspect

import pytest
from transformers.utils import get_json_schema

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.text import IMAGE, TextObservation
from vlmrl_ros.sim.adapters.gym_text import GymText
from vlmrl_ros.sim.adapters.trl import TrlEnvironment
from vlmrl_ros.sim.text.load import game


def environment(name: str, **options: object) -> TrlEnvironment:
    return TrlEnvironment(game(name).build(options))


def test_the_only_tool_has_a_schema_as_trl_makes_it():
    made = environment("maze")
    public = [name for name, _ in inspect.getmembers(type(made), inspect.isfunction) if not name.startswith("_")]
    assert set(public) - {"reset", "get_reward"} == {"answer"}
    about = get_json_schema(made.answer)["function"]
    assert about["parameters"]["properties"]["text"] == {"type": "string", "description": "What is said, one line."}
    assert about["parameters"]["required"] == ["text"]


def test_an_episode_is_played_to_its_return_and_an_answer_after_it_is_an_error():
    made = environment("maze", start=24)  # beside the goal
    first = made.reset(seed=0, prompt=[], answer="a column of the data set that nobody needs")
    assert first.endswith("\ngoal at 8, 6; you are at 7, 6; walls left, right\n")
    assert made.answer("move up") == "goal at 8, 6; you are at 6, 6; walls left, right\n"
    for _ in range(2):
        made.answer("move down\n")
    assert made.get_reward() == -2.0
    with pytest.raises(RuntimeError, match="the episode has ended"):
        made.answer("move down")


def test_who_breaks_off_is_worth_no_more_than_silence():
    made = environment("wordle", words=20)
    made.reset(seed=0)
    made.answer("no word")
    assert made.get_reward() == made.get_reward() == -6.0
    walker = environment("maze", start=24)
    walker.reset()
    assert walker.get_reward() == -4.0 * 100 - 1.0


def test_where_prompts_grow_the_news_alone_is_told():
    made = environment("twenty_questions-rules")
    made.reset(seed=1)
    told = [made.answer(f"Is it a {thing}?\n") for thing in ("cat", "cat", "gloop")]
    assert set(told) <= {"Yes.\n", "No.\n"}


def test_what_changes_nothing_is_told_again():
    made = environment("maze", start=24)
    first = made.reset()
    assert made.answer("fly") == first.splitlines()[-1] + "\n"


def test_equal_seeds_begin_alike_so_that_a_group_begins_alike():
    one, other = environment("wordle"), environment("wordle")
    assert one.reset(seed=7) == other.reset(seed=7)
    marks = [one.answer(word) for word in ("house", "crane")]
    assert marks == [other.answer(word) for word in ("house", "crane")]
    assert all(set(of.split()) <= set("gyb") and len(of) == 10 for of in marks)


def test_a_task_with_pictures_is_refused():
    class Hand(GymText):
        names, system_prompt = ("stick", "hit"), "You play cards."

        def tell(self, observation, image):
            return TextObservation(IMAGE, (image,))

    with pytest.raises(ConfigError, match="Hand shows pictures; valid for TRL: tasks of text alone"):
        TrlEnvironment(Hand.make("Blackjack-v1")).reset()
