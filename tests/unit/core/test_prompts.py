from __future__ import annotations

from vlmrl_ros.core.prompts import answer, prompt, system_prompt
from vlmrl_ros.core.text import IMAGE
from vlmrl_ros.core.text_action import read_action

WORDS = ("move left", "move left a little", "wait")
SYSTEM = system_prompt("Stack the blocks.", WORDS)


def test_a_prompt_says_everything_before_its_pictures():
    asked = prompt(SYSTEM, "red on blue", True, 2)
    text, pictures = asked[: -2 * len(IMAGE)], asked[-2 * len(IMAGE) :]
    assert pictures == IMAGE * 2
    assert IMAGE not in text
    assert all(part in text for part in (*WORDS, "Stack the blocks.", "Instruction: red on blue.", '"thoughts"'))


def test_without_instruction_or_thoughts_neither_is_spoken_of():
    asked = prompt(system_prompt("", WORDS), "  ", False, 1)
    assert "Instruction" not in asked
    assert "thoughts" not in asked
    assert "  " not in asked


def test_an_answer_names_its_action():
    for word in WORDS:
        assert read_action(answer("I move left, then wait.", word), WORDS).action == word
    assert "thoughts" not in answer(None, "wait")
