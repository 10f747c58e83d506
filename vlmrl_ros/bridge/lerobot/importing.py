"""A LeRobotDataset to bags."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vlmrl_ros.bridge.bags.compose import write_bag
from vlmrl_ros.bridge.bags.layout import episode_folder
from vlmrl_ros.bridge.bags.reader import find_bags, read_spec
from vlmrl_ros.bridge.lerobot import layout
from vlmrl_ros.bridge.lerobot.frames import foreign_steps, own_steps
from vlmrl_ros.bridge.lerobot.reader import Dataset
from vlmrl_ros.core.errors import BagError
from vlmrl_ros.core.spec import CameraSpec, TaskSpec, VectorSpec


@dataclass(frozen=True)
class Imported:
    """How much was written; ``own``: the data set came from bags, and its steps are exactly what they were."""

    episodes: int
    steps: int
    own: bool


def import_dataset(directory: Path, bags: Path, like: Path | None = None, task: str = "") -> Imported:
    """Write the episodes of a data set as bags.

    Args:
        directory: of the data set.
        bags: folder for the bags; must not exist yet, or be empty.
        like: a bag, run directory or folder of bags whose task's spec the steps shall have; needed for a data set of
            somebody else that is to go with steps of one's own: it does not know units and limits.
        task: name of the task of somebody else's data set; empty: a name made of what it says is done.

    Raises:
        BagError: no data set, a damaged one, one that does not fit; the folder holds something.
    """
    dataset = Dataset(directory)
    if bags.is_dir() and any(bags.iterdir()):
        raise BagError(f"'{bags}' is not empty; choose another folder")
    own = dataset.own_spec
    spec = own or (_spec_like(dataset, like) if like else _found_spec(dataset, task))
    episodes = count = 0
    aside = bags.with_name(f".{bags.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    folder, part, newest_ns = aside, 0, 0
    for number, episode in enumerate(dataset.episodes()):
        frames = {name.removeprefix(layout.IMAGES): shown for name, shown in episode.frames.items()}
        frames = {_camera_name(name): shown for name, shown in frames.items()}
        if own is not None:
            steps = own_steps(episode.columns, frames, spec)
        else:
            steps = foreign_steps(episode.columns, frames, spec, number, newest_ns + round(spec.control_dt_s * 1e9))
        if steps[0].stamp_ns <= newest_ns:  # another arm, or another run
            part += 1
            folder = aside / f"part_{part}"
        newest_ns = steps[-1].stamp_ns
        write_bag(episode_folder(folder, number), steps, spec)
        episodes, count = episodes + 1, count + len(steps)
    if not episodes:
        raise BagError(f"'{directory}' has no episode")
    aside.rename(bags)
    return Imported(episodes, count, own is not None)


def _spec_like(dataset: Dataset, like: Path) -> TaskSpec:
    """The spec of another bag, if the data set has its numbers."""
    folders = find_bags(like)
    if not folders:
        raise BagError(f"no bags in '{like}'")
    spec, found = read_spec(folders[0]), _found_spec(dataset, "")
    for part in ("observation", "action"):
        mine, theirs = getattr(spec, part).names, getattr(found, part).names
        if len(mine) != len(theirs):
            raise BagError(f"'{dataset.directory}' has {part} {list(theirs)}; '{like}' has {list(mine)}")
    if spec.cameras != found.cameras:
        raise BagError(f"'{dataset.directory}' has cameras {found.cameras}; '{like}' has {spec.cameras}")
    if abs(spec.control_dt_s - found.control_dt_s) > 1e-6:
        raise BagError(f"'{dataset.directory}' is of {dataset.fps:g} Hz; '{like}' of {1 / spec.control_dt_s:g} Hz")
    return spec


def _found_spec(dataset: Dataset, task: str) -> TaskSpec:
    """A spec by what the data set says: its bounds are the least and the greatest value, its units unknown."""
    if layout.ACTION not in dataset.features:
        raise BagError(f"'{dataset.directory}' has no column '{layout.ACTION}'; it has {sorted(dataset.features)}")
    cameras = tuple(
        CameraSpec(_camera_name(name.removeprefix(layout.IMAGES)), *dataset.camera_size(name))
        for name in dataset.cameras
    )
    name = task or re.sub(r"\W+", "_", dataset.task().lower()).strip("_")[:64] or "lerobot"
    vectors = (_vector(dataset, layout.STATE), _vector(dataset, layout.ACTION))
    return TaskSpec(name, *vectors, cameras, 1.0 / dataset.fps, horizon=10_000)


def _vector(dataset: Dataset, name: str) -> VectorSpec:
    feature = dataset.features.get(name)
    if feature is None:
        return VectorSpec((), (), np.zeros(0), np.zeros(0))
    (size,) = feature["shape"]
    names = feature.get("names")
    if isinstance(names, dict):  # {"motors": [...]}
        names = next(iter(names.values()), None)
    if not isinstance(names, list) or len(set(map(str, names))) != size:
        names = [f"{name.rpartition('.')[2]}_{index}" for index in range(size)]
    low, high = dataset.range_of(name) or (np.full(size, -np.inf), np.full(size, np.inf))
    flat = ~(low < high)
    low, high = np.where(flat, low - 1.0, low), np.where(flat, high + 1.0, high)
    return VectorSpec(tuple(map(str, names)), ("1",) * size, low.astype(np.float32), high.astype(np.float32))


def _camera_name(name: str) -> str:
    """A name that a topic can have."""
    safe = re.sub(r"[^A-Za-z0-9_]", "_", name.removeprefix("observation."))[:64]
    return safe if safe[:1].isalpha() else f"camera_{safe}"[:64]
