"""Frames with a bright square are of success, in these tests: as far to the right as it goes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vlmrl_ros.core.errors import CheckpointError, ConfigError
from vlmrl_ros.core.spec import CameraSpec
from vlmrl_ros.policies.classifier.config import ClassifierConfig
from vlmrl_ros.policies.classifier.files import ABOUT, WEIGHTS, read_classifier, write_classifier
from vlmrl_ros.policies.classifier.training import LabelledFrames, fit, hold_out, judge, probabilities

CAMERAS = (CameraSpec("front", 40, 40), CameraSpec("wrist", 40, 40))
QUICK = ClassifierConfig(hidden=32, batch_size=32, updates=100, learning_rate=1e-3, shift_px=1)


def sample(episodes: int = 16, length: int = 20, seed: int = 0) -> LabelledFrames:
    """Episodes in which a square moves to the right, most of them as far as the goal; both cameras see it."""
    rng = np.random.default_rng(seed)
    frames = rng.integers(0, 90, (2, episodes * length, 40, 40, 3), np.uint8)
    success = np.zeros(episodes * length, bool)
    for number in range(episodes):
        y, goes = rng.integers(0, 32), number % 4 != 0
        for k in range(length):
            x = min(32, 2 * k if goes else k)
            frames[:, number * length + k, y : y + 8, x : x + 8] = 255
            success[number * length + k] = x >= 28
    return LabelledFrames({"front": frames[0], "wrist": frames[1]}, success, np.repeat(np.arange(episodes), length))


@pytest.fixture(scope="module")
def trained():
    return fit(CAMERAS, sample(), QUICK, np.random.default_rng(0))


def test_success_is_recognised_in_episodes_that_were_not_trained_on(trained):
    judgement = judge(trained, sample(seed=1), 0.5)
    assert judgement.precision.mean > 0.9
    assert judgement.recall.mean > 0.9
    assert (judgement.frames, judgement.episodes) == (320, 16)


def test_a_higher_threshold_is_more_precise_and_recalls_less(trained):
    data = sample(seed=2)
    low, high = judge(trained, data, 0.05), judge(trained, data, 0.9)
    assert low.precision.mean <= high.precision.mean
    assert low.recall.mean >= high.recall.mean


def test_precision_and_recall_are_what_counting_says(trained):
    data = sample(seed=3)
    called = probabilities(trained, data.frames) >= 0.5
    judgement = judge(trained, data, 0.5)
    assert judgement.precision.mean == data.success[called].mean()
    assert judgement.recall.mean == called[data.success].mean()


def test_equal_seeds_give_equal_classifiers(trained):
    again = fit(CAMERAS, sample(), QUICK, np.random.default_rng(0))
    data = sample(2).frames
    assert np.array_equal(probabilities(trained, data), probabilities(again, data))


def test_whole_episodes_are_held_out_of_both_kinds():
    data = sample()
    training, held = hold_out(data, 0.25, np.random.default_rng(0))
    assert not set(training.episode) & set(held.episode)
    won = {number for number in range(16) if number % 4}
    assert (len(set(held.episode) & won), len(set(held.episode) - won)) == (3, 1)
    assert held.success.any()
    assert len(training.success) + len(held.success) == len(data.success)


def test_a_classifier_survives_the_disk(trained, tmp_path):
    judgement = judge(trained, sample(4, seed=1), 0.85)
    write_classifier(tmp_path / "classifier", trained, CAMERAS, QUICK, judgement)
    detector = read_classifier(tmp_path / "classifier")
    data = sample(4, seed=1)
    said = [detector.succeeded({n: rows[k] for n, rows in data.frames.items()}) for k in range(len(data.success))]
    assert (np.array(said) == (probabilities(trained, data.frames) >= QUICK.threshold)).mean() > 0.98
    about = json.loads((tmp_path / "classifier" / ABOUT).read_text())
    assert about["held_out"]["recall"]["mean"] == judgement.recall.mean


@pytest.mark.parametrize("damage", [ABOUT, WEIGHTS])
def test_a_damaged_classifier_is_refused(trained, tmp_path, damage):
    write_classifier(tmp_path / "c", trained, CAMERAS, QUICK, judge(trained, sample(4), 0.85))
    (tmp_path / "c" / damage).write_bytes(b"{}")
    with pytest.raises(CheckpointError, match=r"no usable reward classifier in '.*c'"):
        read_classifier(tmp_path / "c")


def test_no_classifier_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"no usable reward classifier in '.*nowhere'.*No such file"):
        read_classifier(tmp_path / "nowhere")


def test_a_task_without_the_camera_is_refused(trained, tmp_path):
    write_classifier(tmp_path / "c", trained, CAMERAS, QUICK, judge(trained, sample(4), 0.85))
    detector = read_classifier(tmp_path / "c")
    detector.check([*CAMERAS, CameraSpec("top", 8, 8)])
    with pytest.raises(ConfigError, match="looks at camera front 40x40; valid here: front 64x64, wrist 40x40"):
        detector.check([CameraSpec("front", 64, 64), CAMERAS[1]])
    with pytest.raises(ConfigError, match="looks at camera front 40x40; valid here: none"):
        detector.check([])


def test_frames_of_one_kind_are_not_enough():
    data = sample(4)
    with pytest.raises(ConfigError, match="there are 0 frames of success and"):
        fit(CAMERAS, data.of(~data.success), QUICK, np.random.default_rng(0))
