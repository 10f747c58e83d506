from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import chess
import chess.gaviota
import numpy as np
import pytest

from vlmrl_ros.core.errors import ConfigError, PluginError
from vlmrl_ros.sim.text import chess_endgames, chess_game
from vlmrl_ros.sim.text.chess_rules import LIMIT, spell
from vlmrl_ros.sim.text.endings import NEVER, ending
from vlmrl_ros.sim.text.rollout import record
from vlmrl_ros.sim.text.stockfish import GAMES, STRONGEST, WEAKEST, Engine, Strength, engine

needs_engine = pytest.mark.skipif(
    not (shutil.which("stockfish") or shutil.which("stockfish", path=GAMES)), reason="Stockfish is not installed"
)
TABLES = Path("/usr/share/gaviotatb/gtb1")


def placed(task, fen: str):
    """The task in a position."""
    task.reset(0)
    task.rules.board = chess.Board(fen)
    return task


@needs_engine
def test_the_position_is_told_in_fen_with_its_characters_apart():
    assert chess_game.build({}).reset(0).text == " ".join(chess.STARTING_FEN) + "\n"


@needs_engine
def test_a_mate_is_worth_1_and_ends_the_game():
    task = placed(chess_game.build({}), "7k/5Q2/6K1/8/8/8/8/8 w - - 0 1")
    step = task.step("Q g 7 #")
    assert (step.reward, step.terminated, step.info["success"]) == (1.0, True, True)


@needs_engine
def test_being_mated_costs_1():
    task = placed(chess_game.build({"elo": 2000}), "k5r1/8/8/8/8/8/5q1P/7K w - - 0 1")
    step = task.step("h4")
    assert (step.reward, step.terminated, step.info["success"]) == (-1.0, True, False)


@needs_engine
def test_a_stalemate_is_worth_nothing():
    task = placed(chess_game.build({}), "7k/8/6K1/8/8/8/8/5Q2 w - - 0 1")
    step = task.step("Qf7")
    assert (step.reward, step.terminated, step.info["success"]) == (0.0, True, False)


@needs_engine
@pytest.mark.parametrize("text", ["e5", "Ke2", "0-0", "--", "e2e5", "Nf3 Nc6"])
def test_an_illegal_move_costs_1_and_changes_nothing(text):
    task = chess_game.build({})
    before = task.reset(0)
    step = task.step(text)
    assert (step.reward, step.last) == (-1.0, False)
    assert step.observation == before


@needs_engine
def test_400_moves_cut_the_game_off():
    task = chess_game.build({})
    task.reset(0)
    steps = [task.step("no move") for _ in range(LIMIT)]
    assert [step.truncated for step in steps] == [False] * (LIMIT - 1) + [True]
    assert sum(step.reward for step in steps) == -400.0
    assert not steps[-1].terminated


@needs_engine
def test_a_stronger_player_wins_more_of_the_data():
    task, rng = chess_game.build({}), np.random.default_rng(0)
    returns = {
        elo: sum(record(task, chess_game.player(Strength(elo)), seed, rng, {}).undiscounted_return for seed in range(3))
        for elo in (300, 1700)
    }
    assert returns[1700] > returns[300]


def test_a_missing_engine_is_an_error_with_the_command_that_installs_it():
    with pytest.raises(PluginError, match=r"no-such-engine.*apt-get install --yes stockfish"):
        chess_game.build({"engine": "no-such-engine"})


@pytest.mark.parametrize("program", ["true", "cat"])  # one ends, one says nothing of use and goes on
def test_a_program_that_is_no_engine_is_refused(program):
    with pytest.raises(PluginError, match="no chess engine that speaks UCI"):
        chess_game.build({"engine": program})


DYING = """#!/bin/sh
while read -r line; do
  case "$line" in
    uci) printf 'option name %s type spin default 1 min 1 max 9\\n' Threads Hash MultiPV; echo uciok ;;
    isready) echo readyok ;;
    go*) exit 1 ;;
  esac
done
"""


def test_an_engine_that_dies_amid_a_game_is_an_error_that_names_it(tmp_path):
    program = tmp_path / "dying"
    program.write_text(DYING)
    program.chmod(0o755)
    rng = np.random.default_rng(0)
    for elo, time_s in ((STRONGEST, 0.0), (WEAKEST, 0.1)):
        with pytest.raises(PluginError, match=r"the chess engine .*/dying failed in a game: Engine\w*Error"):
            Engine(str(program)).move(chess.Board(), Strength(elo, time_s), rng)
    with pytest.raises(PluginError, match="failed in a game"):
        Engine(str(program)).best(chess.Board(), 1)


def test_an_elo_beyond_the_engine_is_refused():
    with pytest.raises(ConfigError, match=r"chess\.elo is 4000; valid: 0 to 2850"):
        chess_game.build({"elo": 4000})


def test_below_the_engines_own_scale_moves_are_drawn_at_random_now_and_then():
    shares = [Strength(elo).random_share for elo in (0, 800, 1200, WEAKEST, 2000)]
    assert shares[0] == 1.0
    assert shares == sorted(shares, reverse=True)
    assert shares[3:] == [0.0, 0.0]
    assert [Strength(elo).level for elo in (800, WEAKEST, 1600, STRONGEST)] == [0, 0, 2, 18]


@needs_engine
def test_the_engine_answers_in_a_thinking_time_too():
    board = chess.Board()
    move = engine("stockfish").move(board, Strength(1600, time_s=0.01), np.random.default_rng(0))
    assert board.is_legal(move)


@pytest.mark.parametrize(("piece", "longest"), [("Q", 19), ("R", 31)])
def test_the_longest_wins_are_ten_moves_with_a_queen_and_sixteen_with_a_rook(piece, longest):
    table = ending(piece).white_to_move
    assert table[table < NEVER].max() == longest


@pytest.mark.skipif(not TABLES.is_dir(), reason="Debian's gaviotatb is not installed")
@pytest.mark.parametrize("piece", ["Q", "R"])
def test_the_exact_tables_agree_with_gaviotas(piece):
    rng, solver, compared = np.random.default_rng(0), ending(piece), 0
    with chess.gaviota.PythonTablebase() as tables:
        for folder in sorted(TABLES.parent.iterdir()):
            tables.add_directory(str(folder))
        while compared < 60:
            board = chess_endgames._board(piece, rng.choice(64, 3, replace=False))
            board.turn = bool(rng.integers(2))
            if board.is_valid():
                ours, theirs = solver.distance(board), tables.probe_dtm(board)
                assert ours == (abs(theirs) or (0 if board.is_checkmate() else NEVER)), board.fen()
                compared += 1


def test_the_held_out_positions_are_645_from_the_exact_tables_and_far_from_mate():
    assert chess_endgames.held_out() == chess_endgames.choose_held_out()
    assert len(set(chess_endgames.held_out())) == 645
    for fen in chess_endgames.held_out()[::40]:
        board = chess.Board(fen)
        assert board.is_valid()
        piece = "Q" if board.queens else "R"
        assert 15 <= ending(piece).distance(board) < NEVER


def test_perfect_play_mates_in_just_the_distance():
    board = chess.Board(chess_endgames.held_out()[-1])
    solver = ending("R")
    expected = solver.distance(board)
    while not board.is_game_over():
        board.push(solver.best(board))
    assert board.is_checkmate()
    assert board.ply() - chess.Board(chess_endgames.held_out()[-1]).ply() == expected


@needs_engine
def test_a_perfect_player_wins_every_held_out_position_that_it_is_given():
    task = chess_endgames.build({"positions": "held_out"})
    for seed in (0, 644, 645 + 3):
        assert task.reset(seed).text == spell(chess_endgames.held_out()[seed % 645]) + "\n"
        solver = ending("Q" if task.rules.board.queens else "R")
        plies, step = solver.distance(task.rules.board), None
        while step is None or not step.last:
            step = task.step(task.rules.board.san(solver.best(task.rules.board)))
        assert step.reward == 1.0
        assert len(task.rules.board.move_stack) <= plies


def test_positions_that_are_drawn_are_legal_and_never_held_out():
    rng, pieces = np.random.default_rng(0), set()
    for _ in range(200):
        board = chess_endgames.draw_position(rng)
        assert board.is_valid()
        assert board.turn == chess.WHITE
        assert board.fen() not in chess_endgames.held_out()
        pieces.add("".join(sorted(piece.symbol() for piece in board.piece_map().values())))
    assert pieces == {"KQk", "KRk", "KQRk", "KRRk"}


def test_other_endings_than_those_of_three_men_are_refused():
    with pytest.raises(ConfigError, match="endings of three men"):
        ending("Q").distance(chess.Board())
    with pytest.raises(ConfigError, match="piece of the ending is 'B'; valid: Q, R"):
        ending("B")


@needs_engine
def test_the_engine_without_random_moves_wins_the_endings_and_random_moves_alone_do_not():
    task, rng = chess_endgames.build({}), np.random.default_rng(0)
    assert all(record(task, chess_endgames.player(0.0), seed, rng, {}).info["success"] for seed in range(3))
    assert not any(record(task, chess_endgames.player(1.0), seed, rng, {}).info["success"] for seed in range(3))


@needs_engine
def test_a_program_that_played_chess_ends_by_itself():
    code = "from vlmrl_ros.sim.text import chess_game; t = chess_game.build({}); t.reset(0); print(t.step('e4').reward)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=40, check=False)
    assert (done.returncode, done.stdout) == (0, "0.0\n")
