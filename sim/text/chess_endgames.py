"""Endings against a lone king, which Stockfish plays (LMRL-Gym's Endgames): queen, rook, queen and rook, two rooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import chess
import numpy as np

from vlmrl_ros.core.config import from_mapping, option
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.core.text_episode import Normalisation, TextEpisode
from vlmrl_ros.sim.text.chess_rules import ChessRules, spell
from vlmrl_ros.sim.text.endings import NEVER, PIECES, ending
from vlmrl_ros.sim.text.rollout import Behaviour, mixture
from vlmrl_ros.sim.text.rules import RulesTask
from vlmrl_ros.sim.text.stockfish import STRONGEST, Strength, engine, random_move

MEN = ("Q", "R", "QR", "RR")
"""White's pieces beside the king."""
HELD_OUT = 645
FAR = 15
"""Plies to mate from which on a position is not trivial. The sheet's "mate in 15 or more", read as half-moves: of the
endings here only those with a rook alone last 15 moves."""
DATA_DEPTH = 8
"""Plies, enough to find the mates with two pieces."""
RANDOM_SHARES = (0.25, 0.5, 0.75, 1.0)
"""Of the players of the data, one drawn for each game."""
DATA_AVERAGE = 0.48
"""Mean return of :func:`episodes`, 300 of seed 0, give or take 0.06."""


@dataclass(frozen=True)
class EndgamesConfig:
    """Options of the endings."""

    engine: str = option("stockfish", "name or path of the engine")
    elo: int = option(1200, "strength of the lone king, nominal", low=0, high=STRONGEST)
    time_s: float = option(
        0.0, "thinking time of the lone king's moves, with which no seed repeats a game", unit="s", low=0, high=60
    )
    positions: str = option(
        "drawn",
        "drawn: any of the endings; held_out: 645 fixed ones of queen or rook, 15 or more half-moves from mate, "
        "the seed counting through them",
        choices=("drawn", "held_out"),
    )


@cache
def held_out() -> tuple[str, ...]:
    """The fixed positions in FEN; none of them is drawn otherwise."""
    return tuple(Path(__file__).with_name("chess_held_out.txt").read_text(encoding="utf-8").splitlines())


def choose_held_out() -> tuple[str, ...]:
    """The fixed positions as they were chosen from the exact tables."""
    rng, positions = np.random.default_rng(HELD_OUT), []
    for piece, number in zip(PIECES, (HELD_OUT // 2, HELD_OUT - HELD_OUT // 2), strict=True):
        table = ending(piece).white_to_move
        far = np.argwhere((table >= FAR) & (table < NEVER))
        positions += [_board(piece, squares).fen() for squares in rng.choice(far, number, replace=False)]
    return tuple(positions)


def _board(pieces: str, squares: np.ndarray) -> chess.Board:
    """White to move; squares of White's king, Black's king and the pieces."""
    board = chess.Board(None)
    for symbol, square in zip(f"Kk{pieces}", squares, strict=True):
        board.set_piece_at(int(square), chess.Piece.from_symbol(symbol))
    return board


def draw_position(rng: np.random.Generator) -> chess.Board:
    """A legal position, White to move, that is not held out."""
    while True:
        pieces = MEN[rng.integers(len(MEN))]
        board = _board(pieces, rng.choice(64, 2 + len(pieces), replace=False))
        if board.is_valid() and not board.is_game_over() and board.fen() not in _held_out_set():
            return board


@cache
def _held_out_set() -> frozenset[str]:
    return frozenset(held_out())


class HeldOut(RulesTask[ChessRules]):
    """Plays from the fixed positions, the seed counting through them."""

    def reset(self, seed: int) -> TextObservation:
        """Begin from the position of a seed, modulo their number."""
        fens = held_out()
        self.rules.start = lambda rng: chess.Board(fens[seed % len(fens)])
        return super().reset(seed)


def build(options: Mapping[str, Any]) -> RulesTask[ChessRules]:
    """The task."""
    config = from_mapping(EndgamesConfig, options, "chess_endgames")
    strength = Strength(config.elo, config.time_s)
    if config.positions == "drawn":
        return RulesTask(ChessRules(engine(config.engine), strength, draw_position))
    return HeldOut(ChessRules(engine(config.engine), strength, lambda rng: chess.Board()))


def player(random_share: float) -> Behaviour[ChessRules]:
    """The best move, and a random one with this probability."""

    def act(rules: ChessRules, rng: np.random.Generator) -> str:
        at_random = rng.random() < random_share
        move = random_move(rules.board, rng) if at_random else _best_move(rules)
        return spell(rules.board.san(move))

    return act


def _best_move(rules: ChessRules) -> chess.Move:
    """By the exact tables where one piece is left, and by the engine where there are two."""
    board = rules.board
    if chess.popcount(board.occupied) == 3:
        return ending("Q" if board.queens else "R").best(board)
    return rules.engine.best(board, DATA_DEPTH)


def episodes(options: Mapping[str, Any], seed: int) -> Iterator[TextEpisode]:
    """Games of best moves mixed with random ones, from drawn positions."""

    def draw(rng: np.random.Generator) -> tuple[str, Behaviour[ChessRules]]:
        share = RANDOM_SHARES[rng.integers(len(RANDOM_SHARES))]
        return f"{share:g} random", player(share)

    return mixture(build({**options, "positions": "drawn"}), draw, seed)


def normalisation(options: Mapping[str, Any]) -> Normalisation:
    """A loss, which only illegal moves can bring here; the average of the data at the default options; a win."""
    from_mapping(EndgamesConfig, options, "chess_endgames")
    return Normalisation(-1.0, DATA_AVERAGE, 1.0)
