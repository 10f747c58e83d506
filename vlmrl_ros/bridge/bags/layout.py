"""Where bags lie: ``<directory>/episode_<6 digits>/``, each a rosbag2 folder with one MCAP file."""

from __future__ import annotations

import re
from pathlib import Path

METADATA = "metadata.yaml"
BAGS = "bags"
"""Folder of a run directory that holds its bags."""
_EPISODE = re.compile(r"episode_(\d{6,})")


def episode_folder(directory: Path, number: int) -> Path:
    """Folder of an episode's bag."""
    return directory / f"episode_{number:06d}"


def bag_file(folder: Path) -> Path:
    """The MCAP file of a bag that was written here, named as ``ros2 bag`` names it."""
    return folder / f"{folder.name}_0.mcap"


def number_of(folder: Path) -> int:
    """Number of an episode's bag; -1 for other folders."""
    match = _EPISODE.fullmatch(folder.name)
    return int(match[1]) if match else -1


def episodes(directory: Path) -> list[Path]:
    """The episodes' bags in a directory, in order; none where the directory does not exist."""
    if not directory.is_dir():
        return []
    return sorted((p for p in directory.iterdir() if number_of(p) >= 0 and p.is_dir()), key=number_of)


def is_closed(folder: Path) -> bool:
    """Whether a bag is whole; it is not while it is being written, or when its writer was killed."""
    return (folder / METADATA).is_file()


def size_of(folder: Path) -> int:
    """Bytes of the files of a bag."""
    return sum(path.stat().st_size for path in folder.iterdir())
