from __future__ import annotations

from vlmrl_ros.core.prompts import answer, around_instruction, prompt, system_prompt
from vlmrl_ros.core.text import IMAGE
from vlmrl_ros.core.text_action import read_action

WORDS = ("move left", "move left a little", "wait")
AROUND = around_instruction(system_prompt(WORDS, "Blocks stack."), True)


def test_a_prompt_says_everything_before_its_pictures_unless_they_are_to_be_first():
    asked = prompt(AROUND, " red on blue ", 2)
    text = asked.removesuffix(IMAGE * 2)
    assert IMAGE not in text
    assert all(part in text for part in (*WORDS, "Blocks stack.", "The task: red on blue.", '"thoughts"'))
    assert prompt(AROUND, "red on blue", 2, images_first=True) == IMAGE * 2 + text.strip()


def test_without_thoughts_or_description_neither_is_spoken_of():
    asked = prompt(around_instruction(system_prompt(WORDS), False), "red on blue", 1)
    assert "thoughts" not in asked
    assert "  " not in asked


def test_an_answer_names_its_action():
    for word in WORDS:
        assert read_action(answer("I move left, then wait.", word), WORDS).action == word
    assert "thoughts" not in answer(None, "wait")
