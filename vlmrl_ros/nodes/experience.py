"""What a learner plug-in takes, and how the steps of the loop become that: one object for each kind of experience."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from vlmrl_ros.core import registry
from vlmrl_ros.core.config import from_mapping, options
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.core.turns import Turns
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners import labels
from vlmrl_ros.policies.vlm.config import VlmConfig

if TYPE_CHECKING:
    from vlmrl_ros.core.spec import TaskSpec
    from vlmrl_ros.nodes.learner_config import LearnerConfig

SPEAKER = "vlm"
"""The policy that learners of turns teach; its options are given to the learner, too."""
REWARDS = {"takeovers": labels.takeover_reward, "task": labels.task_reward}
"""Option ``reward`` of a learner of turns to what a transition is worth; RLIF's for those that have no such option."""
SHARED = ("model", "lora_rank", "dtype", "quantisation", "temperature")
"""Options of a learner of turns that are those of its policy, unless they are given apart."""


class Experience(Protocol):
    """From transitions to what a learner takes."""

    spec: Any
    """What the learner's builder is told of the task."""
    policy_options: Mapping[str, Any]
    """Of the policy that the learner teaches, beside those that the learner sets for evaluations."""
    publishes_first: bool
    """The policy needs the learner's weights before the first update."""
    listens: bool
    """It is made of what the policy said, which no checkpoint holds."""

    def __call__(self, transition: Transition) -> Iterable[Any]:
        """Take a transition; returns the items that are complete with it."""

    def recall(self, transition: Transition) -> Iterable[Any]:
        """Take one of before the checkpoint; returns the items that this does not hold."""

    def published(self, version: int) -> None:
        """These weights are the newest that the policy can have."""

    def counts(self) -> Mapping[str, int]:
        """What became of the transitions, for ``summary.json``."""

    def resume(self, counts: Mapping[str, int]) -> None:
        """Go on from the :meth:`counts` of a checkpoint, whatever was taken or recalled up to now."""

    def line(self) -> str:
        """What happened last, for people; may be empty."""

    def picture(self, path: Path) -> None:
        """Leave a picture of the newest whole episode, where there is something to show."""


class AsLived:
    """The transitions themselves."""

    policy_options: Mapping[str, Any] = {}
    publishes_first = listens = False

    def __init__(self, spec: TaskSpec) -> None:
        """Take the task as the learner's builder is told of it."""
        self.spec = spec

    def __call__(self, transition: Transition) -> tuple[Transition]:
        return (transition,)

    def recall(self, transition: Transition) -> tuple[()]:
        return ()  # the checkpoint holds them

    def published(self, version: int) -> None:
        """Transitions of all versions are welcome."""

    def counts(self) -> Mapping[str, int]:
        return {}

    def resume(self, counts: Mapping[str, int]) -> None:
        """There are none."""

    def line(self) -> str:
        return ""

    def picture(self, path: Path) -> None:
        """There is none."""


class AsSpoken:
    """The turns of a policy that thinks.

    A learner on-policy takes those alone that its newest published weights have said: what older ones said, which the
    policy still had, or what another process said that has none, is left out and counted.
    """

    publishes_first = listens = True

    def __init__(self, spec: TaskSpec, of_learner: Any, policy_options: Mapping[str, Any]) -> None:
        """Find out what may be said.

        Args:
            spec: of the task.
            of_learner: options of the learner.
            policy_options: of the policy, as they are given to the learner's node.

        Raises:
            ConfigError: a task without words or cameras; a bad option of the policy.
        """
        from vlmrl_ros.nodes.tale import Tale  # loads Matplotlib
        from vlmrl_ros.policies.vlm.teaching import text_spec  # loads torch

        self.policy_options = dict(policy_options)
        self.spec = text_spec(spec, policy_options)
        cameras = [camera.name for camera in spec.cameras]
        reward = REWARDS[getattr(of_learner, "reward", "takeovers")]
        self._turns = Turns(cameras, reward, from_mapping(VlmConfig, policy_options, SPEAKER).invalid)
        self._on_policy = is_on_policy(of_learner)
        self._version = 0
        self._given = self._stale = 0
        self._tale = Tale()

    def __call__(self, transition: Transition) -> list[Turn]:
        turns = self._turns(transition)
        for turn in turns:
            self._tale.see(turn)
        fresh = list(filter(self._is_fresh, turns))
        self._stale += len(turns) - len(fresh)
        self._given += len(fresh)
        return fresh

    def recall(self, transition: Transition) -> list[Turn]:
        return list(filter(self._is_fresh, self._turns(transition)))

    def _is_fresh(self, turn: Turn) -> bool:
        return turn.version == self._version or not self._on_policy

    def published(self, version: int) -> None:
        self._version = version

    def counts(self) -> Mapping[str, int]:
        return {"turns": self._given, "turns_of_other_weights": self._stale, "turns_of_unseen": self._turns.blind}

    def resume(self, counts: Mapping[str, int]) -> None:
        self._given, self._stale, self._turns.blind = (counts.get(name, 0) for name in self.counts())

    def line(self) -> str:
        return self._tale.line

    def picture(self, path: Path) -> None:
        self._tale.draw(path)


def is_on_policy(of_learner: Any) -> bool:
    """A learner without ``samples_per_insert`` learns whenever it is ready, from what its newest weights have said."""
    return not hasattr(of_learner, "samples_per_insert")


def listens(name: str) -> bool:
    """Whether a learner plug-in needs what the policy says.

    Raises:
        VlmrlError: it cannot be loaded, or does not learn from the steps of a loop.
    """
    experience = registry.load("learners", name).experience
    if experience in (Transition, Turn):
        return experience is Turn
    launched = {"Outcome": " (select.launch.py)", "TextEpisode": " (language_train.launch.py)"}
    takes = {other: registry.load("learners", other).experience for other in registry.names("learners")}
    valid = ", ".join(other for other, kind in takes.items() if kind in (Transition, Turn))
    what = f"{experience.__name__}{launched.get(experience.__name__, '')}"
    raise ConfigError(f"learner '{name}' learns from {what}, not from the steps of an arm; valid: {valid}")


def with_shared(config_type: type[Any], given: Mapping[str, Any], of_policy: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a learner of turns: those that it shares with its policy, and over them its own.

    Args:
        config_type: of the learner.
        given: of the learner, by name.
        of_policy: of the policy, by name.
    """
    shared = set(SHARED) & options(config_type).keys() & of_policy.keys()
    return {name: of_policy[name] for name in shared} | dict(given)


def check_together(config: LearnerConfig, of_learner: Any, listening: bool) -> None:
    """Refuse what does not go together.

    Args:
        config: of the learner's node.
        of_learner: options of its plug-in.
        listening: see :func:`listens`.

    Raises:
        ConfigError: a curriculum of turns, or a learner on-policy that is to learn from what others lived.
    """
    if listening and config.curriculum:
        raise ConfigError(f"curriculum is '{config.curriculum}', which goes with learners of transitions")
    bags = [*config.offline, *config.demonstrations]
    if is_on_policy(of_learner) and bags:
        raise ConfigError(
            f"learner '{config.learner}' learns from what its own weights say, not from bags {bags}; valid: learners "
            "with samples_per_insert"
        )
