"""Figures: flat name to number; what is measured on seeds carries ``.mean``, ``.low`` and ``.high``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vlmrl_ros.policies.evaluation.statistics import mean_interval

Figures = dict[str, float]
Marks = Mapping[str, tuple[float, float]]
"""What holds on every machine: figure to its least and its greatest value. A suite has them in ``MARKS``."""
NONE, YES = (0.0, 0.0), (1.0, 1.0)


def missed(figures: Figures, marks: Marks) -> list[str]:
    """The marks that were missed, a line each; those of figures that were not measured are passed over."""
    return [
        f"{name} is {figures[name]:.4g}; valid: {low:g}" + (f" to {high:g}" if high > low else "")
        for name, (low, high) in marks.items()
        if name in figures and not low <= figures[name] <= high
    ]


def promised(figures: Figures, marks: Marks, quick: bool) -> Marks:
    """The marks that are to be kept: what is quick is there to fail, so that each of its orderings has to hold."""
    orderings = [name for name in figures if name.rpartition(".")[2] == "ordering_holds"] if quick else []
    return {**marks, **dict.fromkeys(orderings, YES)}


def over_seeds(name: str, values: Sequence[float]) -> Figures:
    """Mean and 95 % interval over seeds (Student's t); a single seed has no interval."""
    if len(values) == 1:
        return {f"{name}.mean": values[0]}
    interval = mean_interval(values)
    return {f"{name}.mean": interval.mean, f"{name}.low": interval.low, f"{name}.high": interval.high}
