"""The newest whole episode of a policy that thinks, as a picture: what it saw, thought and did."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from vlmrl_ros.core.spoken import readable
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.evaluation.story import Scene, plot_story

LINE = 80
"""Characters of a thought in a line."""
MOST_SCENES = 12
"""Of a longer episode the last ones are shown."""


class Tale:
    """Remembers the turns of the newest episode of any arm that has ended."""

    def __init__(self) -> None:
        """Begin with no episode."""
        self._open: dict[int, list[Turn]] = defaultdict(list)
        self._newest: list[Turn] = []
        self._line = ""

    @property
    def line(self) -> str:
        """What was thought and done last, in one line; empty before that."""
        return self._line

    def see(self, turn: Turn) -> None:
        """Take the next turn of its arm."""
        turns = self._open[turn.arm]
        turns.append(turn)
        self._line = " \N{RIGHTWARDS ARROW} ".join(readable(turn.utterance, turn.said, LINE))
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
        last = turns[-1]
        end = Scene(last.after.images[0], "", "done" if last.success else "not done")
        path.parent.mkdir(parents=True, exist_ok=True)
        plot_story(path, _title(last), [*map(_scene, turns), end])


def _scene(turn: Turn) -> Scene:
    thought, action = readable(turn.utterance, turn.said)
    return Scene(turn.observation.images[0], thought, f"{action} (a person took over)" if turn.taken_over else action)


def _title(turn: Turn) -> str:
    """The instruction in the prompt."""
    _, _, rest = turn.observation.text.partition("The task: ")
    return rest.partition(". Answer")[0] or turn.observation.text[:60]
