"""What a policy says, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vlmrl_ros.core.prompts import answer
from vlmrl_ros.core.spoken import Spoken, Utterance
from vlmrl_ros.core.text import IMAGE
from vlmrl_ros.core.text_action import read_action
from vlmrl_ros.core.types import Source, Step

WORDS = ("left", "right")


def spoken(stamp_ns: int, action: str = "left", version: int = 1) -> Spoken:
    """An utterance of three tokens; an action that is no word makes it invalid."""
    text = answer("I see it.", action)
    utterance = Utterance(
        text, np.array([5, 6], np.int64), np.array([7, 8, 2], np.int64), np.full(3, -0.5, np.float32), True
    )
    return Spoken(stamp_ns, version, f"what now? {IMAGE}", read_action(text, WORDS), utterance)


def saying(steps: list[Step], said: dict[int, int | None]) -> list[Step]:
    """The steps, each with a frame of its own; ``said``: step to that which its utterance is about, -1 for none.

    A step that is not named goes on with what the step before it carries out.
    """
    made, about = [], -1
    utterances: dict[int, Spoken] = {}
    for number, step in enumerate(steps):
        about = said.get(number, about)
        frame = np.full((4, 4, 3), number, np.uint8)
        own = None
        if about >= 0:
            own = utterances.setdefault(about, spoken(steps[about].stamp_ns, WORDS[about % 2]))
        made.append(replace(step, observation={**step.observation, "top": frame}, spoken=own))
    return made


def held(step: Step) -> Step:
    """The same in nobody's hands."""
    return replace(step, intervention=replace(step.intervention, source=Source.STOPPED))
