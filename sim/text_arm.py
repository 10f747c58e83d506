"""An arm task that is done by what one says: a picture and an instruction go out, words come in and become motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dm_env
import numpy as np

from vlmrl_ros.core.config import option
from vlmrl_ros.core.errors import ConfigError, UnknownNameError
from vlmrl_ros.core.invalid import NO_OP, carried_out, ends, invalid_option, penalty
from vlmrl_ros.core.prompts import around_instruction, prompt, system_prompt
from vlmrl_ros.core.skills import skills
from vlmrl_ros.core.text import TextObservation, TextStep, require_running
from vlmrl_ros.core.text_action import read_action
from vlmrl_ros.core.vocabulary import MovesConfig, Vocabulary, moves
from vlmrl_ros.sim.task import ArmTask


@dataclass(frozen=True)
class TextArmConfig(MovesConfig):
    """Options of an arm task in words."""

    words: str = option(
        "moves",
        "moves: directions, gripper, wait; skills: pick and place at the places of the table",
        choices=("moves", "skills"),
    )
    thoughts: bool = option(True, "answers begin with thoughts, before the action")
    invalid: str = invalid_option(NO_OP)
    cameras: tuple[str, ...] = option(("top",), "views that are shown, as the task calls them")
    image_size: int = option(64, "height and width of each", unit="px", low=16, high=1080)
    max_turns: int = option(40, "utterances of an episode, at which it is truncated", low=1, high=100_000)


class TextArm:
    """A :class:`~vlmrl_ros.core.text.TextTask`: reward 1 at success, which ends the episode, 0 before.

    Where a text names no action, ``no-op`` is a control step in which the arm rests.
    """

    def __init__(self, task: ArmTask, instruction: str = "", config: TextArmConfig | None = None) -> None:
        """Take a task; it is closed with this.

        Args:
            task: whatever it observes; the pictures are made here, one when it is asked and not at every control step.
            instruction: what is to be done, where the task does not say so itself.
            config: options.

        Raises:
            ConfigError: no instruction, or words that the task cannot carry out.
            UnknownNameError: no such camera.
        """
        self.config = config or TextArmConfig()
        self.task = task
        for camera in self.config.cameras:
            if camera not in task.views:
                raise UnknownNameError("camera", camera, task.views)
        if not (instruction or hasattr(task, "instruction")):
            raise ConfigError(f"task '{task.spec.task}' does not say what is to be done; give an instruction")
        self._instruction = instruction
        self._vocabulary: Vocabulary = (
            skills(task.spec) if self.config.words == "skills" else moves(task.spec, self.config)
        )
        self.legal_actions: Sequence[str] = tuple(self._vocabulary)
        self.system_prompt = system_prompt(self.legal_actions)
        self.around = around_instruction(self.system_prompt, self.config.thoughts)
        """What stands before and after the instruction."""
        self._over = True

    @property
    def instruction(self) -> str:
        """What is to be done in this episode."""
        return self._instruction or str(getattr(self.task, "instruction", ""))

    def reset(self, seed: int) -> TextObservation:
        """Begin an episode drawn from a seed."""
        self._turns, self._over = 0, False
        self._rng = np.random.default_rng([seed, 1])
        self._arrived = self.task.reset(np.random.default_rng(seed))
        return self.observe()

    def step(self, text: str) -> TextStep:
        """Carry out what a text says, to the end of the motion, of the episode, or to success.

        Raises:
            RuntimeError: the episode has ended.
        """
        require_running(self._over)
        said, invalid = read_action(text, self.legal_actions), self.config.invalid
        word, over = carried_out(said, invalid, self.legal_actions, self._rng), ends(said, invalid)
        if word is not None:
            self._carry_out(word)
        elif not over:
            self._arrived = self.task.step(np.zeros(self.task.spec.action.size, np.float32))
        self._turns += 1
        success = self.task.success
        terminated = success or over
        truncated = not terminated and (self._arrived.last() or self._turns >= self.config.max_turns)
        self._over = terminated or truncated
        info: dict[str, Any] = {"action": word, "valid": said.valid, "anchor": self._anchor()}
        if self._over:
            info["success"] = success
        return TextStep(self.observe(), success + penalty(said, invalid), terminated, truncated, info)

    def observe(self) -> TextObservation:
        """What is seen and asked now."""
        size = self.config.image_size
        images = tuple(self.task.render(camera, size, size) for camera in self.config.cameras)
        return TextObservation(prompt(self.around, self.instruction, len(images)), images)

    def close(self) -> None:
        """Free the task."""
        self.task.close()

    def _carry_out(self, word: str) -> None:
        drive = self._vocabulary[word].begin()
        while not (self._over_in_task or self.task.success):
            action = drive(self._arrived.observation["state"])
            if action is None:
                return
            self._arrived = self.task.step(action)

    @property
    def _over_in_task(self) -> bool:
        return bool(self._arrived.step_type == dm_env.StepType.LAST)

    def _anchor(self) -> tuple[str, ...]:
        """Instruction and scene to the centimetre: what counts as the same state."""
        return (self.instruction, *(f"{name} {value:.2f}" for name, value in self.task.scene().items()))
