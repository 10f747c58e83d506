"""Figures: flat name to number; what is measured on seeds carries ``.mean``, ``.low`` and ``.high``."""

from __future__ import annotations

from collections.abc import Sequence

from vlmrl_ros.policies.evaluation.statistics import mean_interval

Figures = dict[str, float]


def over_seeds(name: str, values: Sequence[float]) -> Figures:
    """Mean and 95 % interval over seeds (Student's t); a single seed has no interval."""
    if len(values) == 1:
        return {f"{name}.mean": values[0]}
    interval = mean_interval(values)
    return {f"{name}.mean": interval.mean, f"{name}.low": interval.low, f"{name}.high": interval.high}
