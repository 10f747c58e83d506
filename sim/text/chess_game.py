"""Chess from the beginning against Stockfish (LMRL-Gym's Chess)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import chess
import numpy as np

from vlmrl_ros.core.config import from_mapping, option
from vlmrl_ros.core.text_episode import Normalisation, TextEpisode
from vlmrl_ros.sim.text.chess_rules import LIMIT, ChessRules, spell
from vlmrl_ros.sim.text.rollout import Behaviour, mixture
from vlmrl_ros.sim.text.rules import RulesTask
from vlmrl_ros.sim.text.stockfish import STRONGEST, Strength, engine

WEAK, STRONG = 800, 1600
"""Elo of the players of the data, drawn evenly between."""
DATA_AVERAGE = 0.04
"""Mean return of :func:`episodes`, 300 of seed 0, give or take 0.11."""


@dataclass(frozen=True)
class ChessConfig:
    """Options of chess."""

    engine: str = option("stockfish", "name or path of the engine")
    elo: int = option(1200, "strength of the opponent, nominal", low=0, high=STRONGEST)
    time_s: float = option(
        0.0,
        "thinking time of the opponent's moves (0.1 in the paper), with which no seed repeats a game; "
        "0: a depth by the Elo, repeatable",
        unit="s",
        low=0,
        high=60,
    )


def rules(options: Mapping[str, Any]) -> ChessRules:
    """Games from the first position."""
    config = from_mapping(ChessConfig, options, "chess")
    return ChessRules(engine(config.engine), Strength(config.elo, config.time_s), lambda rng: chess.Board())


def build(options: Mapping[str, Any]) -> RulesTask[ChessRules]:
    """The task."""
    return RulesTask(rules(options))


def player(strength: Strength) -> Behaviour[ChessRules]:
    """Stockfish of a strength."""
    return lambda rules, rng: spell(rules.board.san(rules.engine.move(rules.board, strength, rng)))


def episodes(options: Mapping[str, Any], seed: int) -> Iterator[TextEpisode]:
    """Games of players from 800 to 1600 Elo against the opponent."""

    def draw(rng: np.random.Generator) -> tuple[str, Behaviour[ChessRules]]:
        elo = int(rng.integers(WEAK, STRONG + 1))
        return f"stockfish {elo}", player(Strength(elo))

    return mixture(build(options), draw, seed)


def normalisation(options: Mapping[str, Any]) -> Normalisation:
    """A loss after illegal moves alone, the average of the data at the default options, and a win."""
    from_mapping(ChessConfig, options, "chess")
    return Normalisation(-(LIMIT + 1.0), DATA_AVERAGE, 1.0)
