from __future__ import annotations

import cv2
import numpy as np
import pytest

from vlmrl_ros.bridge.arrivals import FILM
from vlmrl_ros.nodes.film import Film

RED, GREEN = (200, 20, 20), (20, 200, 20)


def plain(color) -> np.ndarray:
    return np.full((FILM.height, FILM.width, 3), color, np.uint8)


def frames_of(path) -> list[np.ndarray]:
    video, frames = cv2.VideoCapture(str(path)), []
    while (read := video.read())[0]:
        frames.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
    video.release()
    return frames


@pytest.fixture
def filmed(tmp_path):
    """Two episodes of 4 and 3 frames, a red one and a green one."""
    film = Film(tmp_path, rate_hz=10.0)
    for color, count in ((RED, 4), (GREEN, 3)):
        for k in range(count):
            film.add(plain(color), last=k == count - 1)
    film.close()
    return tmp_path


def test_the_film_shows_every_frame_in_its_colour_and_rests_at_the_end_of_an_episode(filmed):
    means = np.array([frame.mean(axis=(0, 1)) for frame in frames_of(filmed / "film.mp4")])
    reddish = means[:, 0] > means[:, 1]
    assert len(means) > 4 + 3
    assert reddish.tolist() == sorted(reddish.tolist(), reverse=True)
    assert reddish.sum() - 4 == (~reddish).sum() - 3 > 0
    np.testing.assert_allclose(means[0], RED, atol=12)
    np.testing.assert_allclose(means[-1], GREEN, atol=12)


def test_the_picture_has_a_row_for_each_episode(filmed):
    picture = cv2.cvtColor(cv2.imread(str(filmed / "film.png")), cv2.COLOR_BGR2RGB)
    assert picture.shape[0] == 2 * FILM.height
    np.testing.assert_array_equal(picture[0, 0], RED)
    np.testing.assert_array_equal(picture[-1, 0], GREEN)


def test_a_film_without_a_frame_leaves_no_picture(tmp_path):
    film = Film(tmp_path, rate_hz=10.0)
    film.close()
    assert not (tmp_path / "film.png").exists()


def test_an_episode_that_did_not_end_is_in_the_film_but_not_in_the_picture(tmp_path):
    film = Film(tmp_path, rate_hz=10.0)
    film.add(plain(RED), last=True)
    film.add(plain(GREEN), last=False)
    film.close()
    assert cv2.imread(str(tmp_path / "film.png")).shape[0] == FILM.height
    assert frames_of(tmp_path / "film.mp4")[-1].mean(axis=(0, 1))[1] > 150
