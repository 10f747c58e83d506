"""What a robot that acts by words is asked: role, legal actions, task, and the shape of its answer."""

from __future__ import annotations

import json
from collections.abc import Sequence

from vlmrl_ros.core.text import IMAGE

ROLE = (
    "You drive a robot arm with a gripper. The pictures show the table in front of it; left and right are as the robot "
    "sees them, near and far are distances from the robot."
)
MAX_INSTRUCTION = 1000
"""Longest instruction, characters."""
SHAPE = {"thoughts": "what you see and what is to be done next", "action": "one of the legal actions"}


def system_prompt(actions: Sequence[str], description: str = "") -> str:
    """Role and legal actions, the same at each step.

    Args:
        actions: the words that may be said.
        description: what else there is to know; may be empty.
    """
    return " ".join(filter(None, (ROLE, description.strip(), f"The legal actions are: {', '.join(actions)}.")))


def around_instruction(system: str, thoughts: bool) -> tuple[str, str]:
    """What stands before and after the instruction.

    Args:
        system: see :func:`system_prompt`.
        thoughts: whether the answer begins with thoughts.
    """
    shape = SHAPE if thoughts else {"action": SHAPE["action"]}
    return f"{system} The task: ", f". Answer in JSON of this shape: {json.dumps(shape)}"


def prompt(around: tuple[str, str], instruction: str, images: int, images_first: bool = False) -> str:
    """What is asked at one step, complete in itself.

    With the pictures last, what goes before them is the same from step to step and has to be read once only.

    Args:
        around: see :func:`around_instruction`.
        instruction: what is to be done.
        images: how many pictures there are.
        images_first: they stand before the text.
    """
    text, pictures = instruction.strip().join(around), IMAGE * images
    return f"{pictures}{text}" if images_first else f"{text} {pictures}"


def answer(thoughts: str | None, action: str) -> str:
    """An answer in that shape; None: with the action alone."""
    return json.dumps(({} if thoughts is None else {"thoughts": thoughts}) | {"action": action})
