"""Reinforcement learning of a small vision-language model on card games, by task reward and by takeovers (RL4VLM)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.nodes.bench.figures import Figures, over_seeds
from vlmrl_ros.nodes.bench.remembered import Result
from vlmrl_ros.nodes.bench.rl4vlm_arms import ARMS, PREFERENCES, Arm
from vlmrl_ros.nodes.bench.rl4vlm_runs import AT_LENGTH, SETUPS, cnn, vlm
from vlmrl_ros.policies.evaluation.statistics import success_interval
from vlmrl_ros.sim.cards.task import GAMES

SEEDS = (0, 1, 2)
ANCHOR_GAMES = {"number_line": 20_000, "ez_points": 20_000, "points24": 3000, "blackjack": 20_000}
EXPECTED = {"number_line.random": 0.285, "blackjack.optimal": 0.432, "points24.optimal": 0.731}
"""What is reported of these games, of how many episodes is not said."""
OFF = 0.005
"""By how much a reported anchor may lie beside our interval."""
QUICK_GAMES, QUICK_UPDATES = 1000, 6
GAIN, OVER_NO_THOUGHT, NOTHING = 0.30, 0.15, 0.005
"""What RL with lambda 0.3 gains on SFT (greedy) and on lambda 0 (sampled); a success that rounds to 0 %."""
QUICK_GAIN = 0.10
LONG_ARMS = ("sft", "rl0_3", "rl1")
"""Of the variant with longer thoughts; without thoughts it is the same game."""
JUDGED = ("right", "valid", "stated", "true", "tokens")
UPDATE = ("parse_rate", "answer_tokens", "kl")


def measure(quick: bool, work: Path) -> Figures:
    """Make every run that ``work`` does not hold yet; quick: one seed of SFT and of short RL on NumberLine.

    Returns:
        ``<game>.random`` and ``.optimal``, success of who plays so; ``<game>.<arm>.success``, greedy, and
        ``.sampled.success``, over seeds, with ``.episodes.low`` and ``.high``, Wilson's interval over all episodes; of
        the steps ``.right``, the share of right actions, ``.valid``, that of texts that name one, ``.tokens``, their
        length, ``.stated``, the share of the numbers in the picture that they give rightly, ``.true``, that of the
        thoughts that are true and lead to a right action; takeovers in the first and the last update;
        ``ppo.first_ratio_max_error``; ``ordering_holds``, and the differences that it rests on. Takeovers as preference
        data are ``number_line.kto``.

    Raises:
        VlmrlError: an anchor is off; quick, and RL gains too little.
    """
    figures = anchors(quick)
    for name, anchor in EXPECTED.items():
        low, high = figures[f"{name}.low"] - OFF, figures[f"{name}.high"] + OFF
        if not low <= anchor <= high:
            raise VlmrlError(f"{name} is reported as {anchor}; valid by these games: {low:.3f} to {high:.3f}")
    if quick:
        return figures | _quick(work)
    ratios: list[float] = []
    for setup, arms in [*((setup, tuple(ARMS)) for setup in SETUPS.values()), (AT_LENGTH, LONG_ARMS)]:
        for name in arms:
            runs = [vlm(work, setup, ARMS[name], seed) for seed in SEEDS]
            figures |= of_arm(f"{setup.name}.{name}", runs)
            ratios += [update["first_ratio_error"] for run in runs for update in run["updates"]]
    for game, setup in SETUPS.items():
        figures |= of_arm(f"{game}.cnn", [cnn(work, setup, seed) for seed in SEEDS])
    line = SETUPS["number_line"]
    figures |= of_arm("number_line.kto", [vlm(work, line, PREFERENCES, seed) for seed in SEEDS])
    figures["ppo.first_ratio_max_error"] = max(ratios)
    return figures | ordering(figures)


def anchors(quick: bool) -> Figures:
    """Success of random and of optimal play in every game, with Wilson's interval."""
    figures: Figures = {}
    for name, episodes in ANCHOR_GAMES.items():
        played = min(episodes, QUICK_GAMES) if quick else episodes
        for who in ("random", "optimal"):
            rng = np.random.default_rng(0)
            successes = sum(_play(name, seed, who == "random", rng) for seed in range(played))
            found = success_interval(successes, played)
            figures |= {f"{name}.{who}": found.mean, f"{name}.{who}.low": found.low, f"{name}.{who}.high": found.high}
    return figures


def _play(name: str, seed: int, at_random: bool, rng: np.random.Generator) -> bool:
    game = GAMES[name]()
    game.reset(np.random.default_rng([seed, 0]))
    earned, ended = 0.0, False
    while not ended:
        outcome = game.act(str(rng.choice(game.actions)) if at_random else game.solution())
        earned, ended = earned + outcome.reward, outcome.terminated or outcome.truncated
    return earned > 0


def of_arm(name: str, runs: Sequence[Result]) -> Figures:
    """The figures of an arm."""
    figures: Figures = {}
    for how, prefix in (("greedy", name), ("sampled", f"{name}.sampled")):
        judged = [run[how] for run in runs]
        figures |= over_seeds(f"{prefix}.success", [one["successes"] / one["episodes"] for one in judged])
        all_of = success_interval(*(int(sum(one[part] for one in judged)) for part in ("successes", "episodes")))
        figures |= {f"{prefix}.success.episodes.low": all_of.low, f"{prefix}.success.episodes.high": all_of.high}
        figures |= {f"{prefix}.{what}": float(np.mean([one[what] for one in judged])) for what in JUDGED}
    if any(update.get("takeovers") for run in runs for update in run["updates"]):
        for which, place in (("first", 0), ("last", -1)):
            figures[f"{name}.takeovers.{which}"] = float(np.mean([run["updates"][place]["takeovers"] for run in runs]))
    return figures


def ordering(figures: Figures) -> Figures:
    """Whether what the issue asks for holds, and the differences that it rests on."""
    line, points = "number_line", "ez_points"
    gain = figures[f"{line}.rl0_3.success.mean"] - figures[f"{line}.sft.success.mean"]
    over = figures[f"{line}.rl0_3.sampled.success.mean"] - figures[f"{line}.rl0.sampled.success.mean"]
    blind = max(figures[f"{points}.cnn{how}.success.mean"] for how in ("", ".sampled"))
    ahead = {game: figures[f"{game}.takeovers.success.mean"] - figures[f"{game}.rl0_3.success.mean"] for game in SETUPS}
    holds = gain >= GAIN and over >= OVER_NO_THOUGHT and blind < NOTHING and min(ahead.values()) >= 0
    return {
        f"{line}.rl0_3.over_sft": gain,
        f"{line}.rl0_3.over_rl0": over,
        **{f"{game}.takeovers.over_rl0_3": value for game, value in ahead.items()},
        "ordering_holds": float(holds),
    }


def _quick(work: Path) -> Figures:
    setup = SETUPS["number_line"]
    sft, rl = (vlm(work, setup, arm, 0) for arm in (ARMS["sft"], Arm(weight=0.3, updates=QUICK_UPDATES)))
    found = of_arm("number_line.sft", [sft]) | of_arm("number_line.rl0_3", [rl])
    gain = found["number_line.rl0_3.success.mean"] - found["number_line.sft.success.mean"]
    if gain < QUICK_GAIN:
        raise VlmrlError(f"RL gains {gain:.2f} on NumberLine in {QUICK_UPDATES} updates; valid: {QUICK_GAIN} or more")
    ratio = max(update["first_ratio_error"] for update in rl["updates"])
    return found | {"ppo.first_ratio_max_error": ratio}
