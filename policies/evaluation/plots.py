"""Curves of a run or of several seeds as PNG files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from textwrap import fill

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from vlmrl_ros.core.episode_log import EpisodeRecord
from vlmrl_ros.policies.evaluation.statistics import Interval

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_GREY = "#5f6b7a"
_MOST_NAMED = 40
_STYLE = {
    "font.size": 10,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": _GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e7ec",
    "legend.frameon": False,
}

_BESIDE = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
"""Place of a legend, where it lies over no curve."""


@dataclass(frozen=True)
class Curve:
    """A figure measured now and then during training.

    Attributes:
        steps: environment steps at which it was measured, or what else it was measured over.
        values: what was measured, with intervals.
    """

    steps: Sequence[float]
    values: Sequence[Interval]


def plot_success(
    path: Path,
    curves: Mapping[str, Curve],
    title: str,
    operator: float | None = None,
    over: str = "environment steps",
    measure: str = "autonomous success",
) -> None:
    """Write success in per cent, with intervals, over environment steps or something else.

    Args:
        path: of the PNG file.
        curves: name to success rates between 0 and 1.
        title: above the picture.
        operator: success of the person who teaches, between 0 and 1, as a dashed line.
        over: what ``steps`` of the curves are.
        measure: what is a success.
    """
    with _picture(path) as axes:
        if operator is not None:
            axes.axhline(operator, color=_GREY, lw=1.5, ls="--", label="the operator alone")
        for colour, (name, curve) in zip(_colours(len(curves)), curves.items(), strict=True):
            _draw(axes, curve, name, colour)
        axes.set(title=title, xlabel=over, ylabel=f"{measure} (%)", ylim=(-0.03, 1.03))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=""))
        axes.set_xlim(left=0)
        if len(curves) > 1 or operator is not None:
            axes.legend(**_BESIDE)


def plot_skill(
    path: Path, skill: Sequence[float], methods: Mapping[str, Sequence[Interval]], title: str, measure: str
) -> None:
    """Write what methods make of persons, over what these can do themselves; above the diagonal a person is passed.

    Args:
        path: of the PNG file.
        skill: of the persons, rising.
        methods: by name, what came of each person, with intervals.
        title: above the picture.
        measure: what is measured, of persons and methods alike.
    """
    width = (skill[-1] - skill[0]) / 100
    with _picture(path) as axes:
        axes.axline((skill[0], skill[0]), slope=1.0, color=_GREY, lw=1.5, ls="--", label="the operator alone")
        for index, (colour, (name, values)) in enumerate(zip(_colours(len(methods)), methods.items(), strict=True)):
            places = [each + width * (index - (len(methods) - 1) / 2) for each in skill]
            spans = [[i.mean - i.low for i in values], [i.high - i.mean for i in values]]
            axes.errorbar(
                places, [i.mean for i in values], spans, fmt="o-", color=colour, lw=2, ms=4, capsize=3, label=name
            )
        axes.set(title=title, xlabel=f"{measure} of the operator", ylabel=f"{measure} of the policy")
        axes.legend(**_BESIDE)


def plot_interventions(path: Path, episodes: Sequence[EpisodeRecord], title: str, window: int = 10) -> None:
    """Write how a person's help fades: takeovers an episode, and their share of the control steps.

    Args:
        path: of the PNG file.
        episodes: of training, in order.
        title: above the picture.
        window: episodes in the moving mean.
    """
    ends = list(accumulate(episode.steps for episode in episodes))
    recent = [episodes[max(0, index + 1 - window) : index + 1] for index in range(len(episodes))]
    with _picture(path) as axes:
        axes.plot(ends, [episode.takeovers for episode in episodes], ".", color=_COLOURS[0], alpha=0.3, ms=5)
        axes.plot(ends, [_mean_takeovers(part) for part in recent], color=_COLOURS[0], lw=2)
        axes.set(title=title, xlabel="environment steps")
        axes.set_ylabel(f"takeovers per episode (mean of {window})", color=_COLOURS[0])
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        share = axes.twinx()
        share.plot(ends, [_human_share(part) for part in recent], color=_COLOURS[1], lw=2)
        share.set_ylabel(f"person's share of the steps (%, {window} episodes)", color=_COLOURS[1])
        share.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=""))
        share.set_ylim(0, 1)
        share.grid(visible=False)


def plot_returns(
    path: Path,
    steps: Sequence[int],
    returns: Sequence[float],
    title: str,
    levels: Mapping[str, float],
    window: int = 20,
) -> None:
    """Write the returns of training episodes, each and their moving mean.

    Args:
        path: of the PNG file.
        steps: environment steps at the end of each episode.
        returns: of each.
        title: above the picture.
        levels: known returns by name, as dashed lines.
        window: episodes in the moving mean.
    """
    recent = [returns[max(0, index + 1 - window) : index + 1] for index in range(len(returns))]
    with _picture(path) as axes:
        for colour, (name, level) in zip(_colours(len(levels) + 1)[1:], levels.items(), strict=True):
            axes.axhline(level, color=colour, lw=1.5, ls="--", label=name)
        axes.plot(steps, returns, ".", color=_COLOURS[0], alpha=0.3, ms=5)
        means = [sum(part) / len(part) for part in recent]
        axes.plot(steps, means, color=_COLOURS[0], lw=2, label=f"mean of {window} episodes")
        axes.set(title=title, xlabel="environment steps", ylabel="return")
        axes.set_xlim(left=0)
        axes.legend(**_BESIDE)


def plot_bounds(
    path: Path, groups: Mapping[str, Mapping[str, tuple[Interval, Interval]]], title: str, lowest: float
) -> None:
    """Write values and lower bounds of them, with intervals, side by side.

    Args:
        path: of the PNG file.
        groups: of a problem: method to its value and the bound that it gave; all problems have the same methods.
        title: above the picture.
        lowest: what lies below is drawn as an arrow at the lower edge.
    """
    methods = list(next(iter(groups.values())))
    with _picture(path) as axes:
        for index, (colour, method) in enumerate(zip(_colours(len(methods)), methods, strict=True)):
            places = [place + 0.7 * (index / (len(methods) - 1) - 0.5) for place in range(len(groups))]
            for part, face in ((1, "none"), (0, colour)):
                shown = [found[method][part] for found in groups.values()]
                spans = [[i.mean - i.low for i in shown], [i.high - i.mean for i in shown]]
                label = "_" if part else method
                means = [i.mean for i in shown]
                below = [place for place, mean in zip(places, means, strict=True) if mean < lowest]
                axes.plot(below, [lowest] * len(below), "v", color=colour, mfc=face, clip_on=False)
                axes.errorbar(places, means, spans, fmt="o", color=colour, mfc=face, capsize=3, label=label)
        axes.axhline(0.0, color=_GREY, lw=1)
        axes.set(title=title, ylabel="return (filled: true; hollow: certified)")
        axes.set_ylim(bottom=lowest)
        axes.set_xticks(range(len(groups)), list(groups))
        axes.grid(visible=False, axis="x")
        axes.legend(loc="lower left", bbox_to_anchor=(1.0, 0.0))


def plot_mixture(
    path: Path,
    names: Sequence[str],
    means: Sequence[float],
    shares: Sequence[float],
    failed: Sequence[bool],
    certificate: float,
    title: str,
) -> None:
    """Write what candidates returned, and with which probability each is deployed.

    Args:
        path: of the PNG file.
        names: of the candidates; written below where there are 40 or fewer.
        means: mean return of the trials of each.
        shares: probability of each, 0 to 1.
        failed: whether it could not be loaded; marked by a cross.
        certificate: what the mean over draws exceeds for certain, a dashed line.
        title: above the picture.
    """
    places = range(len(names))
    with _picture(path) as axes:
        beside = axes.twinx()
        beside.bar(places, shares, color=_COLOURS[5], alpha=0.5)
        beside.set_ylabel("probability of being deployed (bars)", color=_COLOURS[0])
        beside.set_ylim(bottom=0)
        beside.grid(visible=False)
        for marker, wanted, label in (("o", False, "mean of the trials"), ("x", True, "cannot be loaded")):
            shown = [place for place in places if failed[place] == wanted]
            if shown:
                axes.plot(shown, [means[place] for place in shown], marker, color=_COLOURS[1], label=label)
        axes.axhline(certificate, color=_GREY, lw=1.5, ls="--", label="certificate")
        axes.set(title=title, ylabel="return")
        if len(names) <= _MOST_NAMED:
            upright = len(names) > 6
            width, lines = (24, max(1, 24 // len(names))) if upright else (84 // len(names), 3)
            shown_names = [fill(name, width, max_lines=lines, placeholder=" …") for name in names]
            axes.set_xticks(places, shown_names, rotation=90 if upright else 0, fontsize=8)
        axes.set_zorder(beside.get_zorder() + 1)
        axes.patch.set_visible(False)
        axes.legend(loc="best")


def _draw(axes: Axes, curve: Curve, name: str, colour: str) -> None:
    mean, low, high = zip(*((v.mean, v.low, v.high) for v in curve.values), strict=True) if curve.values else ((),) * 3
    axes.fill_between(curve.steps, low, high, color=colour, alpha=0.18, lw=0)
    axes.plot(curve.steps, mean, "o-", color=colour, lw=2, ms=4, label=name)


def _mean_takeovers(episodes: Sequence[EpisodeRecord]) -> float:
    return sum(episode.takeovers for episode in episodes) / len(episodes)


def _human_share(episodes: Sequence[EpisodeRecord]) -> float:
    return sum(episode.human_steps for episode in episodes) / max(1, sum(episode.steps for episode in episodes))


def _colours(count: int) -> list[str]:
    return [_COLOURS[index % len(_COLOURS)] for index in range(count)]


@contextmanager
def _picture(path: Path) -> Iterator[Axes]:
    """An empty pair of axes, written to ``path`` at the end; uses no global state of pyplot."""
    with rc_context(_STYLE):
        figure = Figure(figsize=(7.0, 4.0), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure.add_subplot()
        figure.savefig(path)
