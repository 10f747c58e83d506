"""What becomes of a text that names no action: one set of choices, whoever speaks and whatever is spoken to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vlmrl_ros.core.config import option
from vlmrl_ros.core.text_action import TextAction

INVALID = RANDOM, NO_OP, PENALTY, END = ("random", "no-op", "penalty", "end")
"""``random``: a legal action is drawn and carried out, as in RL4VLM. ``no-op``: nothing is done, though time may pass.
``penalty``: the same, and it costs 1. ``end``: it costs 1, and the episode ends there."""
COST = 1.0


def invalid_option(default: str) -> Any:
    """The option ``invalid`` of a task, or of a policy that speaks in the loop."""
    return option(
        default,
        "a text that names no action: random: a legal one is drawn and carried out, as in RL4VLM; no-op: nothing is "
        "done, though time may pass; penalty: the same, and it costs 1; end: it costs 1 and ends the episode",
        choices=INVALID,
    )


def carried_out(said: TextAction, invalid: str, legal_actions: Sequence[str], rng: np.random.Generator) -> str | None:
    """The action that is carried out for a text, drawn where that is the choice; None for none."""
    if said.valid or invalid != RANDOM:
        return said.action
    return legal_actions[int(rng.integers(len(legal_actions)))]


def penalty(said: TextAction, invalid: str) -> float:
    """What a text adds to its reward: 0, or less where it names no action and that costs."""
    return -COST if not said.valid and invalid in (PENALTY, END) else 0.0


def ends(said: TextAction, invalid: str) -> bool:
    """Whether the episode ends with a text because that names no action."""
    return not said.valid and invalid == END
