from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from vlmrl_ros.core.episode_log import EpisodeRecord
from vlmrl_ros.core.errors import ShapeError
from vlmrl_ros.policies.evaluation.plots import (
    Curve,
    plot_interventions,
    plot_mixture,
    plot_returns,
    plot_skill,
    plot_success,
)
from vlmrl_ros.policies.evaluation.statistics import success_interval
from vlmrl_ros.policies.evaluation.strip import image_strip, write_png


def ink(path) -> float:
    """Share of the picture that is not white."""
    return float((imread(path)[..., :3].min(-1) < 0.98).mean())


def test_a_learning_curve_becomes_a_picture(tmp_path):
    steps = [500, 1000, 1500, 2000]
    curve = Curve(steps, [success_interval(k, 20) for k in (0, 8, 18, 20)])
    plot_success(tmp_path / "empty.png", {"rlif": Curve([], [])}, "peg_insert")
    plot_success(tmp_path / "one.png", {"rlif": curve}, "peg_insert")
    plot_success(tmp_path / "two.png", {"rlif": curve, "bc": Curve(steps, curve.values[::-1])}, "peg_insert")
    assert ink(tmp_path / "empty.png") < ink(tmp_path / "one.png") < ink(tmp_path / "two.png")


def test_what_methods_make_of_persons_becomes_a_picture(tmp_path):
    good, bad = ([success_interval(k, 20) for k in of] for of in ((20, 19), (4, 12)))
    plot_skill(tmp_path / "one.png", [0.2, 0.9], {"rlif": good}, "peg_insert", "success")
    plot_skill(tmp_path / "two.png", [0.2, 0.9], {"rlif": good, "hg_dagger": bad}, "peg_insert", "success")
    assert 0 < ink(tmp_path / "one.png") < ink(tmp_path / "two.png")


def test_a_legend_lies_beside_the_curves(monkeypatch, tmp_path):
    written, save = [], Figure.savefig

    def saves(figure: Figure, path: Path) -> None:
        save(figure, path)
        written.append(figure)

    monkeypatch.setattr(Figure, "savefig", saves)
    steps = list(range(10))
    curves = {str(k): Curve(steps, [success_interval((k * step) % 21, 20) for step in steps]) for k in (3, 5, 7, 11)}
    plot_success(tmp_path / "success.png", curves, "crash_maze")
    plot_skill(tmp_path / "skill.png", [0.2, 0.9], {"rlif": curves["3"].values[1:3]}, "peg_insert", "success")
    plot_returns(tmp_path / "returns.png", steps, steps, "maze", {"best": 9.0})
    for figure in written:
        (axes,) = figure.axes
        assert axes.get_legend().get_window_extent().x0 >= axes.bbox.x1
    assert len(written) == 3


def test_fading_interventions_become_a_picture(tmp_path):
    episodes = [EpisodeRecord(k, 60 * k, 60, max(0, 6 - k // 5), max(0, 36 - k), 8.0, True) for k in range(40)]
    plot_interventions(tmp_path / "none.png", [], "peg_insert")
    plot_interventions(tmp_path / "some.png", episodes, "peg_insert")
    assert ink(tmp_path / "none.png") < ink(tmp_path / "some.png")


@pytest.mark.parametrize("count", [2, 8, 40])
def test_long_names_of_candidates_and_what_the_marks_mean_stay_within_the_picture(tmp_path, count):
    names = [f"put the red block on the blue pad, please, and wait {number}" for number in range(count)]
    path, failed = tmp_path / "mixture.png", [False] * (count - 1) + [True]
    plot_mixture(path, names, [0.5] * count, [1 / count] * count, failed, 0.1, "trust")
    dark = imread(path)[..., :3].min(-1) < 0.5
    assert not any(edge.any() for edge in (dark[:2], dark[-2:], dark[:, :2], dark[:, -2:]))


def test_a_strip_shows_evenly_spaced_frames_with_the_first_and_the_last(tmp_path):
    frames = [np.full((4, 6, 3), k, np.uint8) for k in range(11)]
    strip = image_strip(frames, 3)
    assert strip.shape == (4, 3 * 6 + 2 * 4, 3)
    assert [strip[0, x, 0] for x in (0, 10, 20)] == [0, 5, 10]
    write_png(tmp_path / "strip.png", strip)
    np.testing.assert_array_equal((imread(tmp_path / "strip.png")[..., :3] * 255).round().astype(np.uint8), strip)


def test_a_short_film_gives_a_short_strip():
    assert image_strip([np.zeros((4, 6, 3), np.uint8)], 8).shape == (4, 6, 3)


def test_frames_that_differ_in_shape_make_no_strip():
    with pytest.raises(ShapeError, match="no frames"):
        image_strip([], 3)
    with pytest.raises(ShapeError, match="frames of one shape"):
        image_strip([np.zeros((4, 6, 3), np.uint8), np.zeros((5, 6, 3), np.uint8)], 3)
