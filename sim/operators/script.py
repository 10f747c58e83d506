"""The policy ``script``: says what to do next, with a thought, as the state shows it. For demonstrations in words.

It has no more than any policy has, observation and instruction; for the scene is for people alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.asking import Asking, AskingConfig
from vlmrl_ros.core.config import from_mapping, to_mapping
from vlmrl_ros.core.errors import ConfigError, VlmrlError
from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.prompts import answer
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.spoken import Utterance, told
from vlmrl_ros.core.text_action import read_action
from vlmrl_ros.core.thinker import Decision, MotionByMotion, Question
from vlmrl_ros.core.types import state_of
from vlmrl_ros.core.vocabulary import MovesConfig
from vlmrl_ros.sim.operators.operator import Scene
from vlmrl_ros.sim.operators.words import Said, Sight, next_skill, peg_by_moves, tabletop_by_moves
from vlmrl_ros.sim.tasks.tabletop.cell import half_width_m
from vlmrl_ros.sim.tasks.tabletop.goals import read_goal
from vlmrl_ros.sim.tasks.tabletop.layout import MIDDLE, way_m
from vlmrl_ros.sim.tasks.tabletop.task import AT_GOAL_M, holds

State = Mapping[str, float]
"""The state of an observation by name, SI units."""


@dataclass(frozen=True)
class Script:
    """What there is to say in a task, in one kind of words."""

    needs: tuple[str, ...]
    """Components of the state."""
    say: Callable[[State, str, MovesConfig], Said | None]
    """From the state and what is to be done; None once it is done and no word is for that."""


def _tabletop_by_skills(state: State, instruction: str, config: MovesConfig) -> Said | None:
    goal = read_goal(instruction)
    offset = np.array([state["thing_x"], state["thing_y"], state["thing_z"]])
    thing = np.array([state["tip_x"], state["tip_y"]]) + offset[:2]
    way = np.array([state["goal_x"], state["goal_y"]])
    place, held = thing + way, holds(state["thing_height"], float(np.linalg.norm(offset)))
    if not held and float(np.abs(way).max()) < AT_GOAL_M:
        return None
    return next_skill(goal, Sight(thing, place - way_m(MIDDLE, goal.relation), place, held))


def _tabletop_by_moves(state: State, instruction: str, config: MovesConfig) -> Said:
    scene: Scene = {
        **{f"tip_{axis}": -state[f"thing_{axis}"] for axis in "xyz"},
        **{f"goal_{axis}": -state[f"goal_{axis}"] for axis in "xy"},
        "height": state["thing_height"],
        "opening": state["opening"],
        "width": 2 * half_width_m(read_goal(instruction).thing),
    }
    return tabletop_by_moves(scene, instruction, config)


def _peg_by_moves(state: State, instruction: str, config: MovesConfig) -> Said:
    return peg_by_moves({f"tip_{axis}": -state[f"hole_{axis}"] for axis in "xyz"}, instruction, config)


_TABLE = ("thing_x", "thing_y", "thing_z", "goal_x", "goal_y", "thing_height", "tip_x", "tip_y", "opening")
SCRIPTS = {
    ("tabletop", "skills"): Script(_TABLE, _tabletop_by_skills),
    ("tabletop", "moves"): Script(_TABLE, _tabletop_by_moves),
    ("peg_insert", "moves"): Script(("hole_x", "hole_y", "hole_z"), _peg_by_moves),
}
"""By task and words."""


class ScriptPolicy(MotionByMotion):
    """A :class:`~vlmrl_ros.core.thinker.Thinker` that has nothing to learn."""

    def __init__(self, spec: TaskSpec, config: AskingConfig) -> None:
        """Find the script.

        Raises:
            ConfigError: there is none for these words in this task, or the state lacks what it needs.
        """
        super().__init__(spec)
        self.options: Mapping[str, Any] = to_mapping(config)
        self._config, self._names = config, spec.observation.names
        self._asking = Asking(spec, config)
        self._script = _script(spec, config.words)

    def think(self, questions: Sequence[Question]) -> list[Decision]:
        """Answer questions; one with an instruction that is not understood gets none."""
        return [self._decide(question) for question in questions]

    def load(self, variables: Variables) -> None:
        """Leave weights to the model that learns from what is said here."""

    def prepare(self, variables: Variables) -> Any:
        """See :meth:`load`."""

    def take(self, prepared: Any) -> None:
        """See :meth:`load`."""

    def _decide(self, question: Question) -> Decision:
        state = dict(zip(self._names, state_of(question.observation).tolist(), strict=True))
        try:
            said = self._script.say(state, self._asking.told(question.instruction), self._config)
        except VlmrlError as error:
            return Decision(None, {"error": str(error)})
        if said is None:
            return Decision(None, {"error": "nothing is left to be done"})
        text = answer(said.thoughts if self._config.thoughts else None, said.action)
        nothing = np.zeros(0, np.int64)
        utterance = Utterance(text, nothing, nothing, np.zeros(0, np.float32), True)
        asked, read = self._asking.observation(question).text, read_action(text, self._asking.words)
        return Decision(self._asking.vocabulary[said.action], told(asked, utterance, read, said.action))


def build(spec: TaskSpec, config: Mapping[str, Any]) -> ScriptPolicy:
    """Entry point of the policy plug-in ``script``.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a bad value, or a task without a camera or a script.
    """
    return ScriptPolicy(spec, from_mapping(AskingConfig, config, "script"))


def _script(spec: TaskSpec, words: str) -> Script:
    script = SCRIPTS.get((spec.task, words))
    if script is None:
        known = ", ".join(f"'{task}' by {of}" for task, of in SCRIPTS)
        raise ConfigError(f"policy 'script' has nothing to say in task '{spec.task}' by {words}; valid: {known}")
    missing = [name for name in script.needs if name not in spec.observation.names]
    if missing:
        raise ConfigError(
            f"policy 'script' needs {', '.join(missing)} in the state of '{spec.task}'; valid: observation both"
        )
    return script
