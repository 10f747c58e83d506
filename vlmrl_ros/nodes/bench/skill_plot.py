"""The picture of the suite ``rlif``: what each method makes of a person, over what the person can do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vlmrl_ros.nodes.bench.figures import Figures
from vlmrl_ros.policies.evaluation.plots import plot_skill
from vlmrl_ros.policies.evaluation.statistics import Interval


def draw_skill(
    path: Path, task: str, measure: str, levels: Sequence[str], methods: Sequence[str], figures: Figures
) -> None:
    """Write what is in the figures ``<task>.<level>.<method>.<measure>``.

    Args:
        path: of the PNG file.
        task: of the figures.
        measure: ``success`` or ``score``.
        levels: of the operator, in any order.
        methods: of the figures, as they are to be named.
        figures: those of the methods and of ``operator``, each with ``.mean``, ``.low`` and ``.high``.
    """

    def skill(level: str) -> float:
        return figures[f"{task}.{level}.operator.{measure}.mean"]

    def interval(level: str, method: str) -> Interval:
        name = f"{task}.{level}.{method}.{measure}"
        return Interval(figures[f"{name}.mean"], figures[f"{name}.low"], figures[f"{name}.high"])

    rising = sorted(levels, key=skill)
    found = {method: [interval(level, method) for level in rising] for method in methods}
    plot_skill(path, [skill(level) for level in rising], found, f"{task}: the policy over its teacher", measure)
