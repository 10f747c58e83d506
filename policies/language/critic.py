"""What tokens are worth: a language model with value heads."""

from __future__ import annotations

from copy import deepcopy
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import relu


class LanguageModel(Protocol):
    """What learning and speaking need of a causal language model, a torch module."""

    vocabulary: int
    width: int
    context: int

    def hidden(self, ids: Tensor, at: Tensor | None = None) -> Tensor:
        """What the model knows after each token.

        Args:
            ids: int64 (B, T), filled up on the right.
            at: int64 (M,), the tokens that are asked for, counted through all B * T; None: all of them.

        Returns:
            float32 (M, D); (B, T, D) without ``at``.
        """
        ...

    def logits(self, hidden: Tensor) -> Tensor:
        """Of the next token, float32 (..., V), of float32 (..., D)."""
        ...


class Head(nn.Module):
    """Two layers with ReLU between; its outputs are 0 at first."""

    def __init__(self, width: int, outputs: int, generator: torch.Generator) -> None:
        """Draw the first layer."""
        super().__init__()
        self.first, self.last = nn.Linear(width, width), nn.Linear(width, outputs)
        nn.init.normal_(self.first.weight, std=width**-0.5, generator=generator)
        for zeros in (self.first.bias, self.last.weight, self.last.bias):
            nn.init.zeros_(zeros)

    def forward(self, hidden: Tensor) -> Tensor:
        """Float32 (..., outputs) of float32 (..., D)."""
        return self.last(relu(self.first(hidden)))


class Critic(nn.Module):
    """A copy of a language model under heads: ``actions`` for each token of the vocabulary, ``state`` for what is read.

    Attributes:
        trunk: the language model; only its hidden states are used.
        actions: Q heads; of several the least counts.
        state: V head; none where only Q is learned.
    """

    def __init__(self, model: nn.Module, actions: int, state: bool, generator: torch.Generator) -> None:
        """Begin with the weights of a model.

        Args:
            model: a :class:`LanguageModel`.
            actions: number of Q heads.
            state: whether there is a V head.
            generator: draws the heads.
        """
        super().__init__()
        self.trunk = deepcopy(model)
        self.actions = nn.ModuleList(Head(model.width, model.vocabulary, generator) for _ in range(actions))
        self.state = Head(model.width, 1, generator) if state else None

    def least(self, hidden: Tensor) -> Tensor:
        """The least of the Q heads, float32 (..., V)."""
        return torch.stack([head(hidden) for head in self.actions]).amin(0)
