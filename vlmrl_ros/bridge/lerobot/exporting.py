"""Bags to a LeRobotDataset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vlmrl_ros.bridge.bags.reader import read_streams
from vlmrl_ros.bridge.lerobot.writer import DatasetWriter
from vlmrl_ros.core.chain import follows
from vlmrl_ros.core.types import Step


@dataclass(frozen=True)
class Exported:
    """How much was written; ``alone``: steps without a neighbour in their episode, which were left out."""

    episodes: int
    frames: int
    alone: int


def export_bags(bags: Iterable[Path | str], directory: Path, task: str = "", video: bool = False) -> Exported:
    """Write the steps of bags as a data set.

    Args:
        bags: bags, run directories, or folders of bags, of one task.
        directory: of the data set; must not exist yet.
        task: what is done, in words; empty: the task's name.
        video: frames as MP4, small and inexact, instead of PNG.

    Raises:
        BagError: no bags, damaged ones or bags of several tasks; the directory exists.
    """
    spec, streams = read_streams(bags)
    writer = DatasetWriter(directory, spec, task or spec.task, video)
    episodes = frames = alone = 0
    for steps in streams:
        for episode in _episodes(steps):
            if len(episode) < 2:
                alone += 1
                continue
            writer.add(episode)
            episodes, frames = episodes + 1, frames + len(episode)
    writer.close()
    return Exported(episodes, frames, alone)


def _episodes(steps: Iterable[Step]) -> Iterator[list[Step]]:
    """Consecutive steps of one episode each; a missing step begins another one, because frames have no gaps."""
    episode: list[Step] = []
    for step in steps:
        if episode and (episode[-1].feedback.last or not follows(episode[-1].feedback, step.feedback)):
            yield episode
            episode = []
        episode.append(step)
    if episode:
        yield episode
