"""The shell of a learner of language: its model, the passages of all episodes, cloning, and checkpoints."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vlmrl_ros.core.errors import CheckpointError, ConfigError, NonFiniteError, RangeError
from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.snapshot import Part, json_part
from vlmrl_ros.core.text_episode import TextEpisode, TextTurn
from vlmrl_ros.core.text_spec import TextSpec
from vlmrl_ros.policies.language.critic import Critic
from vlmrl_ros.policies.language.gpt import Gpt, GptConfig
from vlmrl_ros.policies.language.losses import cloning_loss
from vlmrl_ros.policies.language.passages import Ints, PassageMemory, TokenBatch, passages_of
from vlmrl_ros.policies.language.policy import MODEL, variables_of
from vlmrl_ros.policies.language.speaking import Speaker
from vlmrl_ros.policies.language.tokenizer import Tokenizer
from vlmrl_ros.policies.language.trainee import Trainee, take_arrays
from vlmrl_ros.policies.learners.checkpoint import LearnerState
from vlmrl_ros.policies.learners.language.config import LanguageConfig
from vlmrl_ros.policies.networks.compute import keep_freed_memory, learner_compute, torch_generator

_EPISODES = "episodes.json"
Metrics = dict[str, Tensor]


class LanguageLearner(ABC):
    """Learns from episodes of text. Its subclass says what a gradient step is.

    Attributes:
        evaluation_options: none; the weights say how they speak.
        samples_per_update: passages that an update draws; a step over all of them counts as one.
        tokenizer: of the model.
        clone: the model that speaks; of learners of values the clone whose logits are shifted.
    """

    evaluation_options: Mapping[str, Any] = {}

    def __init__(
        self, name: str, spec: TextSpec, config: LanguageConfig, rng: np.random.Generator, discount: float = 1.0
    ) -> None:
        """Make the model.

        Args:
            name: of the plug-in; its checkpoints carry it.
            spec: of the task.
            config: options.
            rng: seeds weights and draws.
            discount: gamma of one action token, in the returns of passages.

        Raises:
            ConfigError: this is no task of text, or no such model.
        """
        if not isinstance(spec, TextSpec):
            raise ConfigError(
                f"learner '{name}' learns from episodes of text; it cannot learn '{getattr(spec, 'task', spec)}'"
            )
        keep_freed_memory()
        self._name, self._config, self._discount = name, config, discount
        self._generator = torch_generator(rng)
        self.tokenizer, model = _made(spec, config, self._generator)
        self.clone = Trainee(model, config.learning_rate, config.max_gradient)
        self._rng = np.random.default_rng(rng.integers(2**62))
        self._updates = self._steps = 0
        self.samples_per_update = max(1, config.batch_size) * config.updates
        self._forget()

    def _forget(self) -> None:
        self._episodes: list[TextEpisode] = []
        self._ends: list[int] = []
        self._memory = PassageMemory()

    def add(self, item: TextEpisode) -> None:
        """Keep an episode.

        Raises:
            ConfigError: it has no turn, or an action without a token.
            NonFiniteError: a reward that is NaN or infinite.
            RangeError: a character beyond the vocabulary, or a text beyond the context.
        """
        if not item.turns or not all(turn.action for turn in item.turns):
            raise ConfigError("an episode of text has one turn or more, and in each of them something is said")
        if not all(math.isfinite(turn.reward) for turn in item.turns):
            raise NonFiniteError(
                f"rewards of an episode are {[turn.reward for turn in item.turns]}; valid: finite ones"
            )
        self._keep(item)

    def _keep(self, item: TextEpisode) -> None:
        passages = passages_of(item, self.tokenizer, self._discount)
        longest, context = max(len(passage.ids) for passage in passages), self.clone.module.context
        if longest > context:
            raise RangeError(f"a text of an episode has {longest} tokens; {self._name}.context is {context}")
        for passage in passages:
            self._memory.add(passage)
        self._episodes.append(item)
        self._ends.append(len(self._memory))

    @property
    def ready(self) -> bool:
        """There is an episode."""
        return bool(self._episodes)

    @property
    def cloning(self) -> bool:
        """It still has to clone the data before it learns from what it says itself."""
        return False

    @property
    def wants(self) -> int | None:
        """Own episodes that it waits for before it learns from them; None: it learns from data alone."""
        return None

    def update(self) -> Mapping[str, float]:
        """``updates`` gradient steps; the metrics of the last one."""
        metrics: Metrics = {}
        with learner_compute():
            for _ in range(self._config.updates):
                metrics = self._step()
        return self._count(metrics)

    @property
    def _rate(self) -> float:
        """Share of the learning rate that is left."""
        steps = self._config.decay_steps
        return max(1.0 - self._steps / steps, 0.0) if steps else 1.0

    def _count(self, metrics: Mapping[str, Tensor | float]) -> Mapping[str, float]:
        self._updates += 1
        return {name: float(value) for name, value in metrics.items()} | {"updates": float(self._updates)}

    @abstractmethod
    def _step(self) -> Metrics:
        """One gradient step; returns metrics by name, float32 () each."""

    def _cloning_step(self, candidates: Ints | None = None) -> Metrics:
        """Raise the likelihood of what was said in passages, all of them or those of some numbers."""
        batch = self._drawn(candidates)
        loss = self._cloning_loss(batch)
        norm = self.clone.descend(loss, self._rate)
        self._steps += 1
        return {"cloning_loss": loss.detach(), "gradient_norm": norm}

    def _cloning_loss(self, batch: TokenBatch) -> Tensor:
        model = self.clone.module
        return cloning_loss(batch.spread(model.logits(batch.chosen(model))), batch.token, batch.weight)

    def _drawn(self, candidates: Ints | None = None) -> TokenBatch:
        size = self._config.batch_size
        if not size:
            return self._memory.whole(candidates)
        if candidates is None:
            return self._memory.batch(self._rng.integers(len(self._memory), size=size))
        return self._memory.batch(candidates[self._rng.integers(len(candidates), size=size)])

    def _best(self, share: float) -> Ints:
        """Numbers of the passages of the episodes with the highest returns, a share of all, one episode at least."""
        returns = np.array([episode.undiscounted_return for episode in self._episodes])
        best = np.argsort(-returns, kind="stable")[: max(1, round(share * len(returns)))]
        return self._passages_of(sorted(best.tolist()))

    def _passages_of(self, episodes: Sequence[int]) -> Ints:
        """Numbers of the passages of some episodes, one or more."""
        begins = [0, *self._ends]
        return np.concatenate([np.arange(begins[one], begins[one + 1]) for one in episodes])

    def start_from(self, variables: Variables) -> None:
        """Take over the weights of a learner that has cloned the same data with a model of the same size.

        Raises:
            CheckpointError: they do not fit.
        """
        take_arrays(self.clone.module, variables, MODEL)

    def variables(self) -> Variables:
        """Everything that a language policy needs; see :func:`vlmrl_ros.policies.language.policy.variables_of`."""
        critic, beta = self._critic()
        speaking = {"temperature": self._config.temperature, "most": self._config.answer_tokens}
        return variables_of(Speaker(self.tokenizer, self.clone.module, critic, beta, **speaking))

    def _critic(self) -> tuple[Critic | None, float]:
        """What shifts the words of the clone, and how much."""
        return None, 0.0

    def _tensors(self) -> dict[str, Tensor]:
        """All that training changes, live, by name."""
        return self.clone.tensors("clone")

    def _progress(self) -> dict[str, Any]:
        """Counters of the learner, fit for JSON."""
        return {"steps": self._steps}

    def _resume(self, progress: Mapping[str, Any]) -> None:
        self._steps = int(progress["steps"])

    def _state(self) -> LearnerState:
        return LearnerState(self._name, self._tensors(), {}, self._rng)

    def snapshot(self) -> dict[str, Part]:
        """Networks, optimisers, generator, counters and episodes."""
        plain = {"progress": self._progress(), "episodes": [plain_of(episode) for episode in self._episodes]}
        return {**self._state().snapshot(self._updates), _EPISODES: json_part(plain)}

    def restore(self, directory: Path) -> None:
        """Read what :meth:`snapshot` described; training then continues to the same bit.

        Raises:
            CheckpointError: missing or damaged files, or another learner's.
        """
        try:
            plain = json.loads((directory / _EPISODES).read_text(encoding="utf-8"))
            episodes = [episode_of(one) for one in plain["episodes"]]
            self._resume(plain["progress"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"no usable checkpoint of '{self._name}' in {directory}: {error}") from error
        self._updates = self._state().restore(directory)
        self._forget()
        for episode in episodes:
            self._keep(episode)


def _made(spec: TextSpec, config: LanguageConfig, generator: torch.Generator) -> tuple[Any, nn.Module]:
    """Tokenizer and model."""
    if config.model:
        from vlmrl_ros.policies.language.pretrained import load

        model, tokenizer = load(config.model)
        return tokenizer, model
    made = Tokenizer.of(config.tokenizer, spec.sample)
    sizes = GptConfig(**{f.name: getattr(config, f.name) for f in fields(GptConfig)})
    return made, Gpt(made.size, sizes, generator)


def plain_of(episode: TextEpisode) -> dict[str, Any]:
    """An episode, fit for JSON."""
    turns = [[turn.observation, turn.action, turn.reward, turn.token_ids] for turn in episode.turns]
    about = {"terminated": episode.terminated, "info": dict(episode.info), "final": episode.final}
    return {"turns": turns, **about}


def episode_of(plain: Mapping[str, Any]) -> TextEpisode:
    """The episode that :func:`plain_of` gave."""
    turns = tuple(
        TextTurn(str(seen), str(said), float(reward), tuple(int(token) for of in ids for token in of))
        for seen, said, reward, *ids in plain["turns"]  # older checkpoints have no tokens
    )
    return TextEpisode(turns, bool(plain["terminated"]), dict(plain["info"]), str(plain["final"]))
