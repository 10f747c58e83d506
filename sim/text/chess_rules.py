"""Chess against an engine, as text: the position in FEN, characters apart, and moves in SAN."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import chess
import numpy as np

from vlmrl_ros.sim.text.rules import Reply
from vlmrl_ros.sim.text.stockfish import Engine, Strength

LIMIT = 400
"""Moves of an episode, illegal ones included."""
WON, LOST, ILLEGAL = 1.0, -1.0, -1.0


def spell(text: str) -> str:
    """Characters apart, one a token."""
    return " ".join(text)


class ChessRules:
    """The player has White. 1 for a win, 0 for a legal move and a draw, -1 for a loss and for an illegal move.

    After an illegal move the position is as it was. The opponent's answer belongs to the move.
    """

    remembers = False
    system_prompt = (
        "You play chess with the white pieces. The position is given in FEN, its characters apart. Answer with one "
        "legal move in standard algebraic notation, for example 'N f 3'."
    )

    def __init__(self, engine: Engine, strength: Strength, start: Callable[[np.random.Generator], chess.Board]) -> None:
        """Take an opponent.

        Args:
            engine: that plays Black.
            strength: of Black.
            start: draws the first position, White to move.
        """
        self.engine = engine
        self.start = start
        self._strength = strength

    @property
    def legal_actions(self) -> Sequence[str]:
        """The legal moves."""
        return tuple(spell(self.board.san(move)) for move in self.board.legal_moves)

    def reset(self, rng: np.random.Generator) -> str:
        """Set up the pieces."""
        self._rng, self._moves = rng, 0
        self.board = self.start(rng)
        return self._prompt()

    def say(self, text: str) -> Reply:
        """Move, and have the opponent answer."""
        self._moves += 1
        try:
            move = self.board.parse_san(text.replace(" ", ""))
        except ValueError:
            move = chess.Move.null()
        if not move:
            return self._reply(ILLEGAL, None)
        said = spell(self.board.san(move))
        self.board.push(move)
        if self.board.is_checkmate():
            return self._reply(WON, said)
        if not self._over():
            self.board.push(self.engine.move(self.board, self._strength, self._rng))
        return self._reply(LOST if self.board.is_checkmate() else 0.0, said)

    def _reply(self, reward: float, said: str | None) -> Reply:
        over = self._over()
        won = over and reward == WON
        return Reply(self._prompt(), reward, said, over, not over and self._moves >= LIMIT, success=won)

    def _over(self) -> bool:
        """By mate, stalemate, lack of pieces, 75 moves or fivefold repetition: what needs no claim."""
        return self.board.is_game_over()

    def _prompt(self) -> str:
        return f"{spell(self.board.fen())}\n"

    @property
    def state(self) -> Hashable:
        """Pieces, turn, castling and en passant, without the counters."""
        return self.board.epd()
