"""What a run of a learner of text has lived through, for its summary and its picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from vlmrl_ros.core.errors import ConfigError, RunDirectoryError
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.text_episode import Normalisation, TextGame
from vlmrl_ros.core.text_training import Lived
from vlmrl_ros.policies.evaluation.plots import plot_returns
from vlmrl_ros.policies.evaluation.statistics import bootstrap_interval, success_interval


def scale_of(game: TextGame, options: Mapping[str, Any]) -> Normalisation | None:
    """The task's scores; None where it has none."""
    try:
        return game.normalisation(options)
    except ConfigError:
        return None


def judged(returns: Sequence[float], successes: int, scale: Normalisation | None) -> dict[str, Any]:
    """Returns of episodes with 95 % intervals, success, and the score where the task has one."""
    mean = bootstrap_interval(returns, stream(0, "interval of returns"))
    success = success_interval(successes, len(returns))
    found = {
        "episodes": len(returns),
        "task_return": mean.mean,
        "task_return_low": mean.low,
        "task_return_high": mean.high,
        "success": success.mean,
        "success_low": success.low,
        "success_high": success.high,
    }
    return found if scale is None else {**found, "score": scale.score(mean.mean)}


def first_and_last(log: Sequence[Lived]) -> dict[str, float]:
    """Mean returns of the first and the last tenth of the episodes; nothing before the first."""
    if not log:
        return {}
    tenth = math.ceil(len(log) / 10)
    return {
        "task_return_first": float(np.mean([one.task_return for one in log[:tenth]])),
        "task_return_last": float(np.mean([one.task_return for one in log[-tenth:]])),
    }


def anchors(scale: Normalisation | None) -> dict[str, float]:
    """The returns by which scores are made."""
    return {} if scale is None else asdict(scale)


def draw_returns(path: Path, log: Sequence[Lived], title: str, levels: Mapping[str, float]) -> None:
    """Write the picture of the returns; nothing before the first episode.

    Args:
        path: of the PNG file.
        log: the episodes, in order.
        title: above the picture.
        levels: known returns by name, as dashed lines.

    Raises:
        RunDirectoryError: it cannot be written.
    """
    if not log:
        return
    try:
        plot_returns(path, [one.steps for one in log], [one.task_return for one in log], title, levels)
    except OSError as error:
        raise RunDirectoryError(f"plots cannot be written: {error.strerror}") from error
