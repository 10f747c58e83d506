"""The chess engine: Debian's Stockfish, weaker as asked, and with a seed also repeatable."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import chess
import chess.engine
import numpy as np

from vlmrl_ros.core.errors import PluginError
from vlmrl_ros.sim.text.rules import Shared

GAMES = "/usr/games"
"""Where Debian puts the engine; not on the path of every user."""
WEAKEST, STRONGEST = 1350, 2850
"""UCI_Elo of Stockfish 15.1."""
LEVELS, LINES = 20, 4
PAWN = 100
MATE = 10_000
"""Centipawns."""


@dataclass(frozen=True)
class Strength:
    """How well the engine plays."""

    elo: int
    """Nominal. The engine's own scale begins at :data:`WEAKEST`; below it moves are drawn at random now and then."""
    time_s: float = 0.0
    """Thinking time of a move, with the engine's own weakening, which no seed makes repeatable; 0 for a fixed depth and
    a weakening with our own draws, which is."""

    @property
    def random_share(self) -> float:
        """Probability of a random move, rising linearly from 0 at the engine's weakest to 1 at an Elo of 0.

        Over 40 games against the engine's weakest, one random move in ten cost 110 Elo, one in three 500.
        """
        return max(0.0, 1.0 - self.elo / WEAKEST)

    @property
    def level(self) -> int:
        """Skill level, 0 to 20, by the relation that Stockfish 15 has between both scales."""
        above = max(self.elo - 1346.6, 0.0) / 143.4
        return min(LEVELS, int(above ** (1 / 0.806)))


def find(program: str) -> str:
    """The path of the engine.

    Args:
        program: name or path.

    Raises:
        PluginError: it is not there.
    """
    path = shutil.which(program) or shutil.which(program, path=GAMES)
    if not path:
        raise PluginError(
            f"the chess engine '{program}' is neither on the PATH nor in {GAMES}; "
            "sudo apt-get update && sudo apt-get install --yes stockfish"
        )
    return path


@cache
def engine(program: str) -> Engine:
    """The engine of this process; tasks and their clones share it, because it keeps nothing from move to move."""
    return Engine(find(program))


_FAILURES = (OSError, asyncio.TimeoutError, chess.engine.EngineError)
"""Of an engine; its time-out is no OSError before Python 3.11."""


class Engine(Shared):
    """A running engine. One thread."""

    def __init__(self, path: str) -> None:
        """Start it.

        Raises:
            PluginError: it is no engine.
        """
        try:
            self._process = chess.engine.SimpleEngine.popen_uci(path)
            threading.Thread(target=_close_in_the_end, args=(self._process,), daemon=True).start()
            self._process.configure({"Threads": 1, "Hash": 4})
        except _FAILURES as error:
            raise PluginError(f"{path} is no chess engine that speaks UCI: {error!r}") from error
        self._path = path

    def best(self, board: chess.Board, depth: int) -> chess.Move:
        """The best move at a depth in plies; the same whenever it is asked.

        Raises:
            PluginError: the engine has ended, or does not answer.
        """
        with self._asked():
            found = self._process.play(board, chess.engine.Limit(depth=depth), game=object())
        if found.move is None:
            raise RuntimeError(f"the engine finds no move in {board.fen()}")
        return found.move

    def move(self, board: chess.Board, strength: Strength, rng: np.random.Generator) -> chess.Move:
        """A move of a strength.

        Args:
            board: whose turn it is; the game is not over.
            strength: of the player.
            rng: of random moves and, without a thinking time, of the weakening.

        Raises:
            PluginError: the engine has ended, or does not answer.
        """
        if rng.random() < strength.random_share:
            return random_move(board, rng)
        if strength.time_s > 0:
            options = {"UCI_LimitStrength": True, "UCI_Elo": min(max(strength.elo, WEAKEST), STRONGEST)}
            limit = chess.engine.Limit(time=strength.time_s)
            with self._asked():
                found = self._process.play(board, limit, game=object(), options=options)
            return found.move or random_move(board, rng)
        return self._weakened(board, strength.level, rng)

    def _weakened(self, board: chess.Board, level: int, rng: np.random.Generator) -> chess.Move:
        """One of the best lines at a small depth, by their values and draws (the rule of Stockfish's skill levels).

        Each value is lifted by a part of its distance to the best and by a random part of the spread of the lines.
        """
        limit = chess.engine.Limit(depth=level + 1)
        with self._asked():
            lines = self._process.analyse(board, limit, multipv=LINES, game=object())
        values = np.array([line["score"].relative.score(mate_score=MATE) for line in lines], float)
        if level == LEVELS or len(values) == 1:
            return lines[0]["pv"][0]
        weakness = 120 - 2 * level
        spread = min(values[0] - values.min(), PAWN)
        draws = rng.integers(weakness, size=len(values))
        lifted = values + (weakness * (values[0] - values) + spread * draws) / 128
        return lines[int(np.argmax(lifted))]["pv"][0]

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """What goes wrong with the engine amid a game, in our words."""
        try:
            yield
        except _FAILURES as error:
            raise PluginError(f"the chess engine {self._path} failed in a game: {error!r}") from error


def _close_in_the_end(process: chess.engine.SimpleEngine) -> None:
    """Let the program end: python-chess waits for its engines in a thread that holds up the end of the program."""
    threading.main_thread().join()
    process.close()


def random_move(board: chess.Board, rng: np.random.Generator) -> chess.Move:
    """Any legal move."""
    moves = list(board.legal_moves)
    return moves[rng.integers(len(moves))]
