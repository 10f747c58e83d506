"""A language policy from the weights that its learner publishes: they say themselves what they are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from vlmrl_ros.core.config import from_mapping, option, to_mapping
from vlmrl_ros.core.errors import CheckpointError, VlmrlError
from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.text import Answer
from vlmrl_ros.policies.language.critic import Critic
from vlmrl_ros.policies.language.gpt import Gpt, GptConfig
from vlmrl_ros.policies.language.speaking import Speaker
from vlmrl_ros.policies.language.tokenizer import Tokenizer
from vlmrl_ros.policies.language.trainee import arrays_of, take_arrays

ABOUT = "about"
"""Among the variables: JSON as uint8, what the models are and how they speak."""
MODEL, CRITIC = "model", "critic"
MOST_ABOUT = 1 << 24


def variables_of(speaker: Speaker) -> Variables:
    """Everything that a policy needs to speak as this speaker does."""
    critic = speaker.critic
    about = {
        "tokenizer": speaker.tokenizer.describe(),
        "model": speaker.model.describe(),
        "heads": 0 if critic is None else len(critic.actions),
        **{name: getattr(speaker, name) for name in ("beta", "temperature", "most")},
    }
    raw = np.frombuffer(json.dumps(about, sort_keys=True).encode(), np.uint8).copy()
    arrays = {ABOUT: raw, **arrays_of(speaker.model, MODEL)}
    if critic is not None:
        arrays |= arrays_of(critic.trunk, f"{CRITIC}/trunk") | arrays_of(critic.actions, f"{CRITIC}/actions")
    return arrays


def speaker_of(variables: Variables) -> Speaker:
    """The speaker that :func:`variables_of` described.

    Raises:
        CheckpointError: they are none, or do not fit together.
    """
    about = _about(variables)
    try:
        tokenizer, model = _models(about)
        take_arrays(model, variables, MODEL)
        critic = None
        if about["heads"]:
            critic = Critic(model, int(about["heads"]), False, torch.Generator())
            take_arrays(critic.trunk, variables, f"{CRITIC}/trunk")
            take_arrays(critic.actions, variables, f"{CRITIC}/actions")
        speaking = {
            "beta": float(about["beta"]),
            "temperature": float(about["temperature"]),
            "most": int(about["most"]),
        }
        return Speaker(tokenizer, model.eval(), critic, **speaking)
    except CheckpointError:
        raise
    except (VlmrlError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"no weights of a language policy: {error!r}") from error


@dataclass(frozen=True)
class LanguagePolicyConfig:
    """Options of the text policy ``language``."""

    temperature: float = option(
        -1.0, "at which tokens are drawn; 0: the likeliest; below 0: as the weights say", low=-1.0, high=100.0
    )


class LanguagePolicy:
    """Answers prompts; before the first weights it has nothing to say."""

    def __init__(self, config: LanguagePolicyConfig | None = None) -> None:
        """Begin without weights."""
        self._config = config or LanguagePolicyConfig()
        self.options = to_mapping(self._config)
        self._speaker: Speaker | None = None

    def load(self, variables: Variables) -> None:
        """Take new weights.

        Raises:
            CheckpointError: they do not fit together; the old ones stay in force.
        """
        speaker = speaker_of(variables)
        if self._config.temperature >= 0:
            speaker.temperature = self._config.temperature
        self._speaker = speaker

    def answer(self, prompts: Sequence[str], rng: np.random.Generator) -> list[Answer]:
        """One answer to each prompt.

        Raises:
            CheckpointError: no weights have come.
            RangeError: a prompt that is too long, or a character beyond the vocabulary.
        """
        if self._speaker is None:
            raise CheckpointError("a language policy was asked before it had weights")
        return self._speaker.answer(prompts, torch.Generator().manual_seed(int(rng.integers(2**62))))


def build(options: Mapping[str, Any]) -> LanguagePolicy:
    """Entry point of the text policy plug-in ``language``."""
    return LanguagePolicy(from_mapping(LanguagePolicyConfig, options, "language"))


def _about(variables: Variables) -> Mapping[str, Any]:
    raw = variables.get(ABOUT)
    if raw is None or raw.dtype != np.uint8 or raw.ndim != 1 or raw.size > MOST_ABOUT:
        raise CheckpointError(f"weights of a language policy have '{ABOUT}', uint8 (N,), N at most {MOST_ABOUT}")
    try:
        about = json.loads(raw.tobytes())
    except ValueError as error:
        raise CheckpointError(f"'{ABOUT}' of a language policy's weights is no JSON: {error}") from error
    if not isinstance(about, dict):
        raise CheckpointError(f"'{ABOUT}' of a language policy's weights is no JSON object")
    return about


def _models(about: Mapping[str, Any]) -> tuple[Any, Any]:
    """Tokenizer and model of a description."""
    tokenizer, model = about["tokenizer"], about["model"]
    if "transformers" in model:
        from vlmrl_ros.policies.language.pretrained import PretrainedTokenizer, model_of

        known = PretrainedTokenizer.of(tokenizer)
        return known, model_of(model["transformers"], known.size)
    made = Tokenizer(tokenizer["kind"], tokenizer["pieces"])
    return made, Gpt(made.size, from_mapping(GptConfig, model["gpt"], "gpt"), torch.Generator())
