"""Utterances as preference data: each with whether a person let it pass, in the order in which they came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from torch import Tensor

from vlmrl_ros.core.errors import CheckpointError, ConfigError
from vlmrl_ros.core.snapshot import Part
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.vlm.asked import Asked
from vlmrl_ros.policies.vlm.spans import names_action
from vlmrl_ros.policies.vlm.turns import TurnBatch


@dataclass(frozen=True)
class Judged:
    """An utterance as it is scored, and what a person made of it."""

    observation: TextObservation
    """What it is about."""
    asked: Asked
    """The same as a processor made it."""
    token_ids: npt.NDArray[np.int64]
    """int64 (T,)."""
    names_action: npt.NDArray[np.bool_]
    """bool (T,)."""
    desirable: bool
    """Nobody took over from it."""


def judge(turn: Turn, processor: Any) -> Judged | None:
    """What a turn says of its utterance.

    Args:
        turn: live or from a bag.
        processor: of the model.

    Returns:
        None where it says nothing: no model has said it, so that there are no tokens to be scored, or it names no
        action and yet nobody took over: such a text is nothing to be aimed at.

    Raises:
        ConfigError: what it is about does not make the prompt to which it was said.
    """
    spoken = turn.utterance
    if not len(spoken.token_ids) or not (turn.said.valid or turn.taken_over):
        return None
    asked = Asked.by(processor, turn.observation)
    if not np.array_equal(asked.ids, spoken.prompt_ids):
        raise ConfigError(
            f"a turn was said to a prompt of {len(spoken.prompt_ids)} tokens, of which the model makes others, "
            f"{len(asked.ids)}: another model has said it"
        )
    named = names_action(processor.tokenizer, spoken.token_ids, turn.said)
    return Judged(turn.observation, asked, spoken.token_ids, named, not turn.taken_over)


def side_by_side(rows: Sequence[Judged], device: torch.device) -> tuple[TurnBatch, Tensor]:
    """Utterances as a model takes them, and which of them are desirable, bool (B,)."""
    longest = max(len(row.token_ids) for row in rows)
    named = torch.zeros(len(rows), longest, dtype=torch.bool)
    for place, row in enumerate(rows):
        named[place, : len(row.names_action)] = torch.from_numpy(row.names_action)
    named = named.to(device)
    batch = TurnBatch(
        [row.asked for row in rows], [row.token_ids for row in rows], named, torch.zeros_like(named).float()
    )
    return batch, torch.tensor([row.desirable for row in rows], device=device)


def judged_part(rows: Sequence[Judged]) -> Part:
    """Utterances as one file of a checkpoint: the arrays of all, one after the other, with their shapes."""
    kept = list(rows)  # they never change, so the writer may put them together

    def compose() -> list[bytes]:
        images = [image for row in kept for image in row.observation.images]
        texts = [np.frombuffer(row.observation.text.encode(), np.uint8) for row in kept]
        arrays = {
            "counts": np.array([_lengths(row, text) for row, text in zip(kept, texts, strict=True)], np.int64),
            "shapes": np.array([image.shape[:2] for image in images], np.int64),
            "pixels": _joined([image.ravel() for image in images], np.uint8),
            "texts": _joined(texts, np.uint8),
            "token_ids": _joined([row.token_ids for row in kept], np.int64),
            "names_action": _joined([row.names_action for row in kept], np.bool_),
            "desirable": np.array([row.desirable for row in kept], np.bool_),
        }
        return [save(arrays)]

    return Part(lambda: compose)


def read_judged_part(path: Path, processor: Any) -> list[Judged]:
    """The utterances of a :func:`judged_part`.

    Args:
        path: of the file.
        processor: of the model.

    Raises:
        CheckpointError: missing or damaged.
    """
    try:
        return _rows(load_file(path), processor)
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError(f"no usable utterances in '{path}': {error}") from error


def _lengths(row: Judged, text: npt.NDArray[np.uint8]) -> tuple[int, ...]:
    return len(row.observation.images), len(text), len(row.token_ids)


def _joined(arrays: Sequence[npt.NDArray[Any]], kind: Any) -> npt.NDArray[Any]:
    return np.concatenate([np.zeros(0, kind), *arrays])


def _rows(arrays: dict[str, npt.NDArray[Any]], processor: Any) -> list[Judged]:
    counts, shapes = arrays["counts"].reshape(-1, 3), arrays["shapes"].reshape(-1, 2)
    flat, texts = _parts(arrays["pixels"], shapes.prod(1) * 3), _parts(arrays["texts"], counts[:, 1])
    images = iter([part.reshape(*shape, 3) for part, shape in zip(flat, shapes, strict=True)])
    said, named = (_parts(arrays[name], counts[:, 2]) for name in ("token_ids", "names_action"))
    found = []
    for count, text, *own, good in zip(counts[:, 0], texts, said, named, arrays["desirable"], strict=True):
        seen = TextObservation(text.tobytes().decode(), tuple(next(images) for _ in range(count)))
        found.append(Judged(seen, Asked.by(processor, seen), *own, bool(good)))
    return found


def _parts(array: npt.NDArray[Any], lengths: npt.NDArray[np.int64]) -> list[npt.NDArray[Any]]:
    if int(lengths.sum()) != len(array):
        raise ValueError(f"{len(array)} numbers in parts of {int(lengths.sum())}")
    return np.split(array, np.cumsum(lengths))[:-1]
