"""Fill the tables of the README, and the times of docs/failures.md, from docs/results: `python tools/figures.py`.

`--check` only compares.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
Rows = list[tuple[str, str]]
METHODS = {
    "rlif": "**RLIF**",
    "hg_dagger": "HG-DAgger",
    "bc": "BC on the demonstrations",
    "random": "RLIF, takeovers at random",
}


def main() -> None:
    """Write each file anew, or compare it."""
    for name, filled in FILLED.items():
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        if "--check" not in sys.argv:
            path.write_text(filled(text), encoding="utf-8")
        elif filled(text) != text:
            sys.exit(f"{name} is not current; run: python tools/figures.py")


def _readme(text: str) -> str:
    """Replace what stands between the markers."""
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    return f"{head}{BEGIN}\n{_peg()}\n{_rest()}\n{END}{tail}"


def _failures(text: str) -> str:
    """Replace the last cell in the row of each node that was killed."""
    f = _read("faults")
    for node in ("policy_server", "teleop", "sim_bridge", "learner", "recorder"):
        mean, worst = (f"{f[f'recovery.{node}.s.{which}']:.1f} s" for which in ("mean", "max"))
        text, found = re.subn(rf"^(\| `{node}` \|.*\|).*\|$", rf"\g<1> {mean}, {worst} |", text, flags=re.MULTILINE)
        if found != 1:
            raise SystemExit(f"docs/failures.md has {found} rows of `{node}`; there must be one")
    return text


FILLED = {"README.md": _readme, "docs/failures.md": _failures}


def _peg() -> str:
    f = _read("peg")
    lines = [
        f"`peg_insert`, seeds 0, 1, 2; the operator alone succeeds in {f['operator.success']:.0%} of the episodes.",
        "Success: 100 fresh autonomous episodes of each run's best checkpoint. Worst: the least of the last three",
        "evaluations on the way (50 episodes each).",
        "",
        "| learner | success, seeds 0, 1, 2 | mean | worst of last 3 | takeovers an episode, first to last |",
        "|---|---|---|---|---|",
    ]
    for method, name in METHODS.items():
        seeds = ", ".join(f"{f[f'{method}.success.seed{seed}']:.2f}" for seed in range(3))
        rates = f"{f[f'{method}.takeover_rate.first']:.2f} to {f[f'{method}.takeover_rate.last']:.2f}"
        mean, worst = f[f"{method}.success.mean"], f[f"{method}.worst_of_last3.min"]
        lines.append(f"| {name} | {seeds} | {mean:.2f} | {worst:.2f} | {rates if method != 'bc' else '-'} |")
    lines.append(f"\nThe longest RLIF run took {f['rlif.wall_s.max']:.0f} s on two CPU cores, evaluations included.\n")
    return "\n".join(lines)


def _rest() -> str:
    rows = [*_loop(), *_learner(), *_arm(), *_faults(), *_fuzz(), *_orderings(), *_vlm(), *_text(), *_bandit()]
    return "\n".join(["| what | measured |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _loop() -> Rows:
    loop, replay, sync = _read("loop"), _read("replay"), _read("sync")
    others = [value for name, value in loop.items() if name.startswith("realtime.") and name.endswith(".missed")]
    return [
        ("ROS loop in three processes, state only", f"{loop['ros.state.ticks_per_s']:.0f} ticks/s"),
        ("its ratio to the same loop in one process", f"{loop['ros.state.ratio_to_in_process']:.2f}"),
        ("the same with a 128x128 camera", f"{loop['ros.camera128.ticks_per_s']:.0f} ticks/s"),
        ("50 Hz for 60 s beside a learner that never rests, p99 jitter", f"{loop['realtime.jitter_p99_ms']:.2f} ms"),
        (
            "missed ticks in that time, and in 20 s beside each other learner of transitions",
            f"{loop['realtime.missed']:.0f}, {max(others):.0f}",
        ),
        ("replay of 100,000 steps with two 128x128 cameras, over the raw frames", f"{replay['bytes_ratio']:.3f}"),
        ("two runs with one seed end in the same checkpoint", _yes(sync["hash_equal"])),
    ]


def _learner() -> Rows:
    f = _read("learner")
    ours, jax = (
        [f"{f[f'{figure}.{critics}']:.{digits}f}" for critics, digits in (("c2", 0), ("c10", 1))]
        for figure in ("updates_per_cpu_s.ours", "updates_per_cpu_s.jax")
    )
    shares = [f"{f[f'arithmetic_share.{critics}']:.0%}" for critics in ("c2", "c10")]
    return [
        ("gradient updates a CPU second, 2 critics; 10 with LayerNorm", "; ".join(ours)),
        ("the same by sbx-rl (JAX), in the same run", "; ".join(jax)),
        ("share of the fastest matrix product of the core", "; ".join(shares)),
    ]


def _arm() -> Rows:
    f = _read("arm")
    success = (
        f"{f['sim_arm.rlif.success']:.2f} [{f['sim_arm.rlif.success.low']:.2f}, {f['sim_arm.rlif.success.high']:.2f}]"
    )
    return [
        ("RLIF through a robot's topics, 30 ms late, 5 ms jitter, 1 % lost: success of 100 episodes", success),
        ("any input falls silent: ticks to a command of zero, at most", f"{f['silence.ticks_to_zero.max']:.0f}"),
        ("e-stop: ticks to a command of zero, at most", f"{f['estop.ticks_to_zero.max']:.0f}"),
        ("two arms, one learner: transitions mixed", f"{f['fleet.transitions_mixed']:.0f}"),
    ]


def _faults() -> Rows:
    f = _read("faults")
    kills, lost, doubled = (f"{f[key]:.0f}" for key in ("kills", "transitions.lost", "transitions.doubled"))
    disturbed, calm = f"{f['success.disturbed']:.2f}", f"{f['success.undisturbed']:.2f}"
    outside, dead = (f"{f[f'commands.{key}']:.0f}" for key in ("outside_limits", "from_dead_source"))
    chaos = f"{f['chaos.disturbances']:.0f} kills, freezes and clock jumps: commands outside limits, and from the dead"
    return [
        (f"{kills} nodes killed in one training: success, and without kills", f"{disturbed}, {calm}"),
        ("transitions lost, and doubled, by that", f"{lost}, {doubled}"),
        (chaos, f"{outside}, {dead}"),
        ("a run in two launches ends in the checkpoint of one", _yes(f["resume.hash_equal"])),
        ("its bags give the replay back, byte for byte", _yes(f["bag.replay_equal"])),
    ]


def _fuzz() -> Rows:
    f = _read("fuzz")
    found = f"{f['crashes']:.0f}, {f['effects_on_arm']:.0f}, {f['memory_growth_mib']:.0f} MiB"
    return [(f"{f['messages']:,.0f} malformed messages: crashes, effects on the arm, memory growth", found)]


def _orderings() -> Rows:
    calql, rollin, reaction, pixels = _read("calql"), _read("rollin"), _read("reaction"), _read("pixels")
    rlif = _read("rlif")
    weak = [rlif[f"peg_insert.weak.{name}.success.mean"] for name in ("rlif", "hg_dagger")]
    late = [reaction[f"peg_insert.delay3.{name}.success.mean"] for name in ("rlif_plain", "rlif")]
    misled = [reaction[f"reach_misled.{name}.rlif.success.mean"] for name in ("informed", "random")]
    drops = [calql[f"crash_maze.p3.{name}.first_quarter_drop.mean"] for name in ("calql", "cql")]
    solved = [rollin[f"tabular.k2.alpha0_01.{beta}.reinforce.score.mean"] for beta in ("beta0_5", "beta0")]
    seen = {
        task: _two([pixels[f"{task}.{eyes}.rlif.success.mean"] for eyes in ("trained", "frozen", "blind")])
        for task in ("peg_insert", "reach")
    }
    skill = f"{100 * rlif['peg_insert.weak.operator.success.mean']:.0f} of 100"
    return [
        (f"an operator who succeeds in {skill}: success of RLIF, and of HG-DAgger", _two(weak)),
        _gait(rlif, "hopper", "Hopper"),
        _gait(rlif, "walker2d", "Walker2d"),
        (
            "`peg_insert` from two 64x64 cameras: success with an encoder that learns, one as drawn, and none",
            seen["peg_insert"],
        ),
        ("`reach` in the same way", seen["reach"]),
        ("a person 0.3 s late: success by blaming the last step alone, and with our multi-step return", _two(late)),
        ("a person who misses: success where they take over when it goes wrong, and at random", _two(misled)),
        ("from data to the robot: success lost at first by Cal-QL, and by CQL", _two(drops)),
        ("ROLLIN on the grid: share of the tasks solved with roll-in, and without", _two(solved)),
    ]


def _gait(rlif: Mapping[str, float], domain: str, name: str) -> tuple[str, str]:
    weak = [rlif[f"{domain}.weak.{method}.score.mean"] for method in ("rlif_value", "rlif_random", "hg_dagger")]
    own = f"{rlif[f'{domain}.weak.operator.score.mean']:.2f}"
    return (f"an operator whose {name} scores {own}: RLIF by value, RLIF by takeovers at random, HG-DAgger", _two(weak))


def _vlm() -> Rows:
    f, games, robot = _read("vlm"), _read("rl4vlm"), _read("vlm_robot")
    ratios = [f[f"ratio_to_transformers.b{batch}"] for batch in (1, 8)]
    line = [games[f"number_line.{arm}.success.mean"] for arm in ("sft", "rl0_3", "takeovers")]
    seen, unseen = (
        [robot[f"tabletop.{arm}.{which}.success.mean"] for arm in ("sft", "rl", "takeovers")]
        for which in ("seen", "unseen")
    )
    return [
        ("tokens a CPU second of a small vision-language model, over `generate`; batch 1, 8", _two(ratios)),
        ("it plays NumberLine: after demonstrations, with the task's reward, with takeovers alone", _two(line)),
        ("it moves things on a table by words: the same three", _two(seen)),
        ("the same, asked for colours and shapes that were never asked for together before", _two(unseen)),
    ]


def _text() -> Rows:
    f = _read("lmrl_gym")
    returns = [f"{f[f'maze.{name}.raw.mean']:.1f}" for name in ("ilql", "lm_mc", "lm_filtered_bc", "lm_bc")]
    best = f"{f['maze.optimal']:.2f}"
    return [(f"a maze by text, best return {best}: ILQL, Monte-Carlo returns, filtered BC, BC", ", ".join(returns))]


def _bandit() -> Rows:
    f = _read("trust")
    values = [f[f"b.d1000.delta0_1.{rule}.value.mean"] for rule in ("trust", "lcb", "greedy")]
    return [
        ("1000 candidates of uneven noise, one trial each: value of what TRUST, LCB and the best chose", _two(values))
    ]


def _two(figures: list[float]) -> str:
    return ", ".join(f"{figure:.2f}" for figure in figures)


def _yes(figure: float) -> str:
    return "yes" if figure == 1 else "no"


def _read(suite: str) -> dict[str, float]:
    figures: dict[str, float] = json.loads((RESULTS / f"{suite}.json").read_text(encoding="utf-8"))
    return figures


if __name__ == "__main__":
    main()
