"""A small GPT: causal attention over learned positions, and a cache of fixed size to speak from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from vlmrl_ros.core.config import option, to_mapping
from vlmrl_ros.core.errors import ConfigError, RangeError

_DEVIATION = 0.05
"""Of weights at first. GPT-2's 0.02 is for wider models: a narrow one would hardly look at single words."""


@dataclass(frozen=True)
class GptConfig:
    """Sizes; the defaults make about 600 thousand parameters."""

    layers: int = option(3, "layers of the small GPT", low=1, high=48)
    width: int = option(128, "width of the small GPT", low=4, high=4096)
    heads: int = option(4, "attention heads of the small GPT", low=1, high=64)
    context: int = option(512, "most tokens of a prompt and an answer", low=2, high=65_536)


class Gpt(nn.Module):
    """A transformer decoder, layer normalisation first, output tied to the embedding.

    Source: Radford et al., Language Models are Unsupervised Multitask Learners (2019).
    """

    def __init__(self, vocabulary: int, config: GptConfig, generator: torch.Generator) -> None:
        """Draw the weights.

        Raises:
            ConfigError: a width that the heads do not divide.
        """
        super().__init__()
        if config.width % config.heads:
            raise ConfigError(f"width is {config.width} and no multiple of heads, {config.heads}")
        self.config, self.vocabulary, self.width, self.context = config, vocabulary, config.width, config.context
        self.embedding = nn.Embedding(vocabulary, config.width)
        self.position = nn.Embedding(config.context, config.width)
        self.blocks = nn.ModuleList(Block(config.width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        for name, weights in self.named_parameters():
            if weights.dim() > 1:
                nn.init.normal_(weights, std=_DEVIATION, generator=generator)
            elif name.endswith("bias"):
                nn.init.zeros_(weights)

    def describe(self) -> Mapping[str, Any]:
        """What makes a model of the same shape, fit for JSON."""
        return {"gpt": to_mapping(self.config)}

    def hidden(self, ids: Tensor, at: Tensor | None = None) -> Tensor:
        """What the model knows after each token; see :class:`~vlmrl_ros.policies.language.critic.LanguageModel`.

        Raises:
            RangeError: more tokens than the context holds.
        """
        return self._read(ids, 0, None, at)

    def logits(self, hidden: Tensor) -> Tensor:
        """Of the next token, float32 (..., V)."""
        return hidden @ self.embedding.weight.T

    def begin(self, ids: Tensor, room: int) -> tuple[Cache, Tensor]:
        """Read prompts of one length.

        Args:
            ids: int64 (B, P).
            room: tokens that may follow.

        Returns:
            the cache; what is known after each prompt, float32 (B, D).
        """
        layers, heads, width = self.config.layers, self.config.heads, self.width // self.config.heads
        memory = torch.zeros(2, layers, len(ids), heads, ids.shape[1] + room, width)
        cache = Cache(memory, ids.shape[1])
        return cache, self._read(ids, 0, memory)[:, -1]

    def advance(self, cache: Cache, tokens: Tensor) -> Tensor:
        """Read one more token each, int64 (B,); what is known then, float32 (B, D)."""
        hidden = self._read(tokens[:, None], cache.length, cache.memory)[:, -1]
        cache.length += 1
        return hidden

    def _read(self, ids: Tensor, begin: int, memory: Tensor | None, at: Tensor | None = None) -> Tensor:
        end = begin + ids.shape[1]
        if end > self.context:
            raise RangeError(f"a text has {end} tokens; the context holds {self.context}")
        x = self.embedding(ids) + self.position.weight[begin:end]
        for number, block in enumerate(self.blocks):
            asked = at if number == len(self.blocks) - 1 else None
            x = block(x, begin, None if memory is None else memory[:, number], asked)
        return self.norm(x)


class Block(nn.Module):
    """Attention and a hidden layer, each beside a way around it."""

    def __init__(self, width: int, heads: int) -> None:
        """Make the layers."""
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_hidden = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.hidden = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, begin: int, memory: Tensor | None, at: Tensor | None) -> Tensor:
        """Read tokens that stand from ``begin`` on.

        Args:
            x: float32 (B, T, D); T is 1 unless ``begin`` is 0.
            begin: number of tokens in the memory.
            memory: keys and values, float32 (2, B, H, room, D / H); None keeps nothing.
            at: int64 (M,), where among B * T tokens the result is asked, float32 (M, D); None: all, (B, T, D).
        """
        batch, length, width = x.shape
        made = self.attention(self.norm_attention(x)).view(batch, length, 3, self.heads, width // self.heads)
        query, *kept = made.permute(2, 0, 3, 1, 4)
        key, value = kept
        if memory is not None:
            memory[0, :, :, begin : begin + length], memory[1, :, :, begin : begin + length] = key, value
            key, value = memory[:, :, :, : begin + length]
        # on a CPU, at the learner's precision, the flash kernel takes five times as long for texts this short
        with sdpa_kernel(SDPBackend.MATH):
            seen = scaled_dot_product_attention(query, key, value, is_causal=length > 1)
        seen = seen.transpose(1, 2).reshape(batch, length, width)
        if at is not None:  # index_select: its gradient is quicker than that of indexing
            x, seen = (whole.flatten(0, 1).index_select(0, at) for whole in (x, seen))
        x = x + self.project(seen)
        return x + self.hidden(self.norm_hidden(x))


@dataclass
class Cache:
    """Keys and values of all layers, float32 (2, L, B, H, room, D / H), filled as far as ``length``."""

    memory: Tensor
    length: int

    def select(self, rows: Tensor) -> None:
        """Go on with these rows, int64 (R,), some of them perhaps several times."""
        self.memory = self.memory.index_select(2, rows)
