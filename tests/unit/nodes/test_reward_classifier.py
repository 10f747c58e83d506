from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from fakes.bags import SPEC, with_frames, write_bag
from fakes.steps import episode

from vlmrl_ros.core.errors import BagError, ConfigError
from vlmrl_ros.core.spec import CameraSpec
from vlmrl_ros.nodes import reward_classifier
from vlmrl_ros.nodes.reward_classifier import chosen_cameras, labelled_frames
from vlmrl_ros.policies.classifier.files import read_classifier

SEEING = replace(SPEC, cameras=(CameraSpec("front", 40, 40), CameraSpec("wrist", 40, 40)))


def recorded(tmp_path, episodes: int = 6):
    """Bags of episodes that are rewarded in their second half, where the frames are bright."""
    for number in range(episodes):
        steps = with_frames(episode(number, 10), SEEING)
        for k, step in enumerate(steps):
            won = k > 5
            frames = {name: step.observation[name] // 2 + 120 * won for name in ("front", "wrist")}
            feedback = replace(step.feedback, reward=float(won))
            bright = {name: frame.astype(np.uint8) for name, frame in frames.items()}
            steps[k] = replace(step, feedback=feedback, observation={**step.observation, **bright})
        write_bag(tmp_path / "bags", steps, SEEING)
    return tmp_path / "bags"


def run(monkeypatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["reward_classifier", *map(str, arguments)])
    reward_classifier.main()


def test_bags_become_a_classifier_that_knows_how_good_it_is(tmp_path, monkeypatch, capsys):
    bags, out = recorded(tmp_path), tmp_path / "classifier"
    narrow = ("--encoder-options", "channels=[8, 16, 16]")
    run(monkeypatch, bags, out, "--cameras", "wrist", "--updates", 40, "--learning-rate", 0.001, *narrow)
    said = capsys.readouterr().out
    assert "22 frames of 2 episodes held out" in said
    assert "recall" in said
    detector = read_classifier(out)
    assert [camera.name for camera in detector.cameras] == ["wrist"]
    assert detector.model.encoders["wrist"].options["channels"] == [8, 16, 16]


def test_a_directory_that_is_there_is_left_alone(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match=f"error: '{tmp_path}' is there already; valid: a new directory"):
        run(monkeypatch, tmp_path / "bags", tmp_path)


def test_a_bad_option_is_refused(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match=r"error: reward classifier\.threshold is 2; valid: 0 to 1$"):
        run(monkeypatch, recorded(tmp_path, 1), tmp_path / "c", "--threshold", 2)
    with pytest.raises(SystemExit, match="error: unknown encoder 'eye'"):
        run(monkeypatch, recorded(tmp_path / "more"), tmp_path / "c", "--encoder", "eye")


def test_cameras_are_chosen_by_name():
    assert chosen_cameras(SEEING, []) == SEEING.cameras
    assert chosen_cameras(SEEING, ["wrist"]) == SEEING.cameras[1:]
    with pytest.raises(ConfigError, match="the bags of 'toy' have no camera top; valid: front, wrist"):
        chosen_cameras(SEEING, ["top"])
    with pytest.raises(ConfigError, match="the bags of 'toy' have no camera frames; record the task with cameras"):
        chosen_cameras(SPEC, [])


def test_episodes_are_told_apart_and_no_step_is_an_error():
    steps = with_frames([*episode(0, 3), *episode(0, 2, reward=1.0)], SEEING)
    found = labelled_frames(steps, SEEING.cameras)
    assert found.episode.tolist() == [0] * 4 + [1] * 3
    assert found.success.tolist() == [False] * 4 + [True] * 3
    assert found.frames["front"].shape == (7, 40, 40, 3)
    with pytest.raises(BagError, match="the bags hold no steps"):
        labelled_frames([], SEEING.cameras)


def marked(number: int, *, rewarded: int, success: bool):
    """An episode of 5 frames, of which the last ``rewarded`` are, that an operator's mark has ended."""
    steps = with_frames(episode(number, 4), SEEING)
    for k, step in enumerate(steps):
        last = k == len(steps) - 1
        feedback = replace(step.feedback, reward=float(k >= len(steps) - rewarded), terminated=last, truncated=False)
        steps[k] = replace(step, feedback=replace(feedback, success=last and success))
    return steps


def test_a_mark_of_success_shows_it_without_a_reward_and_a_mark_of_failure_outvotes_rewards():
    steps = [
        *marked(0, rewarded=0, success=True),
        *marked(1, rewarded=3, success=False),
        *marked(2, rewarded=0, success=False),
    ]
    found = labelled_frames(steps, SEEING.cameras)
    assert found.success.tolist() == [False] * 4 + [True] + [False] * 10
