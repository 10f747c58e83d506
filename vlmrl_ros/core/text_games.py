"""Several games of one text task in lockstep: a tick shows each game's text, and carries out what was said to all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from vlmrl_ros.core.errors import NonFiniteError
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.text import Answer, TextStep, TextTask
from vlmrl_ros.core.text_episode import END
from vlmrl_ros.core.text_steps import STEP_NS
from vlmrl_ros.core.types import Feedback

MOST_SAID = 1000
"""Characters of an utterance that are carried out; no task reads more of one."""


@dataclass(frozen=True)
class TextArrival:
    """What a game shows at one step.

    Attributes:
        stamp_ns: key of the step, ns.
        text: the whole prompt.
        feedback: outcome of arriving here.
    """

    stamp_ns: int
    text: str
    feedback: Feedback


class _Game:
    def __init__(self, task: TextTask) -> None:
        self.task = task
        self.episode = self.number = -1
        self.newest: TextStep | None = None
        """What the last utterance led to; None at the first step of an episode."""
        self.over = True

    def begin(self, episode: int, seed: int) -> None:
        self.episode, self.number, self.newest, self.over = episode, 0, None, False
        self.text = self.task.reset(int(stream(seed, "text episode", episode).integers(2**31))).text

    def say(self, text: str, cut: bool) -> None:
        step = self.task.step(text)
        if not math.isfinite(step.reward):
            raise NonFiniteError(f"reward of {text[:80]!r} is {step.reward}; valid: finite ones")
        self.newest, self.text, self.number = step, step.observation.text, self.number + 1
        self.cut = cut and not step.last

    def feedback(self, version: int) -> Feedback:
        step = self.newest
        if step is None:
            return Feedback(0.0, False, False, False, self.episode, 0, version)
        ends = (step.terminated, step.truncated or self.cut)
        success = step.last and bool(step.info.get("success", False))
        return Feedback(step.reward, *ends, success, self.episode, self.number, version)


class TextGames:
    """Who plays is dealt an episode at a time; their numbers count all games together."""

    def __init__(self, tasks: Sequence[TextTask], seed: int) -> None:
        """Begin with no episode.

        Args:
            tasks: one for each game.
            seed: episode n draws its own from (seed, n), whichever game it falls to.
        """
        self._games = [_Game(task) for task in tasks]
        self._seed = seed
        self._next_ns, self._episode = STEP_NS, 0
        self._asked: dict[int, tuple[_Game, TextArrival]] = {}
        self._said: dict[int, Answer] = {}
        self._ended: list[int] = []
        self._cut = False

    def go_on(self, stamp_ns: int, episode: int) -> None:
        """Let the next tick have a given stamp, ns, and the next episode a given number."""
        self._next_ns, self._episode = stamp_ns, episode

    @property
    def stamp_ns(self) -> int:
        """Stamp of the next tick, ns."""
        return self._next_ns

    @property
    def asked(self) -> bool:
        """A tick was shown that has not been carried out."""
        return bool(self._asked or self._ended)

    @property
    def waiting(self) -> list[TextArrival]:
        """What was shown and not answered yet."""
        return [arrival for stamp, (_, arrival) in self._asked.items() if stamp not in self._said]

    def arrive(self, wanted: int, version: int) -> list[TextArrival]:
        """The next tick; every game that has ended begins anew, as long as more episodes are wanted.

        What is no last step of its episode has then to be answered.

        Args:
            wanted: number of the episode that must not begin.
            version: of the weights, which each step bears.

        Returns:
            what the games show, in order of stamp; none where all have ended and no more is wanted.
        """
        shown: list[TextArrival] = []
        for index, game in enumerate(self._games):
            if game.over and self._episode < wanted:
                game.begin(self._episode, self._seed)
                self._episode += 1
            if game.over:
                continue
            arrival = TextArrival(self._next_ns + index, game.text, game.feedback(version))
            shown.append(arrival)
            if arrival.feedback.last:
                game.over = True
                self._ended.append(arrival.stamp_ns)
            else:
                self._asked[arrival.stamp_ns] = game, arrival
        self._next_ns += STEP_NS if shown else 0
        return shown

    def hear(self, stamp_ns: int, answer: Answer) -> bool:
        """Take the answer to what was shown with a stamp, ns; False where none is wanted, or another came before."""
        if stamp_ns not in self._asked or stamp_ns in self._said:
            return False
        said = answer.within(MOST_SAID)
        self._said[stamp_ns] = said if said.text else replace(said, text=END)
        return True

    def cut(self) -> None:
        """Have every game that waits for an answer end with its next step, truncated."""
        self._cut = bool(self._asked)

    def carry_out(self) -> list[tuple[int, Answer]]:
        """Carry out all answers, once none is missing.

        Returns:
            stamp in ns and what was carried out, of every game of the tick in order of stamp; nothing was said where
            an episode has ended.

        Raises:
            NonFiniteError: a reward that is none.
        """
        for stamp, (game, _) in self._asked.items():
            game.say(self._said[stamp].text, self._cut)
        done = sorted([*self._said.items(), *((stamp, Answer("")) for stamp in self._ended)])
        self._asked, self._said, self._ended, self._cut = {}, {}, [], False
        return done
