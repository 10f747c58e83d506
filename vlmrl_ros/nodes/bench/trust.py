"""TRUST against the best lower bound, the best mean and all arms alike, on bandits whose truth is known.

And on the checkpoints of a learner, after its training (:mod:`~vlmrl_ros.nodes.bench.offline_rl`) and in it
(:mod:`~vlmrl_ros.nodes.bench.explorers`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from vlmrl_ros.core.streams import stream
from vlmrl_ros.nodes.bench import explorers, offline_rl
from vlmrl_ros.nodes.bench.cone_solver import greatest_gain
from vlmrl_ros.nodes.bench.figures import Figures, missed, over_seeds
from vlmrl_ros.nodes.bench.trust_instances import Bandit, bandit
from vlmrl_ros.policies.evaluation.plots import plot_bounds
from vlmrl_ros.policies.evaluation.statistics import Interval, mean_interval
from vlmrl_ros.policies.learners.bandit.evidence import Evidence, Floats, evidence_of
from vlmrl_ros.policies.learners.bandit.rules import greedy, lcb, least_variance, uniform
from vlmrl_ros.policies.learners.bandit.selection import Selection
from vlmrl_ros.policies.learners.trust.config import TrustConfig
from vlmrl_ros.policies.learners.trust.learning import critical_radii, enhance, trust
from vlmrl_ros.policies.learners.trust.region import greatest_gains, radii, second_moments

SEEDS = range(200)
SHARING = 20
"""Seeds with the same critical radii. One draw of them for all would be part of every mean, and of no interval."""
ARMS = (10, 100, 1000, 5000)
DELTAS = (0.05, 0.1)
INSTANCES = ("a", "a_prime", "b", "c")
FEW = (("even", 10), ("even", 100))
"""Few arms with equal noise, where TRUST should not be taken."""
RIVALS = ("lcb", "greedy", "uniform", "reference")
NOTES_ARMS, NOTES_DELTA = 1000, 0.1
ALL_OF_50 = 0.07
"""All 50 draws of the notes chose an arm of the good half: of others 93 % or more do (Wilson)."""
NOTES = {
    "a": {"trust": (0.80, 0.06), "lcb": (1.0, ALL_OF_50), "greedy": (1.0, ALL_OF_50), "reference": (0.5, 0.0)},
    "a_prime": {"trust": (0.53, 0.06), "lcb": (0.78, 0.41), "greedy": (0.78, 0.41), "reference": (0.5, 0.0)},
    "b": {"trust": (0.80, 0.02), "lcb": (0.36, 0.32), "greedy": (-1.0, 0.0), "reference": (0.41, 0.0)},
    "c": {"trust": (1.0, 0.0), "lcb": (0.40, 0.49), "greedy": (1.0, 0.0), "reference": (0.06, 0.0)},
}
"""True values, mean and standard deviation over 50 other draws of the noise, of an earlier implementation of ours."""
ONE_DRAW = 0.04
"""Two standard deviations of TRUST's mean certificate over 50 seeds and one draw of the critical radii, in c."""
NOTES_CERTIFICATES = {
    "a": {"trust": (0.50, ONE_DRAW), "lcb": (-0.46, 0.10)},
    "a_prime": {"trust": (0.34, ONE_DRAW), "lcb": (-1.81, 0.20)},
    "b": {"trust": (0.47, ONE_DRAW), "lcb": (-0.11, 0.06)},
    "c": {"trust": (0.80, ONE_DRAW), "lcb": (-0.24, 0.07)},
}
"""Their mean certificates; for ``lcb`` too with two standard deviations of such a mean over 50 seeds."""
ROUNDING = 0.005
LOWEST_SHOWN = -2.0
FRESH = 2000
"""Draws of the noise against which the critical radii are held."""
ROWS = 100
SOLVED_ARMS, SOLVED_DRAWS = (2, 10, 100, 300), 3
TIMED = 5


def _name(delta: float) -> str:
    return f"delta{delta:g}".replace(".", "_")


NOTED = {
    f"{name}.d{NOTES_ARMS}.{_name(NOTES_DELTA)}.{learner}.{what}.mean": (mean - off - ROUNDING, mean + off + ROUNDING)
    for what, notes in (("value", NOTES), ("certificate", NOTES_CERTIFICATES))
    for name, learners in notes.items()
    for learner, (mean, off) in learners.items()
}
"""What our notes say, by figure."""
MARKS = {
    **NOTED,
    "coverage.least": (1 - max(DELTAS), 1.0),
    **{f"radius_coverage.{_name(delta)}": (1 - delta / 2, 1.0) for delta in DELTAS},
    "solver_difference": (0.0, 1e-6),
    "seconds_5000_arms": (0.0, 1.0),
}

Runs = Mapping[str, Sequence[tuple[float, float]]]
"""By learner: true value and certificate of what it chose, for each seed."""


def measure(quick: bool, work: Path) -> Figures:
    """The figures of :func:`measure_bandits`, :func:`.offline_rl.measure` and :func:`.explorers.measure`."""
    return {**measure_bandits(quick, work), **offline_rl.measure(quick, work), **explorers.measure(quick, work)}


def measure_bandits(quick: bool, work: Path) -> Figures:
    """Let every rule choose on every bandit; quick: without 5,000 arms and the smaller delta.

    Returns:
        ``<instance>.d<arms>.delta<delta>.<learner>.value`` and ``.certificate``, true mean return and its certified
        lower bound, and ``.value.sd`` over seeds; ``.margin``, by how much TRUST's value is above that of the best of
        the others, paired by seed (below 0 where TRUST is not the best), and ``.certificate_margin``; ``coverage``,
        the share of TRUST's certificates that hold, and ``coverage.least`` of one bandit; ``radius_coverage.<delta>``,
        the share of fresh draws of the noise that all critical radii of a group bound, at the least; ``reproduced``
        (1 or 0), every value and certificate of our notes is met; ``solver_difference``, the greatest to a cone solver;
        ``seconds_5000_arms``, CPU time of a whole selection.
    """
    cells = [*((name, size) for name in INSTANCES for size in (ARMS[:-1] if quick else ARMS)), *FEW]
    figures: Figures = {}
    held: list[float] = []
    notes: dict[str, Runs] = {}
    for delta in DELTAS[1:] if quick else DELTAS:
        config, bounded = TrustConfig(delta=delta), []
        for name, size in cells:
            chosen = bandit(name, size)
            critical = _critical(chosen, config)
            runs = _runs(chosen, critical, config)
            if (size, delta) == (NOTES_ARMS, NOTES_DELTA):
                notes[name] = runs
            figures |= _figures(f"{chosen.name}.{_name(delta)}", runs)
            held.append(_share_held(runs["trust"]))
            bounded.append(_share_bounded(chosen.known(), critical, config))
        figures[f"radius_coverage.{_name(delta)}"] = min(bounded)
    title = f"{NOTES_ARMS} arms: true value, and what is certain of it"
    plot_bounds(work / "trust.png", _intervals(notes), title, LOWEST_SHOWN)
    figures |= {"coverage": float(np.mean(held)), "coverage.least": min(held)}
    return figures | {"reproduced": float(not missed(figures, NOTED)), **_solver()}


def _critical(chosen: Bandit, config: TrustConfig) -> Floats:
    """Critical radii, drawn anew for each group of seeds, float64 (groups, J)."""
    rngs = [stream(group, f"critical radii.{chosen.name}") for group in range(len(SEEDS) // SHARING)]
    return np.stack([critical_radii(chosen.known(), config, rng) for rng in rngs])


def _runs(chosen: Bandit, critical: Floats, config: TrustConfig) -> Runs:
    rules: dict[str, Callable[[Evidence], Selection]] = {
        "lcb": partial(lcb, delta=config.delta),
        "greedy": partial(greedy, delta=config.delta),
        "uniform": partial(uniform, delta=config.delta),
        "reference": partial(least_variance, delta=config.delta),
    }
    runs: dict[str, list[tuple[float, float]]] = {learner: [] for learner in ("trust", *rules)}
    for seed in SEEDS:
        evidence = chosen.tried(seed)
        selections = {"trust": enhance(evidence, critical[seed // SHARING], config)}
        selections |= {learner: rule(evidence) for learner, rule in rules.items()}
        for learner, selection in selections.items():
            runs[learner].append((float(chosen.means @ selection.mixture), selection.certificate))
    return runs


def _figures(name: str, runs: Runs) -> Figures:
    figures: Figures = {}
    values, certificates = ({learner: [run[part] for run in runs[learner]] for learner in runs} for part in (0, 1))
    for learner in runs:
        figures |= over_seeds(f"{name}.{learner}.value", values[learner])
        figures[f"{name}.{learner}.value.sd"] = float(np.std(values[learner], ddof=1))
        figures |= over_seeds(f"{name}.{learner}.certificate", certificates[learner])
    for what, found in (("margin", values), ("certificate_margin", certificates)):
        best = max(RIVALS, key=lambda rival: float(np.mean(found[rival])))
        margins = [ours - theirs for ours, theirs in zip(found["trust"], found[best], strict=True)]
        figures |= over_seeds(f"{name}.trust.{what}", margins)
    return figures


def _share_held(runs: Sequence[tuple[float, float]]) -> float:
    return float(np.mean([value >= certificate for value, certificate in runs]))


def _share_bounded(known: Evidence, critical: Floats, config: TrustConfig) -> float:
    """Of fresh draws of the noise, those that exceed no critical radius of a group; 1 - delta / 2 is promised."""
    moments = second_moments(known, config.decay, config.radii)
    rng, held = stream(1, "fresh noise"), 0
    for _ in range(0, FRESH, ROWS):
        noise = rng.normal(size=(ROWS, len(known.means))) * np.sqrt(known.variances)
        gains = greatest_gains(noise, known.reference, moments)
        held += int((gains[:, None] <= critical).all(2).sum())
    return held / (FRESH * len(critical))


def _intervals(notes: Mapping[str, Runs]) -> dict[str, dict[str, tuple[Interval, Interval]]]:
    return {
        name: {
            learner: (mean_interval([value for value, _ in found]), mean_interval([bound for _, bound in found]))
            for learner, found in runs.items()
        }
        for name, runs in notes.items()
    }


def _solver() -> Figures:
    """The exact solution against a cone solver, and the time of a selection."""
    differences = []
    for arms in SOLVED_ARMS:
        rng = stream(arms, "solver")
        known = evidence_of(np.zeros(arms), rng.integers(1, 50, arms), rng.uniform(0.2, 3.0, arms))
        moments = second_moments(known, decay=2.0, size=6)
        for direction in rng.normal(size=(SOLVED_DRAWS, arms)):
            ours = greatest_gains(direction[None], known.reference, moments)[0]
            theirs = [greatest_gain(known, direction, radius) for radius in radii(known, moments)]
            differences.append(float(np.abs(ours - theirs).max()))
    evidence, seconds = bandit("b", 5000).tried(0), []
    for seed in range(TIMED):
        begun = time.process_time()
        trust(evidence, TrustConfig(), stream(seed, "time"))
        seconds.append(time.process_time() - begun)
    return {"solver_difference": max(differences), "seconds_5000_arms": float(np.median(seconds))}
