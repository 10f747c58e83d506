"""What a policy that answers in words is asked of a task, and the words that it may answer."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.prompts import answer, around_instruction, prompt, system_prompt
from vlmrl_ros.core.skills import skills
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.core.thinker import Question
from vlmrl_ros.core.vocabulary import MovesConfig, Vocabulary, moves


@dataclass(frozen=True)
class AskingConfig(MovesConfig):
    """Options of the words and of the prompt; whoever learns from what another one says has to be asked alike."""

    words: str = option(
        "moves",
        "moves: directions, gripper, wait; skills: pick and place at the places of the table",
        choices=("moves", "skills"),
    )
    description: str = option("", "what else the model is told in each prompt")
    instruction: str = option(
        "", "what to do until topic instruction says something else, or says nothing; empty: the name of the task"
    )
    images_first: bool = option(
        False, "pictures stand before the text, as some models were taught; after it a prompt is read once only"
    )
    thoughts: bool = option(True, "answers begin with thoughts")


class Asking:
    """The prompt of each observation, and the words."""

    def __init__(self, spec: TaskSpec, config: AskingConfig) -> None:
        """Find the words.

        Raises:
            ConfigError: the task has no camera or no words.
        """
        if not spec.cameras:
            raise ConfigError(
                f"a policy that answers in words needs a camera; task '{spec.task}' has none, or they are off: "
                "observation:=pixels or both shows the cameras of a simulated task"
            )
        self._cameras = [camera.name for camera in spec.cameras]
        self._images_first = config.images_first
        self._instruction = config.instruction or spec.task
        self.vocabulary: Vocabulary = skills(spec) if config.words == "skills" else moves(spec, config)
        self.words = tuple(self.vocabulary)
        self._around = around_instruction(system_prompt(self.words, config.description), config.thoughts)

    def observation(self, question: Question) -> TextObservation:
        """What is shown of a question."""
        pictures = tuple(question.observation[name] for name in self._cameras)
        return TextObservation(self.prompt(question.instruction), pictures)

    def prompt(self, instruction: str) -> str:
        """What is asked."""
        return prompt(self._around, self.told(instruction), len(self._cameras), self._images_first)

    def told(self, instruction: str) -> str:
        """An instruction; where nobody has given one, that of the options."""
        return instruction.strip() or self._instruction

    def examples(self) -> list[str]:
        """A prompt and the answers of each word, for a vocabulary of tokens."""
        return [self.prompt(""), *(answer("I see it.", word) for word in self.words)]
