"""Scripted play with thoughts, right or misled, for supervised fine-tuning; and which thoughts are true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vlmrl_ros.sim.cards.blackjack import Blackjack, total
from vlmrl_ros.sim.cards.formula import formula_for, formulas
from vlmrl_ros.sim.cards.game import CardGame
from vlmrl_ros.sim.cards.number_line import NumberLine
from vlmrl_ros.sim.cards.points import PointsGame

Formula = tuple[str, ...]
FACE = 11
"""Rank of the lowest face card."""
OTHER = {"+": "*", "*": "+", "-": "/", "/": "-"}


@dataclass(frozen=True)
class Teacher:
    """Plays well but for two kinds of mistakes, so that whoever learns from it has something left to learn.

    Mistakes at random average out; those that come with certain states do not.

    Attributes:
        slips: share of the steps with a random action, 0 to 1.
        misled: how often a state that misleads does, 0 to 1: in NumberLine where the sum of the numbers is a multiple
            of 3, in the points games where a face was dealt or the solution has a product.
        at_length: thoughts about a formula say what is written and what is left, too.
    """

    slips: float = 0.0
    misled: float = 0.0
    at_length: bool = False

    def show(self, game: CardGame, rng: np.random.Generator) -> tuple[str, str]:
        """Thought and action for a game as it stands."""
        if rng.random() < self.slips:
            action = str(rng.choice(game.actions))
            return explain(game, action, _plan(game), self.at_length), action
        errs = misleads(game) and rng.random() < self.misled
        match game:
            case NumberLine() if errs:
                action = "-" if game.solution() == "+" else "+"
                return explain(game, action), action
            case PointsGame():
                plan = _plan(game)
                plan = _confused(plan, len(game.written)) if errs and plan else plan
                action = _next(game, plan)
                return explain(game, action, plan, self.at_length), action
        return explain(game, game.solution()), game.solution()


def misleads(game: CardGame) -> bool:
    """This state misleads a teacher who can be misled."""
    match game:
        case NumberLine():
            return (game.current + game.target) % 3 == 0
        case PointsGame():
            return any(card.rank >= FACE for card in game.cards) or "*" in (_plan(game) or ())
    return False


def explain(game: CardGame, action: str, plan: Formula | None = None, at_length: bool = False) -> str:
    """The thought that leads to an action.

    Args:
        game: as it stands.
        action: that follows.
        plan: of a points game, the formula that is meant; None where there is none.
        at_length: see :class:`Teacher`.
    """
    match game:
        case NumberLine():
            compared = "smaller" if action == "+" else "larger"
            return f"{game.current} is {compared} than {game.target}, so {action}"
        case PointsGame():
            meant = " ".join(plan) if plan else "nothing"
            told = f", {_told(game, plan or ())}" if at_length else ""
            return f"{meant} = {game.target}{told}, so {action}"
        case Blackjack():
            return f"{total(game.player)} against {game.dealer[0].value}, so {action}"
    raise TypeError(f"no thoughts about {type(game).__name__}")


def _told(game: PointsGame, plan: Formula) -> str:
    """What is written and what is left of the plan, after the numbers that it is made of."""
    count = len(game.written)
    parts = {"cards": map(str, game.numbers), "written": game.written, "left": plan[count:]}
    return ", ".join(f"{name} {' '.join(tokens) or 'nothing'}" for name, tokens in parts.items())


def true_thoughts(game: CardGame) -> frozenset[str]:
    """The thoughts that are true and lead to an action that is right, short or at length."""
    if not isinstance(game, PointsGame):
        return frozenset(explain(game, action) for action in game.right_actions())
    count = len(game.written)
    plans: list[Formula | None] = [
        formula
        for formula in formulas(tuple(sorted(game.numbers)), game.target, game.operators)
        if formula[:count] == game.written
    ]
    return frozenset(
        explain(game, _next(game, plan), plan, at_length) for plan in plans or [None] for at_length in (False, True)
    )


def _plan(game: CardGame) -> Formula | None:
    """The formula that a player means to write, among those that begin with what is written."""
    if not isinstance(game, PointsGame):
        return None
    return formula_for(tuple(sorted(game.numbers)), game.target, game.operators, game.written)


def _next(game: PointsGame, plan: Formula | None) -> str:
    count = len(game.written)
    return plan[count] if plan is not None and count < len(plan) else "="


def _confused(plan: Formula, written: int) -> Formula:
    """The plan with another operator, the first that is still to be written."""
    place = next((at for at in range(written, len(plan)) if plan[at] in OTHER), None)
    return plan if place is None else (*plan[:place], OTHER[plan[place]], *plan[place + 1 :])
