"""A replay as files: whole ones never change, and those that are damaged or of another replay are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes.replays import CAMERAS, WIDTHS, assert_frames_fit_their_rows, fill, observation

from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.replay import FramePair, Replay
from vlmrl_ros.core.snapshot import save_snapshot


@pytest.mark.parametrize("cameras", [(), CAMERAS], ids=["state", "cameras"])
@pytest.mark.parametrize("episodes", [2, 9], ids=["half full", "after a turn"])
def test_a_restored_replay_draws_and_grows_as_the_saved_one(tmp_path: Path, cameras: tuple, episodes: int):
    saved, restored = Replay(WIDTHS, 50, cameras), Replay(WIDTHS, 50, cameras)
    fill(saved, episodes, 10)
    save_snapshot(tmp_path, saved.snapshot())
    restored.restore(tmp_path)
    for replay in (saved, restored):
        end = FramePair(observation(episodes - 1, 10), observation(episodes - 1, 11), episodes - 1, 10)
        replay.add({"state": [episodes - 1, 10], "reward": 0.0}, end if cameras else None)
    rows = [r.rows(r.draw(100, np.random.default_rng(1))) for r in (saved, restored)]
    np.testing.assert_array_equal(*rows)
    assert saved.nbytes == restored.nbytes
    assert_frames_fit_their_rows(restored)


def long_lived(episodes: int, capacity: int = 1200) -> Replay:
    """A replay of episodes of 100 transitions."""
    replay = Replay(WIDTHS, capacity, CAMERAS)
    fill(replay, episodes, 100)
    return replay


def bytes_of(replay: Replay) -> dict[str, bytes]:
    return {name: b"".join(part.copy()()) for name, part in replay.snapshot().items()}


def test_whole_files_of_a_replay_never_change_and_hold_most_of_it():
    replay = Replay(WIDTHS, 5000, CAMERAS)
    fill(replay, 12, 100)
    fixed = {name for name, part in replay.snapshot().items() if part.fixed}
    before = bytes_of(replay)
    fill(replay, 3, 100)
    after = bytes_of(replay)
    assert {"rows_000000.npy", "frame_of_000000.npy", "frames_wrist_000000.npy", "frames_front_000008.npy"} <= fixed
    assert {name: after[name] for name in fixed} == {name: before[name] for name in fixed}
    assert set(before) - fixed == {
        "replay.json", "rows_tail.npy", "frame_of_tail.npy", "frames_wrist_tail.npy", "frames_front_tail.npy"
    }  # fmt: skip


@pytest.mark.parametrize("episodes", [5, 15, 40], ids=["half full", "after one turn", "after more turns"])
def test_the_files_depend_on_the_steps_alone_and_not_on_a_restart(tmp_path: Path, episodes: int):
    straight, first, second = long_lived(episodes + 3), long_lived(episodes), Replay(WIDTHS, 1200, CAMERAS)
    save_snapshot(tmp_path, first.snapshot())
    second.restore(tmp_path)
    for episode in range(episodes, episodes + 3):
        for step in range(100):
            pair = FramePair(observation(episode, step), observation(episode, step + 1), episode, step)
            second.add({"state": [episode, step], "reward": -1.0}, pair)
    assert bytes_of(second) == bytes_of(straight)
    assert_frames_fit_their_rows(second)


def test_copies_of_a_replay_do_not_change_when_it_goes_on():
    replay = long_lived(11)
    contents = {name: part.copy() for name, part in replay.snapshot().items()}
    before = {name: b"".join(content()) for name, content in contents.items()}
    fill(replay, 14, 100)
    assert {name: b"".join(content()) for name, content in contents.items()} == before


def damage_remove(directory: Path) -> None:
    (directory / "rows_tail.npy").unlink()


def damage_cut(directory: Path) -> None:
    path = directory / "frames_wrist_tail.npy"
    path.write_bytes(path.read_bytes()[:-100])


def damage_empty(directory: Path) -> None:
    (directory / "rows_tail.npy").write_bytes(b"")


def damage_nan(directory: Path) -> None:
    np.save(directory / "rows_tail.npy", np.full((20, 3), np.nan, np.float32))


def damage_numbers(directory: Path) -> None:
    np.save(directory / "frame_of_tail.npy", np.full((20, 2), 99, np.int64))


def damage_json(directory: Path) -> None:
    (directory / "replay.json").write_text("[]")


@pytest.mark.parametrize(
    "damage",
    [damage_remove, damage_cut, damage_empty, damage_nan, damage_numbers, damage_json],
    ids=lambda f: f.__name__,
)
def test_damaged_files_are_refused_and_the_replay_stays_as_it_was(tmp_path: Path, damage):
    saved, mine = Replay(WIDTHS, 50, CAMERAS), Replay(WIDTHS, 50, CAMERAS)
    fill(saved, 2, 10)
    fill(mine, 1, 5)
    save_snapshot(tmp_path, saved.snapshot())
    damage(tmp_path)
    with pytest.raises(CheckpointError, match="no usable replay in"):
        mine.restore(tmp_path)
    assert len(mine) == 5
    assert_frames_fit_their_rows(mine)


def test_a_replay_of_another_layout_is_refused(tmp_path: Path):
    saved = Replay(WIDTHS, 50)
    fill(saved, 2, 10)
    save_snapshot(tmp_path, saved.snapshot())
    with pytest.raises(CheckpointError, match="widths"):
        Replay({"state": 3, "reward": 1}, 50).restore(tmp_path)
