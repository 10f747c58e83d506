"""An episode as one picture: what the robot saw, and under each frame what it thought and did."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from vlmrl_ros.core.errors import ShapeError

_WIDTH_IN = 2.2
_TEXT_IN = 1.3
_COLUMN = 32
"""Characters in a line under a frame."""


@dataclass(frozen=True)
class Scene:
    """One step of the story.

    Attributes:
        frame: uint8 (H, W, 3) RGB, what the robot saw.
        thought: what it thought of that; empty where nothing was thought.
        action: what was done, and by whom where that was not the robot.
    """

    frame: npt.NDArray[np.uint8]
    thought: str
    action: str


def plot_story(path: Path, title: str, scenes: Sequence[Scene]) -> None:
    """Write the scenes side by side.

    Args:
        path: of the PNG file.
        title: above them, for example the instruction.
        scenes: one or more, in order of time.

    Raises:
        ShapeError: none.
    """
    if not scenes:
        raise ShapeError("a story needs 1 scene or more; got 0")
    height, width = scenes[0].frame.shape[:2]
    tall_in = _WIDTH_IN * height / width
    with rc_context({"font.size": 8, "font.family": "sans-serif"}):
        figure = Figure(figsize=(_WIDTH_IN * len(scenes), tall_in + _TEXT_IN), dpi=150)
        FigureCanvasAgg(figure)
        for number, scene in enumerate(scenes):
            left, share = number / len(scenes), 1 / len(scenes)
            high = tall_in / (tall_in + _TEXT_IN)
            axes = figure.add_axes((left + 0.03 * share, 0.92 - high * 0.94, 0.94 * share, high * 0.94))
            axes.imshow(scene.frame, interpolation="nearest")
            axes.set_axis_off()
            said = "\n".join((*textwrap.wrap(scene.thought, _COLUMN), *textwrap.wrap(f"→ {scene.action}", _COLUMN)))
            figure.text(left + 0.03 * share, 0.90 - high * 0.94, said, va="top", parse_math=False)
        figure.text(0.03 / len(scenes), 0.985, title, va="top", weight="bold", size=9, parse_math=False)
        figure.savefig(path)
