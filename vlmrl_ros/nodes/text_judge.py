"""The evaluation of a learner of text: fresh episodes, drawn from its tokens as it was taught and by the likeliest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.text import Answer
from vlmrl_ros.core.text_episode import TextEpisode, TextGame
from vlmrl_ros.nodes.text_play import answers, play
from vlmrl_ros.policies.language.policy import build

DECODINGS: Mapping[str, Mapping[str, Any]] = {"perturbed": {}, "greedy": {"temperature": 0.0}}
"""Ways to speak by name, as options of the policy: as the weights say, with Q where they have it; or without chance."""
AT_ONCE = 16
"""Games that are played side by side."""


class _StoppedError(Exception):
    """Nobody waits for the evaluation any more."""


def evaluate(
    game: TextGame,
    options: Mapping[str, Any],
    variables: Variables,
    decoding: str,
    episodes: int,
    seed: int,
    interrupted: Callable[[], bool],
) -> list[TextEpisode]:
    """Play fresh episodes.

    Args:
        game: the task plug-in.
        options: of the task.
        variables: of the policy.
        decoding: one of :data:`DECODINGS`.
        episodes: how many; the same ones for each decoding.
        seed: of the run.
        interrupted: asked at every turn; on True there are no more episodes.
    """
    policy = build(DECODINGS[decoding])
    policy.load(variables)
    rng, seeds = stream(seed, "text evaluation", 1), stream(seed, "text evaluation", 0).integers(2**31, size=episodes)

    def answer(prompts: Sequence[str]) -> list[Answer]:
        if interrupted():
            raise _StoppedError
        return answers(policy, prompts, rng)

    tasks = [game.build(options) for _ in range(min(AT_ONCE, episodes))]
    found: list[TextEpisode] = []
    try:
        for first in range(0, episodes, AT_ONCE):
            part = seeds[first : first + AT_ONCE].tolist()
            found += play(tasks[: len(part)], part, answer, decoding)
    except _StoppedError:
        pass
    finally:
        for task in tasks:
            task.close()
    return found
