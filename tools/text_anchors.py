"""Measures what the text tasks' scores stand on: `python tools/text_anchors.py wordle chess --episodes 500`.

Prints the mean return of the data of each task at its default options, seed 0, with a 95 % interval, beside what
`normalisation` has.
"""

from __future__ import annotations

import argparse
from itertools import islice

import numpy as np

from vlmrl_ros.core import registry
from vlmrl_ros.sim.text.load import game


def main() -> None:
    """Measure the tasks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=registry.names("text_tasks"))
    parser.add_argument("--episodes", type=int, default=1000)
    arguments = parser.parse_args()
    for name in arguments.names:
        print(measure(name, arguments.episodes), flush=True)


def measure(name: str, number: int) -> str:
    """A line for a task: its data, and its anchors."""
    played = list(islice(game(name).episodes({}, 0), number))
    returns = np.array([episode.undiscounted_return for episode in played])
    won = np.mean([episode.info["success"] for episode in played])
    turns = np.mean([len(episode.turns) for episode in played])
    half = 1.96 * returns.std(ddof=1) / np.sqrt(number)
    return (
        f"{name}: data {returns.mean():.3f} +- {half:.3f} ({number} episodes, {won:.3f} succeed, {turns:.1f} turns); "
        f"{game(name).normalisation({})}"
    )


if __name__ == "__main__":
    main()
