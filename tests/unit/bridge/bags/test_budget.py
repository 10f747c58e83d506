from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from fakes.bags import write_bag
from fakes.steps import DT_NS, episode

from vlmrl_ros.bridge.bags.budget import Budget, prune
from vlmrl_ros.bridge.bags.layout import episode_folder, number_of, size_of

COUNT = 6


@pytest.fixture
def bags(tmp_path) -> Path:
    for number in range(COUNT):
        write_bag(tmp_path / "bags", episode(number, 10), closed=number < COUNT - 1)
    return tmp_path / "bags"


def left(directory: Path) -> list[int]:
    return sorted(number_of(folder) for folder in directory.iterdir())


def write_checkpoint(run: Path, step: int, seen: int) -> None:
    """A checkpoint that has seen all episodes before number ``seen``."""
    folder = run / "checkpoints" / f"step_{step}"
    folder.mkdir(parents=True)
    (folder / "checkpoint.json").write_text(json.dumps({"step": step, "stamp_ns": seen * 1000 * DT_NS}))


def room_for(bags: Path, count: int) -> Budget:
    return Budget(max_bytes=count * size_of(episode_folder(bags, 0)) + 100)


def test_the_oldest_episodes_give_way_to_the_size_limit(bags):
    removed = prune(bags, room_for(bags, 3))
    assert [number_of(folder) for folder in removed] == [0, 1]
    assert left(bags) == [2, 3, 4, 5]


def test_the_oldest_episodes_give_way_to_the_age_limit(bags):
    for number in range(3):
        os.utime(episode_folder(bags, number), (1000.0 + number, 1000.0 + number))
    prune(bags, Budget(max_age_s=60.0), now_s=1061.5)
    assert left(bags) == [2, 3, 4, 5]


def test_without_a_limit_everything_stays(bags):
    assert prune(bags, Budget()) == []
    assert len(left(bags)) == COUNT


def test_the_bag_that_is_being_written_never_goes(bags):
    prune(bags, Budget(max_bytes=1))
    assert left(bags) == [COUNT - 1]


@pytest.mark.parametrize(("seen", "stay"), [((), 0), ((4,), 0), ((2, 4), 2), ((1, 3, 4), 3)])
def test_what_the_newest_two_checkpoints_need_stays(bags, seen, stay):
    (bags.parent / "checkpoints").mkdir()
    for index, episodes in enumerate(seen):
        write_checkpoint(bags.parent, 100 * (index + 1), episodes)
    prune(bags, Budget(max_bytes=1))
    assert left(bags) == list(range(stay, COUNT))
