"""From offline data to the robot: Cal-QL against CQL, IQL, AWAC and SAC on identical data.

The claim of Nakamoto, Zhai et al. (NeurIPS 2023): values that are conservative but not calibrated are unlearned in the
first steps online, and the policy with them; calibrated ones are not. Shown on ``crash_maze``, where it takes minutes;
``peg_insert``, from a person's bags, is reported as it comes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.types import Step
from vlmrl_ros.nodes.bench.figures import Figures, over_seeds
from vlmrl_ros.nodes.bench.offline_online import Protocol, bags_of, recorded, run
from vlmrl_ros.nodes.bench.parts import together
from vlmrl_ros.nodes.bench.remembered import Result, remembered
from vlmrl_ros.policies.evaluation.plots import Curve, plot_success
from vlmrl_ros.policies.evaluation.statistics import mean_interval

Records = Sequence[Mapping[str, Any]]
"""What :func:`vlmrl_ros.nodes.bench.offline_online.run` gives, one for each seed."""
Data = Callable[[Protocol, int], Sequence[Step]]
"""What there is before the first step, by protocol and seed."""

MAZE = Protocol(
    task="crash_maze",
    task_options={},
    data_options={"nearest_start": 0},
    operator_options={},
    data_episodes=300,
    offline_updates=3000,
    online_steps=3000,
)
ARM = Protocol(
    task="peg_insert",
    task_options={},
    data_options={},
    operator_options={},
    data_episodes=40,
    offline_updates=2000,
    online_steps=600,
    evaluate_every=100,
)
SHARED = {
    "discount": 0.93,
    "reward_scale": 10.0,
    "reward_bias": -5.0,
    "hidden": [64, 64],
    "batch_size": 128,
    "samples_per_insert": 128.0,
    "min_steps": 128,
    "learning_rate": 3e-4,
    "critic_learning_rate": 1e-3,
    "target_rate": 0.01,
}
STEADY = {"hidden": [128, 128], "layer_norm": True}
"""On the arm, where networks as small as in the maze lose what they have learned with any method."""
CONSERVATIVE = {
    "temperature": 1.0,
    "cql_weight": 20.0,
    "cql_weight_online": 1.0,
    "sampled_actions": 4,
    "max_backup": False,
}
METHODS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "calql": ("calql", CONSERVATIVE),
    "cql": ("cql", CONSERVATIVE),
    "iql": ("iql", {"expectile": 0.9, "inverse_temperature": 1.0}),
    "awac": ("awac", {}),
    "sac": ("sac", {"temperature": 1.0}),
    "calql_offline_only": ("calql", {**CONSERVATIVE, "calibrate": "offline"}),
    "calql_online_only": ("calql", {**CONSERVATIVE, "calibrate": "online"}),
}
"""Method: learner, and the options in which it differs."""
SWAPS = ("calql_offline_only", "calql_online_only")
PAIR = ("calql", "cql")
SEEDS, SLIPS_SEEDS, QUICK_SEEDS = tuple(range(10, 20)), tuple(range(10, 15)), (10, 11)
"""Not those on which the protocols were tried out."""
ARM_METHODS, ARM_SEEDS = ("calql", "cql", "iql", "awac", "sac"), (10, 11, 12)


@dataclass(frozen=True)
class Variation:
    """The maze in another way, for Cal-QL and CQL.

    Attributes:
        task_options: deviations from those of the maze.
        options: deviations of both methods.
        seeds: of the runs.
    """

    task_options: Mapping[str, Any]
    options: Mapping[str, Any]
    seeds: Sequence[int]


CLAIM, ARM_PART = "crash_maze.p3", "peg_insert.bags"
VARIATIONS: Mapping[str, Variation] = {
    "crash_maze.p2": Variation({}, {"cql_weight": 40.0, "cql_weight_online": 40.0}, SEEDS),
    "crash_maze.p3_slips": Variation({"slip_m": 0.15}, {}, SLIPS_SEEDS),
}
"""As conservative online as offline, and twice as much; and moves that are further off."""
PARTS = (CLAIM, *VARIATIONS, ARM_PART)
LEAST_GAP, LEAST_CQL_DROP, MOST_CALQL_DROP, MOST_OFFLINE_DIFFERENCE = 0.05, 0.1, 0.08, 0.1
QUICK_MOST_CALQL_DROP = 0.25
"""Of two seeds, where one evaluation in which one of them forgets weighs a sixth."""
CLAMP_RATES, OFFLINE_SUCCESSES = (0.05, 0.6), (0.2, 0.8)


def measure(quick: bool, work: Path) -> Figures:
    """Train every method on every seed; quick: Cal-QL and CQL in the maze, on two seeds.

    A finished run leaves a file in ``work`` and is not made again.

    Returns:
        for each method, over seeds: success before the first step and at the end, regret (mean of 1 - success over the
        evaluations after it) without and with exploration, how far the success falls in the first quarter, clamp rate,
        value of the data's actions and return, before and after; the paired differences; ``ordering_holds``, of
        :data:`CLAIM`, and ``peg_insert.bags.gates_met``: offline success and clamp rates are in the range where the
        methods can be told apart.
    """
    return together([_claim(quick, work)] if quick else [measure_part(part, quick, work) for part in PARTS])


def measure_part(part: str, quick: bool, work: Path) -> Figures:
    """The figures of one of :data:`PARTS`, as of :func:`measure`.

    Raises:
        ConfigError: quick, of a part that has no quick version.
    """
    if part == CLAIM:
        return _claim(quick, work)
    if quick:
        raise ConfigError(f"part '{part}' has no quick version; valid: {CLAIM}")
    return _on_arm(work) if part == ARM_PART else _varied(part, work)


def _claim(quick: bool, work: Path) -> Figures:
    records = {}
    for method in PAIR if quick else METHODS:
        seeds = QUICK_SEEDS if quick else SEEDS
        records[method] = [_run_once(work, MAZE, method, seed, SHARED, recorded) for seed in seeds]
    _plot(work / "success.png", {method: of for method, of in records.items() if method not in SWAPS}, MAZE.task)
    return figures_of(records, QUICK_MOST_CALQL_DROP if quick else MOST_CALQL_DROP)


def _varied(part: str, work: Path) -> Figures:
    variation, folder = VARIATIONS[part], work / part.removeprefix(f"{MAZE.task}.")
    folder.mkdir(exist_ok=True)
    protocol, options = replace(MAZE, task_options=variation.task_options), {**SHARED, **variation.options}
    records = {
        method: [_run_once(folder, protocol, method, seed, options, recorded) for seed in variation.seeds]
        for method in PAIR
    }
    return _compared(part, records) | _named(f"{part}.mark", _marks(records, MOST_CALQL_DROP))


def _on_arm(work: Path) -> Figures:
    folder, options = work / "arm", {**SHARED, **STEADY}

    def bags(protocol: Protocol, seed: int) -> Sequence[Step]:
        return bags_of(protocol, seed, folder / f"bags_{seed}")

    records = {
        method: [_run_once(folder, ARM, method, seed, options, bags) for seed in ARM_SEEDS] for method in ARM_METHODS
    }
    _plot(work / "success_arm.png", records, ARM.task)
    return figures_of_arm(records)


def figures_of(records: Mapping[str, Records], most_drop: float = MOST_CALQL_DROP) -> Figures:
    """The figures of finished runs in the maze, and whether Cal-QL's claim shows in them.

    Args:
        records: by method, one for each seed.
        most_drop: by how much the success of Cal-QL may fall in the first quarter.
    """
    marks = _marks(records, most_drop)
    found = _named(f"{CLAIM}.mark", marks)
    return {**_compared(CLAIM, records), **found, f"{CLAIM}.ordering_holds": float(all(marks.values()))}


def figures_of_arm(records: Mapping[str, Records]) -> Figures:
    """The figures of finished runs on the arm, and whether they can tell the methods apart."""
    calql = _values(records["calql"])
    low, high = OFFLINE_SUCCESSES
    met = low <= np.mean(calql["success_before"]) <= high and _clamps_now_and_then(calql)
    return {**_compared(ARM_PART, records), f"{ARM_PART}.gates_met": float(met)}


def _compared(prefix: str, records: Mapping[str, Records]) -> Figures:
    figures: Figures = {}
    for method, of in records.items():
        for name, values in _values(of).items():
            figures |= over_seeds(f"{prefix}.{method}.{name}", values)
        figures[f"{prefix}.{method}.seeds"] = float(len(of))
    calql, cql = (_values(records[method]) for method in PAIR)
    for name in ("regret", "regret_stochastic"):
        figures |= over_seeds(f"{prefix}.paired_{name}_gap", _differences(cql[name], calql[name]))
    return figures


def _named(prefix: str, marks: Mapping[str, bool]) -> Figures:
    return {f"{prefix}.{name}": float(passed) for name, passed in marks.items()}


def _marks(records: Mapping[str, Records], most_drop: float) -> dict[str, bool]:
    """Each condition of the claim, by name; all are on means over the same seeds."""
    calql, cql = (_values(records[method]) for method in PAIR)
    offline_difference = np.mean(_differences(calql["success_before"], cql["success_before"]))
    return {
        "regret_gap": bool(np.mean(_differences(cql["regret"], calql["regret"])) >= LEAST_GAP),
        "cql_drops": bool(np.mean(cql["first_quarter_drop"]) >= LEAST_CQL_DROP),
        "calql_does_not": bool(np.mean(calql["first_quarter_drop"]) <= most_drop),
        "alike_offline": bool(abs(offline_difference) <= MOST_OFFLINE_DIFFERENCE),
        "clamp_rate": _clamps_now_and_then(calql),
    }


def _clamps_now_and_then(calql: Mapping[str, Sequence[float]]) -> bool:
    """Calibration lifts some of the values, not hardly any nor most."""
    rates = [float(np.mean(calql[f"clamp_rate_{phase}"])) for phase in ("offline", "online")]
    return all(CLAMP_RATES[0] <= rate <= CLAMP_RATES[1] for rate in rates)


def _values(records: Records) -> dict[str, list[float]]:
    """Figure to values, one for each seed."""
    rows = [_row(record["evaluations"]) for record in records]
    return {name: [row[name] for row in rows] for name in rows[0]}


def _row(evaluations: Records) -> dict[str, float]:
    """The figures of one run. Its first evaluation is before the first step."""
    before, online = evaluations[0], evaluations[1:]
    quarter = online[: max(1, len(online) // 4)]
    row = {
        "success_before": before["success"],
        "success": online[-1]["success"],
        "first_quarter": float(np.mean([e["success"] for e in quarter])),
        "regret": float(np.mean([1.0 - e["success"] for e in online])),
        "regret_stochastic": float(np.mean([1.0 - e["success_stochastic"] for e in online])),
    }
    row["first_quarter_drop"] = row["success_before"] - row["first_quarter"]
    last = {"offline": before["metrics"], "online": online[-1]["metrics"]}
    for phase, metrics in last.items():
        for name in ("value", "return_to_go", "calibration_gap"):
            if name in metrics:  # a method that learns online alone has none offline
                row[f"{name}_{phase}"] = metrics[name]
    if "clamp_rate" in before["metrics"]:
        row["clamp_rate_offline"] = before["metrics"]["clamp_rate"]
        row["clamp_rate_online"] = float(np.mean([e["metrics"]["clamp_rate"] for e in online]))
    return row


def _differences(ones: Sequence[float], others: Sequence[float]) -> list[float]:
    return [one - other for one, other in zip(ones, others, strict=True)]


def _plot(path: Path, records: Mapping[str, Records], task: str) -> None:
    curves = {method: _curve(of) for method, of in records.items()}
    plot_success(path, curves, f"From data to the robot on {task}")


def _curve(records: Records) -> Curve:
    evaluations = [record["evaluations"] for record in records]
    values = [mean_interval([e["success"] for e in at]) for at in zip(*evaluations, strict=True)]
    return Curve([e["step"] for e in evaluations[0]], values)


def _run_once(work: Path, common: Protocol, method: str, seed: int, options: Mapping[str, Any], data: Data) -> Result:
    learner, own = METHODS[method]
    # SAC with offline data learns from scratch, from both
    protocol = replace(common, offline_updates=0) if learner == "sac" else common
    given = {**own, **options}
    about = {"protocol": asdict(protocol), "learner": learner, "options": given, "seed": seed}
    return remembered(
        work / f"{method}_{seed}.json",
        about,
        lambda: run(protocol, learner, given, seed, data(protocol, seed)),
    )
