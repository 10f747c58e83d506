"""From steps of text to gradient steps: episodes, pace, what was lived. Pure; ``text_learner`` runs it in a worker."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Protocol

from vlmrl_ros.core.checkpoint import LEARNER_FOLDER, LOOP_FOLDER
from vlmrl_ros.core.errors import CheckpointError, ConfigError, NonFiniteError, RangeError
from vlmrl_ros.core.interfaces import Learner
from vlmrl_ros.core.rate_limiter import RateLimiter
from vlmrl_ros.core.snapshot import Part, below, json_part
from vlmrl_ros.core.text_episode import TextEpisode
from vlmrl_ros.core.text_steps import SpokenChains, SpokenStep, episode_of

STATE_FILE = "text.json"
AHEAD = 64
"""Episodes that may begin before those learned from, where the learner learns from data alone."""
_REFUSED = (ConfigError, NonFiniteError, RangeError)


class TextLearner(Learner[TextEpisode], Protocol):
    """Learns from episodes of text."""

    @property
    def cloning(self) -> bool:
        """It still has to clone the data before it learns from what it says itself."""

    @property
    def wants(self) -> int | None:
        """Own episodes that it waits for before it learns from them; None: it learns from data alone."""


@dataclass(frozen=True)
class Lived:
    """One own episode.

    Attributes:
        steps: turns played when it ended, of all episodes.
        task_return: sum of its rewards.
        success: the task counts as done.
        version: of the weights at its first turn.
    """

    steps: int
    task_return: float
    success: bool
    version: int


class TextTraining:
    """Feeds one learner, episode by episode, and updates it at its pace.

    A learner that learns from data alone makes updates at a samples-per-insert limit, a turn that is played being an
    insert; its own episodes only show how well it does, as in LMRL-Gym. One that learns from what it says itself
    updates when it has as many own episodes as it takes.
    """

    def __init__(self, learner: TextLearner, samples_per_insert: float) -> None:
        """Begin with no step.

        Args:
            learner: the plug-in.
            samples_per_insert: passages drawn for each turn.
        """
        self.learner = learner
        self.chains = SpokenChains()
        self.log: list[Lived] = []
        self.newest_ns = -1
        """Stamp of the newest step, ns."""
        self.steps = self.updates = self.offline_updates = 0
        """Turns played; updates, and those of them before the first turn."""
        self.refused = 0
        """Episodes that the learner could not take: a character beyond its vocabulary, a text beyond its context."""
        self.refusal = ""
        """Why the first of them in this process was refused; empty where none was."""
        buffer = max(samples_per_insert, float(learner.samples_per_update))
        self._limiter = RateLimiter(samples_per_insert, min_size_to_sample=1, error_buffer=buffer)
        self.metrics: Mapping[str, float] = {}
        """Of the newest update."""

    def give(self, episodes: Iterable[TextEpisode]) -> None:
        """Give the learner what others have lived.

        Raises:
            ConfigError, NonFiniteError, RangeError: an episode that it cannot take.
        """
        for episode in episodes:
            self.learner.add(episode)

    def wanted(self, episodes: int) -> int:
        """Number of the first episode that must not begin yet, where a run is to have so many."""
        ended = len(self.log) + self.chains.broken
        wants = self.learner.wants
        return min(ended + (AHEAD if wants is None else wants), episodes + self.chains.broken)

    def pretrain(self) -> None:
        """One update from what the learner was given."""
        self._update()
        self.offline_updates += 1

    def digest(self, step: SpokenStep, go_on: Callable[[], bool] = lambda: True) -> Lived | None:
        """Learn from the next step; its episode counts when it is whole.

        Args:
            step: of any episode that is under way.
            go_on: asked before each update; on False the rest stays due for later.

        Returns:
            what was lived, where the step ends an episode.
        """
        self.newest_ns = max(self.newest_ns, step.stamp_ns)
        whole = self.chains.append(step)
        episode = None if whole is None else episode_of(whole, {"success": whole[-1].feedback.success})
        if whole is None or episode is None:
            return None
        self.steps += len(episode.turns)
        version, success = whole[0].feedback.weights_version, whole[-1].feedback.success
        lived = Lived(self.steps, episode.undiscounted_return, success, version)
        self.log.append(lived)
        self._learn(episode, go_on)
        return lived

    def _learn(self, episode: TextEpisode, go_on: Callable[[], bool]) -> None:
        learner = self.learner
        if learner.wants is None:
            self._limiter.insert(len(episode.turns))
            while self._limiter.may_sample(learner.samples_per_update) and go_on():
                self._update()
                self._limiter.sample(learner.samples_per_update)
            return
        try:
            learner.add(episode)
        except _REFUSED as error:
            self.refused += 1
            self.refusal = self.refusal or str(error)
        while learner.ready and go_on():
            self._update()

    def _update(self) -> None:
        self.metrics = self.learner.update()
        self.updates += 1

    def snapshot(self) -> dict[str, Part]:
        """Everything that decides how training goes on, as parts of a checkpoint; episodes under way are left out."""
        plain = {
            **{name: getattr(self, name) for name in ("newest_ns", "steps", "updates", "offline_updates", "refused")},
            "inserts": self._limiter.inserts,
            "samples": self._limiter.samples,
            "newest": self.chains.newest,
            "broken": self.chains.broken + self.chains.open,
            "metrics": dict(self.metrics),
            "log": [astuple(lived) for lived in self.log],
        }
        return state_parts(plain, self.learner.snapshot())

    def restore(self, checkpoint: Path) -> None:
        """Go on from the files of a :meth:`snapshot`.

        Raises:
            CheckpointError: missing or damaged files, or another learner's.
        """
        with state_in(checkpoint) as plain:
            for name in ("newest_ns", "steps", "updates", "offline_updates", "refused"):
                setattr(self, name, int(plain[name]))
            self._limiter.inserts, self._limiter.samples = int(plain["inserts"]), int(plain["samples"])
            self.chains.newest, self.chains.broken = int(plain["newest"]), int(plain["broken"])
            self.metrics = dict(plain["metrics"])
            self.log = [Lived(*row) for row in plain["log"]]
        self.learner.restore(checkpoint / LEARNER_FOLDER)


def state_parts(plain: Mapping[str, Any], learner_parts: Mapping[str, Part]) -> dict[str, Part]:
    """Parts of a checkpoint: how far a training is, in plain values, and its learner."""
    own = below(LOOP_FOLDER, {STATE_FILE: json_part(plain)})
    return {**own, **below(LEARNER_FOLDER, learner_parts)}


@contextmanager
def state_in(checkpoint: Path) -> Iterator[dict[str, Any]]:
    """The plain values of :func:`state_parts`, for whoever takes them.

    Raises:
        CheckpointError: they are missing, or are not what is taken from them.
    """
    path = checkpoint / LOOP_FOLDER / STATE_FILE
    try:
        yield json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"no usable state of training in {path}: {error}") from error
