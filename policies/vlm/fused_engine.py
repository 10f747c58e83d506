"""Decodes with :mod:`~vlmrl_ros.policies.vlm.fused`: each prompt once, and of one like the last only what is new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import embedding

from vlmrl_ros.policies.vlm import prefixes
from vlmrl_ros.policies.vlm.answers import Answers, Draw
from vlmrl_ros.policies.vlm.fused import Cache, New, Packed, base_of, now, pack, read

ROUND = 64
"""A cache has room for a multiple of so many tokens, so that most batches find one that fits."""


@dataclass(frozen=True)
class Prefix:
    """The beginning of a prompt, up to its first image, as it was read."""

    ids: tuple[int, ...]
    kept: Tensor
    """(L, 2, key heads, tokens, width), as a row of :class:`~vlmrl_ros.policies.vlm.fused.Cache`."""


@dataclass(frozen=True)
class Ready:
    """What answers are decoded with."""

    packed: Packed
    prefix: Prefix | None
    """The beginning of the last prompt, as these weights read it."""


class FusedEngine:
    """Holds a copy of the decoder's weights, and what it remembers of the last prompt.

    The copy is made anew when an optimiser or ``load_state_dict`` has changed the weights in place; for weights whose
    tensors were replaced there is :meth:`take`.
    """

    def __init__(self, model: Any, image_token: int) -> None:
        """Take a model.

        Args:
            model: of ``AutoModelForImageTextToText`` without adapters around it (those within are fine).
            image_token: id of the token that stands in the place of each of an image's features.
        """
        self._inner, self._image = model.model, image_token
        self._language = getattr(self._inner, "language_model", None) or self._inner.text_model
        self._head = model.get_output_embeddings()
        self._embed = model.get_input_embeddings()
        self._cache: Cache | None = None
        self._prefix: Prefix | None = None
        self.take(self._in_force())

    def prepare(self, new: New) -> Ready:
        """A copy of the weights with values that are yet to come, and what they make of the remembered beginning.

        May be called in any thread. So the first answer with new weights does not wait for either.
        """
        packed = pack(self._language, self._head, new)
        return Ready(packed, self._read_again(packed, new))

    def take(self, ready: Ready) -> None:
        """Decode with this from now on, which is a copy of the weights in force."""
        self._packed, self._prefix = ready.packed, ready.prefix
        weights = [*self._language.parameters(), *self._head.parameters(), base_of(self._embed).weight]
        self._watched = [(one, one._version) for one in weights]

    def answer(self, inputs: Any, answers: Answers, draw: Draw, most: int) -> None:
        """Decode until all answers have ended or have ``most`` tokens."""
        if any(one._version != version for one, version in self._watched):
            self.take(self._in_force())
        state = self._read(inputs, most)
        logits = state.logits
        for step in range(most):
            tokens, log_probs = draw(logits)
            answers.add(tokens.tolist(), log_probs.tolist())
            if answers.all_ended or step + 1 == most:
                return
            logits = state.follow(self._embed(tokens[:, None]))

    def _in_force(self) -> Ready:
        """A copy of the weights as they are."""
        return Ready(pack(self._language, self._head), None)

    @torch.no_grad()
    def _read_again(self, packed: Packed, new: New) -> Prefix | None:
        """The remembered beginning by other weights; none where the embedding is not a plain one."""
        known = self._prefix
        if known is None or type(self._embed) is not torch.nn.Embedding:
            return None
        ids = torch.tensor([known.ids], device=packed.head.device)
        cache, places = Cache(packed, 1, len(known.ids)), torch.arange(len(known.ids), device=ids.device)
        read(packed, cache, embedding(ids, now(self._embed.weight, new)), 0, places[None], None)
        return Prefix(known.ids, cache.kept[:, 0])

    def _read(self, inputs: Any, most: int) -> _State:
        """Read the prompts; what all of them share with the remembered one is there already."""
        mask = inputs["attention_mask"].bool()
        rows = [row[keep].tolist() for row, keep in zip(inputs["input_ids"], mask, strict=True)]
        known = prefixes.known(self._prefix.ids, rows) if self._prefix is not None else 0
        rest = max(map(len, rows)) - known
        ids = torch.full((len(rows), rest), self._pad(), dtype=torch.int64)
        for index, row in enumerate(rows):
            ids[index, rest - (len(row) - known) :] = torch.tensor(row[known:])
        padding = torch.tensor([rest + known - len(row) for row in rows])
        ids, padding = ids.to(mask.device), padding.to(mask.device)
        cache = self._room(len(rows), known + rest + most)
        if known:
            cache.kept[..., :known, :].copy_(self._prefix.kept[:, None, ..., :known, :])
        state = _State(self._packed, cache, known, padding)
        state.read(self._embedded(ids, inputs), rest)
        self._remember(rows, cache, known, int(padding[0]))
        return state

    def _pad(self) -> int:
        """Any token but that of an image; no mask lets it through."""
        return 0 if self._image else 1

    def _embedded(self, ids: Tensor, inputs: Any) -> Tensor:
        """Token embeddings (B, T, D), those of images from their features."""
        embedded = self._embed(ids)
        seen = {name: value for name, value in inputs.items() if name not in ("input_ids", "attention_mask")}
        if "pixel_values" not in seen:
            return embedded
        features = self._inner.get_image_features(**seen, return_dict=True).pooler_output
        features = torch.cat(list(features)).reshape(-1, embedded.shape[-1]).to(embedded)
        return embedded.masked_scatter((ids == self._image)[..., None], features)

    def _room(self, batch: int, tokens: int) -> Cache:
        """A cache for so many tokens; the one at hand if it fits."""
        kept = self._cache.kept if self._cache is not None else None
        fits = kept is not None and kept.shape[1] == batch and kept.shape[4] >= tokens
        if not fits or kept.dtype != self._packed.head.dtype:
            self._cache = Cache(self._packed, batch, -(-tokens // ROUND) * ROUND)
        return self._cache

    def _remember(self, rows: list[list[int]], cache: Cache, known: int, padding: int) -> None:
        """Keep what the prompts share up to the first image, if it is more than was known or something else."""
        shared = prefixes.shared(rows, self._image)
        if shared > known:
            place = prefixes.places(shared, known, padding, cache.kept.device)
            self._prefix = Prefix(tuple(rows[0][:shared]), cache.kept[:, 0].index_select(3, place))


class _State:
    """How far one batch has been read; the cache holds what was known, padding, the rest and the answers."""

    def __init__(self, packed: Packed, cache: Cache, known: int, padding: Tensor) -> None:
        self._packed, self._cache, self._at = packed, cache, known
        self._padding = padding
        self._padded = bool(padding.any())
        self._barred = torch.finfo(packed.head.dtype).min
        places = torch.arange(cache.room, device=padding.device)
        absent = (places >= known) & (places < known + padding[:, None])
        self._mask = torch.zeros_like(absent, dtype=packed.head.dtype).masked_fill(absent, self._barred)[:, None, None]
        self.logits = torch.empty(0)

    def read(self, embedded: Tensor, count: int) -> None:
        """Read the rest of the prompts; logits (B, V) of the first tokens."""
        end = self._at + count
        places = torch.arange(self._at, end, device=embedded.device)
        positions = (places - self._padding[:, None]).clamp_min(0)
        mask = None
        if self._at or self._padded:
            later = torch.arange(end, device=embedded.device) > places[:, None]
            mask = self._mask[..., :end].masked_fill(later, self._barred)
        self.logits = read(self._packed, self._cache, embedded, self._at, positions, mask)
        self._at = end
        self._positions = positions[:, -1:] + 1

    def follow(self, embedded: Tensor) -> Tensor:
        """Read one more token each, (B, 1, D); logits (B, V) of those that follow."""
        mask = self._mask[..., : self._at + 1] if self._padded else None
        logits = read(self._packed, self._cache, embedded, self._at, self._positions, mask)
        self._at += 1
        self._positions = self._positions + 1
        return logits
