"""Replays in which each frame tells the episode and the step of its row."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.replay import FramePair, Replay
from vlmrl_ros.core.spec import CameraSpec

WIDTHS = {"state": 2, "reward": 1}
CAMERAS = (CameraSpec("wrist", 4, 6), CameraSpec("front", 2, 2))


def frame(camera: CameraSpec, episode: int, step: int) -> np.ndarray:
    return np.full((camera.height, camera.width, 3), (episode * 50 + step) % 251, np.uint8)


def observation(episode: int, step: int, cameras: tuple[CameraSpec, ...] = CAMERAS) -> dict[str, np.ndarray]:
    return {camera.name: frame(camera, episode, step) for camera in cameras}


def fill(replay: Replay, episodes: int, length: int) -> None:
    for episode in range(episodes):
        for step in range(length):
            pair = FramePair(observation(episode, step), observation(episode, step + 1), episode, step)
            replay.add({"state": [episode, step], "reward": -1.0}, pair if replay.cameras else None)


def assert_frames_fit_their_rows(replay: Replay) -> None:
    slots = replay.draw(200, np.random.default_rng(0))
    rows = replay.layout.split(replay.rows(slots))
    for camera in replay.cameras:
        before, after = replay.frames(slots, camera.name), replay.frames(slots, camera.name, after=True)
        for (episode, step), first, second in zip(rows["state"].astype(int), before, after, strict=True):
            np.testing.assert_array_equal(first, frame(camera, episode, step))
            np.testing.assert_array_equal(second, frame(camera, episode, step + 1))
