"""The words of the card games: who you are, what the rules are, and what shape an answer has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from vlmrl_ros.core.text import IMAGE
from vlmrl_ros.sim.cards.game import CardGame
from vlmrl_ros.sim.cards.points import PointsGame

RULES: Mapping[str, str] = {
    "number_line": (
        "You move along a line of whole numbers. The picture shows a target number and your current number. "
        "Choose '+' to add one or '-' to subtract one, until your number is the target."
    ),
    "ez_points": (
        "The picture shows two cards and a formula. Append one number or operator at a time so that the formula uses "
        "the number of each card once and equals 12, then choose '='. J, Q and K count 10, an A counts 1."
    ),
    "points24": (
        "The picture shows four cards and a formula. Append one number, operator or parenthesis at a time so that the "
        "formula uses the number of each card once and equals 24, then choose '='. J, Q and K count 10, an A counts 1."
    ),
    "blackjack": (
        "You play blackjack. The picture shows one of the dealer's two cards and all of yours. J, Q and K count 10, an "
        "A counts 11 or 1. Come closer to 21 than the dealer without going beyond it: choose 'hit' for another card or "
        "'stand' to keep what you have."
    ),
}
BLANKS: Mapping[str, str] = {
    "thoughts": "think step by step about what to do",
    "action": "one of the legal actions",
}


TOLD = (" The formula is: '", "'.")


def system_prompt(game: CardGame) -> str:
    """Role, rules and legal actions of a game."""
    return f"{RULES[game.name]} The legal actions are: {', '.join(game.actions)}."


def prompt(game: CardGame, thoughts: bool) -> str:
    """What is asked at one step; complete in itself, for there is no history.

    Args:
        game: as it stands; the formula of a points game is told in words, too.
        thoughts: whether the answer begins with what is seen and with thoughts, or has the action alone.
    """
    told = f"{TOLD[0]}{' '.join(game.formula)}{TOLD[1]}" if isinstance(game, PointsGame) else ""
    return f"{IMAGE}{system_prompt(game)}{told}{_request(game, thoughts)}"


def _request(game: CardGame, thoughts: bool) -> str:
    shape = {name: f"the {name} in the picture" for name in game.facts} if thoughts else {}
    shape |= BLANKS if thoughts else {"action": BLANKS["action"]}
    return f" Answer in JSON of this shape: {json.dumps(shape)}"


def fixed_parts(game: CardGame, thoughts: bool) -> tuple[str, ...]:
    """What the prompts and answers of a game always say again, for tokenizers of small models."""
    shape = {**game.facts, **BLANKS} if thoughts else {"action": BLANKS["action"]}
    parts, closing = [system_prompt(game), *TOLD, _request(game, thoughts)], "{"
    for name, value in shape.items():
        opens, between, closes = _delimiters(value)
        parts += [f'{closing}{"" if closing == "{" else ", "}"{name}": {opens}', between]
        closing = closes
    return tuple(part for part in (*parts, closing + "}") if part)


def _delimiters(value: Any) -> tuple[str, str, str]:
    """What JSON writes before, within and after a value."""
    match value:
        case str():
            return '"', "", '"'
        case [str(), *_]:
            return '["', '", "', '"]'
        case [*_]:
            return "[", ", ", "]"
    return "", "", ""


def answer(facts: Mapping[str, Any], thoughts: str | None, action: str) -> str:
    """An answer in the shape that is asked for.

    Args:
        facts: what was seen.
        thoughts: None for an answer with the action alone.
        action: one of the legal actions.
    """
    begin = {} if thoughts is None else {**facts, "thoughts": thoughts}
    return json.dumps({**begin, "action": action})
