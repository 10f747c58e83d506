"""Episodes of text tasks side by side, so that a language model answers many prompts at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from vlmrl_ros.core.errors import RangeError
from vlmrl_ros.core.text import Answer, TextPolicy, TextTask
from vlmrl_ros.core.text_episode import END, TextEpisode, TextTurn
from vlmrl_ros.core.text_spec import TextSpec

Speaker = Callable[[Sequence[str]], Sequence[Answer]]
"""Gives one answer to each prompt."""


def play(tasks: Sequence[TextTask], seeds: Sequence[int], answer: Speaker, policy: str) -> list[TextEpisode]:
    """One episode of each task, in lockstep.

    Args:
        tasks: each its own object.
        seeds: of the episodes.
        answer: who speaks; where it says nothing, that is recorded as a line end.
        policy: its name, for the records.
    """
    seen = [task.reset(seed).text for task, seed in zip(tasks, seeds, strict=True)]
    turns: list[list[TextTurn]] = [[] for _ in tasks]
    ends: dict[int, TextEpisode] = {}
    while going := [number for number in range(len(tasks)) if number not in ends]:
        for number, said in zip(going, answer([seen[number] for number in going]), strict=True):
            step = tasks[number].step(said.text)
            turns[number].append(TextTurn(seen[number], said.text or END, step.reward, said.token_ids))
            seen[number] = step.observation.text
            if step.last:
                info = {"seed": seeds[number], "success": bool(step.info["success"]), "policy": policy}
                ends[number] = TextEpisode(tuple(turns[number]), step.terminated, info, seen[number])
    return [ends[number] for number in range(len(tasks))]


def answers(
    policy: TextPolicy,
    prompts: Sequence[str],
    rng: np.random.Generator,
    unread: Callable[[RangeError], None] = lambda error: None,
) -> list[Answer]:
    """One answer to each prompt; a line end to one that the policy cannot read: it says nothing, and the game goes on.

    Args:
        policy: who speaks.
        prompts: one or more.
        rng: of the draws; where a prompt is not read, each of the others draws for itself.
        unread: is told of each prompt beyond the context or the vocabulary.
    """
    try:
        return policy.answer(prompts, rng)
    except RangeError as error:
        if len(prompts) == 1:
            unread(error)
            return [Answer(END)]
    return [one for prompt in prompts for one in answers(policy, [prompt], rng, unread)]


def spec_of(name: str, task: TextTask, data: Sequence[TextEpisode]) -> TextSpec:
    """What learners are told of a task: the texts of its data, and those of an episode in which nothing is said.

    Data hardly show how the rules answer nonsense, and models have to read it.

    Args:
        name: of the task.
        task: plays that one episode.
        data: what there is to learn from.
    """
    silent = play([task], [0], lambda prompts: [Answer(END)] * len(prompts), "nobody")
    return TextSpec.of(name, (*data, *silent))
