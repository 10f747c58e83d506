"""A small vision-language model drives the arm on ``tabletop``: shown how, then by reward or by takeovers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.nodes.bench.figures import Figures, over_seeds
from vlmrl_ros.nodes.bench.remembered import Result
from vlmrl_ros.nodes.bench.vlm_robot_play import SEEN, UNSEEN, by_hand
from vlmrl_ros.nodes.bench.vlm_robot_runs import LEARNING, QUICK, Size, robot
from vlmrl_ros.policies.evaluation.statistics import success_interval

SEEDS = (0, 1, 2)
SETS = {"seen": SEEN, "unseen": UNSEEN}
QUICK_ARMS = ("sft", "takeovers")
JUDGED = ("right", "valid", "true")
QUICK_LEAST = 0.1
"""Success of the quick SFT on what was seen; who names places at random has 0.01."""


def measure(quick: bool, work: Path) -> Figures:
    """Make every run that ``work`` does not hold yet; quick: one seed, less of everything, no arm ``rl``.

    Returns:
        ``tabletop.<arm>.seen.success`` and ``.unseen.success``, greedy and alone, over seeds, with ``.episodes.low``
        and ``.high``, Wilson's interval over all episodes; of the utterances there ``.right``, the share of right
        actions, ``.valid``, that of texts that name one, ``.true``, that of true thoughts; ``takeover_rate.first`` and
        ``.last``, the share of the utterances that are taken over in the first and the last update of the arm
        ``takeovers``, also over seeds; ``tabletop.expert.<set>.success``, of who always says the right thing.

    Raises:
        VlmrlError: quick, and SFT hardly ever succeeds. Its three updates are too few for takeovers to become fewer.
    """
    size, seeds = (QUICK, SEEDS[:1]) if quick else (Size(), SEEDS)
    figures: Figures = {}
    for name, options in SETS.items():
        figures |= _rate(f"tabletop.expert.{name}.success", by_hand(options, size.episodes))
    runs = {arm: [robot(work, size, arm, seed) for seed in seeds] for arm in (QUICK_ARMS if quick else LEARNING)}
    for arm, found in runs.items():
        figures |= _of_arm(f"tabletop.{arm}", found)
    for which, place in (("first", 0), ("last", -1)):
        rates = [run["updates"][place]["takeovers"] for run in runs["takeovers"]]
        figures |= {f"takeover_rate.{which}": float(np.mean(rates)), **over_seeds(f"takeover_rate.{which}", rates)}
    figures["ppo.first_ratio_max_error"] = max(
        update["first_ratio_error"] for found in runs.values() for run in found for update in run["updates"]
    )
    if quick:
        _check(figures)
    return figures


def _of_arm(name: str, runs: Sequence[Result]) -> Figures:
    figures: Figures = {}
    for which in SETS:
        judged, prefix = [run[which] for run in runs], f"{name}.{which}"
        figures |= over_seeds(f"{prefix}.success", [one["successes"] / one["episodes"] for one in judged])
        pooled = _rate("", {part: sum(one[part] for one in judged) for part in ("successes", "episodes")})
        figures |= {f"{prefix}.success.episodes{end}": pooled[end] for end in (".low", ".high")}
        figures |= {f"{prefix}.{what}": float(np.mean([one[what] for one in judged])) for what in JUDGED}
    return figures


def _rate(name: str, found: dict[str, float]) -> Figures:
    interval = success_interval(int(found["successes"]), int(found["episodes"]))
    return {f"{name}.mean": interval.mean, f"{name}.low": interval.low, f"{name}.high": interval.high}


def _check(figures: Figures) -> None:
    learned = figures["tabletop.sft.seen.success.mean"]
    if learned < QUICK_LEAST:
        raise VlmrlError(f"SFT succeeds in {learned:.2f} of the episodes; valid: {QUICK_LEAST} or more")
