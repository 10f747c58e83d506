"""The newest whole episode of a policy that thinks, as a picture: what it saw, thought and did."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.evaluation.story import Scene, plot_story

MOST_SCENES = 12
"""Of a longer episode the last ones are shown."""
LATIN_ENDS = "\u0250"
"""Of what a model says that has not been taught there are signs that no font has."""


class Tale:
    """Remembers the turns of the newest episode of any arm that has ended."""

    def __init__(self) -> None:
        """Begin with no episode."""
        self._open: dict[int, list[Turn]] = defaultdict(list)
        self._newest: list[Turn] = []

    def see(self, turn: Turn) -> None:
        """Take the next turn of its arm."""
        turns = self._open[turn.arm]
        turns.append(turn)
        if turn.last:
            self._newest = self._open.pop(turn.arm)

    def draw(self, path: Path) -> None:
        """Write the picture; nothing where no episode has ended.

        Raises:
            OSError: it cannot be written.
        """
        if not self._newest:
            return
        turns = self._newest[-MOST_SCENES:]
        scenes = [Scene(turn.observation.images[0], _thought(turn), _action(turn)) for turn in turns]
        last = turns[-1]
        end = Scene(last.after.images[0], "", "the end" if last.terminated else "cut off")
        path.parent.mkdir(parents=True, exist_ok=True)
        plot_story(path, _title(last), [*scenes, end])


def _thought(turn: Turn) -> str:
    text = turn.utterance.text[slice(*turn.said.thought)].removeprefix('{"thoughts": ').strip('", ')
    return "".join(sign if sign.isprintable() and sign < LATIN_ENDS else "\N{MIDDLE DOT}" for sign in text)


def _action(turn: Turn) -> str:
    named = turn.said.action or "nothing that it can do"
    return f"{named} (a person took over)" if turn.reward < 0 else named


def _title(turn: Turn) -> str:
    """The instruction in the prompt."""
    _, _, rest = turn.observation.text.partition("The task: ")
    return rest.partition(". Answer")[0] or turn.observation.text[:60]
