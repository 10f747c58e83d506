from __future__ import annotations

import gc
import mmap
from pathlib import Path

import numpy as np
import pytest

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.replay import FramePair, Replay
from vlmrl_ros.core.segments import Ring, rings_on_disk
from vlmrl_ros.core.snapshot import save_snapshot
from vlmrl_ros.core.spec import CameraSpec

WIDTHS, CAMERAS = {"state": 2, "reward": 1}, (CameraSpec("wrist", 4, 6),)


def fill(replay: Replay, episodes: int) -> None:
    rng = np.random.default_rng(0)
    for episode in range(episodes):
        frames = rng.integers(0, 256, (11, 4, 6, 3), np.uint8)
        for step in range(10):
            pair = FramePair({"wrist": frames[step]}, {"wrist": frames[step + 1]}, episode, step)
            replay.add({"state": [episode, step], "reward": -1.0}, pair)


def contents(replay: Replay) -> dict[str, bytes]:
    return {name: b"".join(part.copy()()) for name, part in replay.snapshot().items()}


def mapped(directory: Path) -> Replay:
    with rings_on_disk(directory):
        return Replay(WIDTHS, 50, CAMERAS)


def is_mapped(array: np.ndarray) -> bool:
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array, mmap.mmap)


@pytest.mark.parametrize("episodes", [3, 12], ids=["half full", "after turns"])
def test_a_replay_on_disk_holds_draws_and_saves_what_one_in_memory_does(tmp_path, episodes):
    plain, on_disk = Replay(WIDTHS, 50, CAMERAS), mapped(tmp_path)
    for replay in (plain, on_disk):
        fill(replay, episodes)
    assert contents(on_disk) == contents(plain)
    rows, frames = [], []
    for replay in (plain, on_disk):
        slots = replay.draw(40, np.random.default_rng(1))
        rows.append(replay.rows(slots))
        frames.append(replay.frames(slots, "wrist", after=True))
    np.testing.assert_array_equal(*rows)
    np.testing.assert_array_equal(*frames)


def test_a_replay_on_disk_goes_on_from_a_checkpoint_of_either_kind(tmp_path):
    saved = mapped(tmp_path)
    fill(saved, 7)
    (tmp_path / "checkpoint").mkdir()
    save_snapshot(tmp_path / "checkpoint", saved.snapshot())
    for restored in (mapped(tmp_path), Replay(WIDTHS, 50, CAMERAS)):
        restored.restore(tmp_path / "checkpoint")
        fill(restored, 1)
        assert len(restored) == 50
    fill(saved, 1)
    assert contents(restored) == contents(saved)


def test_all_its_rings_are_mapped_and_their_files_are_gone_by_themselves(tmp_path):
    replay = mapped(tmp_path)
    fill(replay, 2)
    assert all(is_mapped(ring.data) for _, ring, _, _ in replay._stores((0, 1), (0, 1)))
    assert list(tmp_path.iterdir()) == []
    del replay
    gc.collect()
    assert not is_mapped(Ring(10, (3,), np.float32).data)  # and those made afterwards are in memory again


def test_a_disk_that_is_too_small_is_noticed_at_once(tmp_path):
    with rings_on_disk(tmp_path), pytest.raises(ConfigError, match=r"no room for a replay of .* GiB in '.*'"):
        Replay(WIDTHS, 10**15)
    assert list(tmp_path.iterdir()) == []
