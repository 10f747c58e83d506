"""The arm by dialogue: a scripted person says what is to be done and what they see; the answer is the next skill."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping, option
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.invalid import NO_OP
from vlmrl_ros.core.prompts import answer
from vlmrl_ros.core.text import TextStep
from vlmrl_ros.core.text_episode import END, Normalisation, TextEpisode
from vlmrl_ros.sim.load import build as build_task
from vlmrl_ros.sim.operators.words import by_skills
from vlmrl_ros.sim.tasks.tabletop.goals import COMBINATIONS
from vlmrl_ros.sim.text.rollout import mixture
from vlmrl_ros.sim.text.rules import Reply, RulesTask
from vlmrl_ros.sim.text_arm import TextArm, TextArmConfig

SKILL_REWARD = -1.0
LONGEST_SKILL_STEPS = 200
"""Control steps, so that the arm's own horizon never ends an episode before the dialogue's."""
BEST = SKILL_REWARD
"""A pick, and a place that ends it."""
RIGHT = 0.5
"""Data: share of skills that the person would say; the others are any."""


@dataclass(frozen=True)
class DialogueConfig:
    """Options of ``tabletop_dialogue``."""

    max_turns: int = option(8, "skills of an episode, after which it is truncated", low=2, high=1000)
    combinations: str = option(
        "seen",
        "what is asked for: seen: what may be trained on; unseen: colours and shapes that are never asked for together "
        "there; all",
        choices=COMBINATIONS,
    )


MEASURED, DATA_AVERAGE = DialogueConfig(), -4.19
"""Average of the data, measured over 400 episodes: -4.19 +- 0.29. Chance drops things where no skill gets at them."""


class Dialogue:
    """-1 for each skill, and for what is none, that does not end with the thing where the person wants it; 0 for that.

    A simulated arm carries the skills out; the person sees what has come of them, slips and wrong places too.
    """

    remembers = False  # what the person says is complete in itself
    system_prompt = (
        "You drive a robot arm by whole motions. A person says what is to be done and what they see. Say one of the "
        "motions, like 'pick near left' or 'place far right'."
    )

    def __init__(self, config: DialogueConfig) -> None:
        self._config = config
        horizon = LONGEST_SKILL_STEPS * config.max_turns
        options = {"observation": "state", "combinations": config.combinations, "horizon": horizon}
        words = TextArmConfig(words="skills", invalid=NO_OP, thoughts=False, cameras=(), max_turns=config.max_turns)
        self._arm = TextArm(build_task("tabletop", options), config=words)
        self.legal_actions: Sequence[str] = tuple(self._arm.legal_actions)
        self._dice: np.random.Generator | None = None

    def reset(self, rng: np.random.Generator) -> str:
        """Lay the table and ask."""
        self._dice, self._said = copy.deepcopy(rng), list[str]()
        self._arm.reset(int(rng.integers(2**31)))
        return self._words()

    def say(self, text: str) -> Reply:
        """Carry a skill out; what is none passes a moment."""
        legal = text in self.legal_actions
        self._said.append(text)
        step: TextStep = self._arm.step(answer(None, text) if legal else "")
        reward = 0.0 if step.terminated else SKILL_REWARD
        action = text if legal else None
        return Reply(self._words(), reward, action, step.terminated, step.truncated, success=step.terminated)

    @property
    def state(self) -> Hashable:
        """What the person says."""
        return self._words()

    def right(self) -> str:
        """What the person would have done next."""
        return by_skills(self._arm.task).action  # type: ignore[arg-type]

    def _words(self) -> str:
        return f"{self._arm.instruction}; {by_skills(self._arm.task).thoughts}{END}"  # type: ignore[arg-type]

    def __deepcopy__(self, memo: dict[int, Any]) -> Dialogue:
        """The same skills again, from the same beginning: a simulation cannot be copied, but it repeats."""
        twin = memo[id(self)] = Dialogue(self._config)
        if self._dice is not None:
            twin.reset(copy.deepcopy(self._dice))
            for text in self._said:
                twin.say(text)
        return twin


def sometimes_right(rules: Dialogue, rng: np.random.Generator) -> str:
    """One who says what the person would, or anything."""
    if rng.random() < RIGHT:
        return rules.right()
    return rules.legal_actions[int(rng.integers(len(rules.legal_actions)))]


def build(options: Mapping[str, Any]) -> RulesTask[Dialogue]:
    """The task."""
    return RulesTask(Dialogue(from_mapping(DialogueConfig, options, "tabletop_dialogue")))


def episodes(options: Mapping[str, Any], seed: int) -> Iterator[TextEpisode]:
    """Dialogues in which the right skill is said now and then."""
    return mixture(build(options), lambda rng: ("sometimes right", sometimes_right), seed)


def normalisation(options: Mapping[str, Any]) -> Normalisation:
    """No success, the average of the data, and a pick and a place.

    Raises:
        ConfigError: another length of episodes than that for which the average was measured.
    """
    config = from_mapping(DialogueConfig, options, "tabletop_dialogue")
    if config.max_turns != MEASURED.max_turns:
        raise ConfigError(
            f"tabletop_dialogue.max_turns is {config.max_turns}; scores are known for {MEASURED.max_turns} alone"
        )
    return Normalisation(config.max_turns * SKILL_REWARD, DATA_AVERAGE, BEST)
