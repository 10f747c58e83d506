"""Any causal language model of transformers, from a directory, behind what learning and speaking need."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from tokenizers import Tokenizer as Backend
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    DynamicCache,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from vlmrl_ros.core.errors import ConfigError, RangeError
from vlmrl_ros.core.text_episode import END
from vlmrl_ros.policies.language.model_place import SMOLLM2, check_place
from vlmrl_ros.policies.vlm.smollm2 import PACKAGES, Smollm2File, check_packages


class PretrainedTokenizer:
    """A fast tokenizer of transformers; an answer ends with a line, or with its token for the end of a text."""

    def __init__(self, made: PreTrainedTokenizerFast) -> None:
        """Take one.

        Raises:
            ConfigError: it has no single token for the end of a line.
        """
        self._made = made
        ids = made.encode(END, add_special_tokens=False)
        if len(ids) != 1:
            raise ConfigError(f"the tokenizer has {len(ids)} tokens for {END!r}, which ends an answer; it needs one")
        first = next((i for i in (made.bos_token_id, made.eos_token_id, made.pad_token_id) if i is not None), ids[0])
        self.end, self.size, self._begin = ids[0], max(made.get_vocab().values()) + 1, int(first)
        self.ends = frozenset({self.end} if made.eos_token_id is None else {self.end, int(made.eos_token_id)})

    def encode(self, text: str) -> tuple[int, ...]:
        """The ids of a text."""
        return tuple(self._made.encode(text, add_special_tokens=False))

    def prompt(self, text: str) -> tuple[int, ...]:
        """The ids of a text that something is to be said to, after the token that begins a text."""
        return (self._begin, *self.encode(text))

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids, without special tokens."""
        return str(self._made.decode(list(ids), skip_special_tokens=True))

    def describe(self) -> Mapping[str, Any]:
        """What makes it again, fit for JSON."""
        special = {"bos_token": self._made.bos_token, "eos_token": self._made.eos_token}
        return {"backend": self._made.backend_tokenizer.to_str(), "special": special}

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> PretrainedTokenizer:
        """The tokenizer of a description."""
        backend = Backend.from_str(about["backend"])
        return cls(PreTrainedTokenizerFast(tokenizer_object=backend, **about["special"]))


class PretrainedModel(nn.Module):
    """A causal language model of transformers, float32."""

    def __init__(self, made: Any, vocabulary: int) -> None:
        """Take a model of ``AutoModelForCausalLM``.

        Args:
            made: the model.
            vocabulary: size of its tokenizer; what the model has beyond it stands for nothing and is never said.

        Raises:
            ConfigError: the model has fewer tokens than its tokenizer.
        """
        super().__init__()
        self.made = made.float()
        config = made.config
        if config.vocab_size < vocabulary:
            raise ConfigError(f"the model has {config.vocab_size} tokens; its tokenizer needs {vocabulary} or more")
        self.vocabulary, self.width = vocabulary, int(config.hidden_size)
        self.context = int(config.max_position_embeddings)

    def describe(self) -> Mapping[str, Any]:
        """What makes a model of the same shape, fit for JSON."""
        return {"transformers": json.loads(self.made.config.to_json_string(use_diff=False))}

    def hidden(self, ids: Tensor, at: Tensor | None = None) -> Tensor:
        """What the model knows after each token; see :class:`~vlmrl_ros.policies.language.critic.LanguageModel`.

        Raises:
            RangeError: more tokens than the context holds.
        """
        if ids.shape[1] > self.context:
            raise RangeError(f"a text has {ids.shape[1]} tokens; the context holds {self.context}")
        whole = self.made.base_model(input_ids=ids, use_cache=False).last_hidden_state
        return whole if at is None else whole.flatten(0, 1).index_select(0, at)

    def logits(self, hidden: Tensor) -> Tensor:
        """Of the next token, float32 (..., V)."""
        return self.made.get_output_embeddings()(hidden)[..., : self.vocabulary]

    def begin(self, ids: Tensor, room: int) -> tuple[Any, Tensor]:
        """Read prompts of one length, int64 (B, P); the cache, and what is known after each, float32 (B, D)."""
        cache = _Cache()
        return cache, self._read(cache, ids)

    def advance(self, cache: _Cache, tokens: Tensor) -> Tensor:
        """Read one more token each, int64 (B,); what is known then, float32 (B, D)."""
        return self._read(cache, tokens[:, None])

    def _read(self, cache: _Cache, ids: Tensor) -> Tensor:
        out = self.made.base_model(input_ids=ids, past_key_values=cache.kept, use_cache=True)
        return out.last_hidden_state[:, -1]


class _Cache:
    """Keys and values, as long as what was read."""

    def __init__(self) -> None:
        self.kept = DynamicCache()

    def select(self, rows: Tensor) -> None:
        """Go on with these rows, int64 (R,)."""
        self.kept.batch_select_indices(rows)


def load(directory: str) -> tuple[PretrainedModel, PretrainedTokenizer]:
    """The model and the tokenizer of a directory; nothing is downloaded, and no code of it runs.

    Args:
        directory: or :data:`SMOLLM2`, the model that a package carries.

    Raises:
        ConfigError: there is no such model.
    """
    check_place(directory)
    if directory == SMOLLM2:
        return _smollm2()
    given = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = PretrainedTokenizer(AutoTokenizer.from_pretrained(directory, **given))
        made = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, use_safetensors=True, **given)
    except (OSError, ValueError) as error:
        raise ConfigError(f"no causal language model in '{directory}': {error}") from error
    return PretrainedModel(made.eval(), tokenizer.size), tokenizer


def _smollm2() -> tuple[PretrainedModel, PretrainedTokenizer]:
    """SmolLM2-135M-Instruct."""
    check_packages(SMOLLM2, PACKAGES)
    file = Smollm2File()
    tokenizer = PretrainedTokenizer(file.tokenizer())
    weights = {f"model.{name}": value for name, value in file.weights(tokenizer.size)}
    made = LlamaForCausalLM.from_pretrained(None, config=file.config(tokenizer.size), state_dict=weights)
    return PretrainedModel(made.eval(), tokenizer.size), tokenizer


def model_of(about: Mapping[str, Any], vocabulary: int) -> PretrainedModel:
    """A model of the shape that a description has and with a tokenizer of a size, with random weights."""
    plain = dict(about)
    config = AutoConfig.for_model(plain.pop("model_type"), **plain)
    return PretrainedModel(AutoModelForCausalLM.from_config(config).eval(), vocabulary)
