"""What a robot that acts by words is asked: role, task, what it may say, and the shape of its answer."""

from __future__ import annotations

import json
from collections.abc import Sequence

from vlmrl_ros.core.text import IMAGE

ROLE = "You are a robot arm. The pictures show what your cameras see."
MAX_INSTRUCTION = 1000
"""Longest instruction, characters."""
SHAPE = {"thoughts": "what you see and what to do next", "action": "one of the actions"}


def system_prompt(description: str, actions: Sequence[str]) -> str:
    """Role, task and actions, the same at each step.

    Args:
        description: of the task; may be empty.
        actions: the words that may be said.
    """
    return " ".join(filter(None, (ROLE, description.strip(), f"The actions are: {', '.join(actions)}.")))


def prompt(system: str, instruction: str, thoughts: bool, images: int) -> str:
    """What is asked at one step, complete in itself.

    The pictures come last, so that what goes before them is the same from step to step and has to be read once only.

    Args:
        system: see :func:`system_prompt`.
        instruction: what to do; may be empty.
        thoughts: whether the answer begins with thoughts.
        images: how many pictures there are.
    """
    shape = SHAPE if thoughts else {"action": SHAPE["action"]}
    wanted = f" Instruction: {instruction.strip()}." if instruction.strip() else ""
    return f"{system}{wanted} Answer in JSON of this shape: {json.dumps(shape)} {IMAGE * images}"


def answer(thoughts: str | None, action: str) -> str:
    """An answer in that shape; None for one without thoughts."""
    return json.dumps({**({} if thoughts is None else {"thoughts": thoughts}), "action": action})
