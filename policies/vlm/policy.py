"""The policy ``vlm``: a vision-language model that sees the cameras, thinks in words and names an action."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from vlmrl_ros.core.asking import Asking
from vlmrl_ros.core.config import from_mapping, to_mapping
from vlmrl_ros.core.errors import ConfigError, RangeError, VlmrlError
from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.invalid import carried_out, ends
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.spoken import Utterance, told
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.core.text_action import read_action
from vlmrl_ros.core.thinker import Decision, MotionByMotion, Question
from vlmrl_ros.policies.vlm.asking import marks
from vlmrl_ros.policies.vlm.config import VlmConfig
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.loading import load_model, with_adapter, with_new_adapter
from vlmrl_ros.policies.vlm.memory import tells_of_short_memory
from vlmrl_ros.policies.vlm.weights import fitting, parameters

_WHOSE = "the policy has vlm.model '{}', the learner another model; set vlm.* under /**, where both read it"


class VlmPolicy(MotionByMotion):
    """A :class:`~vlmrl_ros.core.thinker.Thinker`."""

    def __init__(self, spec: TaskSpec, config: VlmConfig, model: Any, processor: Any) -> None:
        """Take a model.

        Args:
            spec: of the task.
            config: options.
            model: of ``AutoModelForImageTextToText``, in evaluation mode; may have a LoRA adapter.
            processor: of the model.

        Raises:
            ConfigError: the task has no camera or no words, or what the model is told has marks in it.
        """
        super().__init__(spec)
        self.options: Mapping[str, Any] = to_mapping(config)
        self._config = config
        self.asking = Asking(spec, config)
        self.model, self.processor = model, processor
        self._marks = marks(processor)
        for name in ("description", "instruction"):
            if found := self._marks_in(self.options[name]):
                raise ConfigError(f"{name} holds {found}, which this model does not take for text; valid: plain words")
        self._decoder = Decoder(model, processor, config.max_new_tokens)
        self._busy = threading.Lock()

    def think(self, questions: Sequence[Question]) -> list[Decision]:
        """Answer questions; of one alone that cannot be read, or that memory is short for, say why it is not."""
        try:
            return self._think(questions)
        except (VlmrlError, MemoryError, RuntimeError) as error:
            if len(questions) > 1 or not (isinstance(error, VlmrlError) or tells_of_short_memory(error)):
                raise
            return [Decision(None, {"error": str(error)})]

    def load(self, variables: Variables) -> None:
        """Take new weights, see :func:`~vlmrl_ros.policies.vlm.weights.parameters`.

        Raises:
            CheckpointError: they do not fit; the old weights stay in force.
        """
        self.take(self.prepare(variables))

    def prepare(self, variables: Variables) -> Any:
        new = fitting(self.model, variables, _WHOSE.format(self._config.model))
        mine = parameters(self.model)
        return new, self._decoder.prepare({id(mine[name]): value for name, value in new.items()})

    def take(self, prepared: Any) -> None:
        new, packed = prepared
        mine = parameters(self.model)
        with self._busy:
            for name, value in new.items():
                mine[name].data = value
            self._decoder.take(packed)

    def _think(self, questions: Sequence[Question]) -> list[Decision]:
        asked = [self._asked(question) for question in questions]
        with self._busy:
            said = self._decoder.decode(asked, self._config.temperature, [question.rng for question in questions])
        return [self._decision(*row) for row in zip(questions, asked, said, strict=True)]

    def _asked(self, question: Question) -> TextObservation:
        """What the model is shown of a question.

        Raises:
            RangeError: its instruction would be taken for something else than text.
        """
        if found := self._marks_in(question.instruction):
            raise RangeError(
                f"an instruction holds {found}, which this model does not take for text; valid: plain words"
            )
        return self.asking.observation(question)

    def _marks_in(self, text: str) -> list[str]:
        return sorted(mark for mark in self._marks if mark in text)

    def _decision(self, question: Question, asked: TextObservation, said: Utterance) -> Decision:
        """Read an answer."""
        read, invalid = read_action(said.text, self.asking.words), self._config.invalid
        word = carried_out(read, invalid, self.asking.words, question.rng)
        motion = self.asking.vocabulary[word] if word is not None else None
        return Decision(motion, told(asked.text, said, read, word), ends(read, invalid))


def build(spec: TaskSpec, config: Mapping[str, Any]) -> VlmPolicy:
    """Entry point of the policy plug-in ``vlm``.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a bad value, no such model, or a task without a camera.
        CheckpointError: an adapter that is missing or does not fit.
    """
    options = from_mapping(VlmConfig, config, "vlm")
    if options.adapter and options.lora_rank:
        raise ConfigError(f"lora_rank is {options.lora_rank} beside adapter '{options.adapter}'; valid: one of them")
    texts = Asking(spec, options).examples()
    model, processor = load_model(
        options.model, options.dtype, options.device, texts, options.seed, options.quantisation
    )
    if options.adapter:
        model = with_adapter(model, options.adapter)
    elif options.lora_rank:
        model = with_new_adapter(model, options.lora_rank)
    return VlmPolicy(spec, options, model, processor)
