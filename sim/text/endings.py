"""King and queen, or king and rook, against a king: distance to mate of every position, worked out exactly."""

from __future__ import annotations

from functools import cache

import chess
import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.errors import ConfigError

NEVER = 10_000
"""Distance where there is no mate."""
PIECES = {"Q": chess.QUEEN, "R": chess.ROOK}
Bools = npt.NDArray[np.bool_]
SQUARES = 64


@cache
def ending(piece: str) -> Ending:
    """The ending of a piece, ``"Q"`` or ``"R"``.

    Raises:
        ConfigError: another piece.
    """
    return Ending(piece)


class Ending:
    """Plies to mate with the best play of both, by retrograde analysis.

    Tables are indexed by White's king, Black's king, White's piece, as numbers of squares in python-chess.
    """

    def __init__(self, piece: str) -> None:
        if piece not in PIECES:
            raise ConfigError(f"piece of the ending is '{piece}'; valid: {', '.join(PIECES)}")
        self._near: Bools = np.array([[bool(chess.BB_KING_ATTACKS[a] >> b & 1) for b in range(64)] for a in range(64)])
        self._check: Bools = _attacks(piece).transpose(1, 2, 0)
        """White's piece attacks the square of Black's king, indexed as the tables are."""
        squares = np.arange(SQUARES)
        king, black, mine = squares[:, None, None], squares[None, :, None], squares[None, None, :]
        apart = (king != black) & (king != mine) & (black != mine) & ~self._near[:, :, None]
        self.black_to_move = np.where(apart, NEVER, -1)
        """int (64, 64, 64); -1 where kings touch or pieces share a square."""
        self.white_to_move = np.where(apart & ~self._check, NEVER, -1)
        """int (64, 64, 64); -1 also where Black would be in check."""
        self._solve(apart)

    def _solve(self, apart: Bools) -> None:
        """From the mates on, one ply at a time."""
        escapes = self._escapes(apart)
        lost = apart & self._check & ~_any_step(self._near, escapes, axis=1)
        self.black_to_move[lost] = 0
        known, won, plies = lost, np.zeros_like(apart), 0
        while lost.any():
            plies += 1
            new = (self.white_to_move == NEVER) & self._reaches(known) & ~won
            self.white_to_move[new] = plies
            won |= new
            plies += 1
            free = _any_step(self._near, escapes & ~won, axis=1)
            moves = _any_step(self._near, escapes, axis=1)
            lost = apart & ~known & ~free & moves
            self.black_to_move[lost] = plies
            known = known | lost

    def _escapes(self, apart: Bools) -> Bools:
        """Where Black's king may step: not into an attack, and onto White's piece if White's king does not guard it.

        After a capture nothing is left to win with, and such a square is never among White's won positions.
        """
        squares = np.arange(SQUARES)
        guarded = self._near | np.eye(SQUARES, dtype=bool)
        takes = (squares[None, :, None] == squares[None, None, :]) & ~guarded[:, :, None]
        return (apart & ~self._check) | takes

    def _reaches(self, lost: Bools) -> Bools:
        """Positions with White to move from which one move leads to one that is lost for Black."""
        by_king = _any_step(self._near, lost, axis=0)
        by_piece = np.matmul(lost.astype(np.float32), self._check.astype(np.float32)) > 0
        return by_king | by_piece

    def distance(self, board: chess.Board) -> int:
        """Plies to mate, or :data:`NEVER`.

        Raises:
            ConfigError: other pieces stand on the board.
        """
        king, black = board.king(chess.WHITE), board.king(chess.BLACK)
        others = [square for square in chess.SquareSet(board.occupied) if square not in (king, black)]
        if king is None or black is None or len(others) != 1:
            raise ConfigError(f"the table has endings of three men; got {board.fen()}")
        table = self.white_to_move if board.turn == chess.WHITE else self.black_to_move
        return int(table[king, black, others[0]])

    def best(self, board: chess.Board) -> chess.Move:
        """A move to the nearest mate for White, and to the farthest for Black."""
        moves = list(board.legal_moves)
        values = [self._after(board, move) for move in moves]
        pick = np.argmin(values) if board.turn == chess.WHITE else np.argmax(values)
        return moves[int(pick)]

    def _after(self, board: chess.Board, move: chess.Move) -> int:
        if board.is_capture(move):
            return NEVER
        board.push(move)
        distance = self.distance(board)
        board.pop()
        return distance


def _attacks(piece: str) -> Bools:
    """Squares that a piece attacks, bool (piece, White's king, square). Nothing hides behind Black's king."""
    board, attacks = chess.Board(None), np.zeros((SQUARES,) * 3, bool)
    for place in range(SQUARES):
        for king in range(SQUARES):
            if king == place:
                continue
            board.clear_board()
            board.set_piece_at(place, chess.Piece(PIECES[piece], chess.WHITE))
            board.set_piece_at(king, chess.Piece(chess.KING, chess.WHITE))
            attacks[place, king, [square for square in board.attacks(place) if square != king]] = True
    return attacks


def _any_step(near: Bools, goals: Bools, axis: int) -> Bools:
    """Whether a king on an axis has a neighbour among the goals."""
    moved = np.moveaxis(goals, axis, 0)
    stepped = np.stack([moved[near[square]].any(axis=0) for square in range(SQUARES)])
    return np.moveaxis(stepped, 0, axis)
