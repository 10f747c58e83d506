"""What a processor makes of prompts and their images: kept one by one, put side by side with answers for a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import BatchFeature

from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.policies.vlm.asking import processed

TYPES = "token_type_ids"
"""How the names end of what a processor says of each token besides its id."""
NOT_OF_IMAGES = ("input_ids", "attention_mask", "labels")
ANSWER_TYPE = {"paligemma": 1}
"""Type of an answer's tokens by type of model, where it is not 0: PaliGemma's prompt, of type 0, sees itself whole."""


@dataclass(frozen=True)
class Asked:
    """A prompt with its images as a processor made it: all that a model takes, whatever its family calls it."""

    ids: npt.NDArray[np.int64]
    """int64 (P,), of the tokens, with those of the images."""
    types: Mapping[str, Tensor]
    """int (P,), by name."""
    images: Mapping[str, Tensor]
    """(N, ...), by name; N images, or patches of them, or 1 where a prompt has its images in a row; empty without."""

    @classmethod
    def by(cls, processor: Any, observation: TextObservation) -> Asked:
        """An observation as a processor makes it."""
        made = processed(processor, [observation])
        return cls(
            ids=made["input_ids"][0].numpy(),
            types={name: value[0] for name, value in made.items() if name.endswith(TYPES)},
            images={
                name: value for name, value in made.items() if name not in NOT_OF_IMAGES and not name.endswith(TYPES)
            },
        )


def side_by_side(asked: Sequence[Asked], answers: Sequence[npt.NDArray[np.int64]], model_type: str) -> BatchFeature:
    """Prompts with their answers as a model takes them; ``to`` moves all of it.

    Prompts are padded on the left and answers on the right, so that all answers begin at one place. Padding has id 0,
    which no mask lets through. Images follow each other in the order of the prompts.

    Args:
        asked: by one processor.
        answers: token ids, int64 (T_i,) each.
        model_type: of the model's configuration.

    Returns:
        ``input_ids``, ``attention_mask`` and types, int64 (B, P + T), and what there is of the images.
    """
    prompts, given = [torch.from_numpy(one.ids) for one in asked], [torch.from_numpy(one) for one in answers]
    kinds = [torch.full_like(one, ANSWER_TYPE.get(model_type, 0)) for one in given]
    ones = [[torch.ones_like(one) for one in some] for some in (prompts, given)]
    types = {name: _joined([one.types[name] for one in asked], kinds) for name in asked[0].types}
    names = dict.fromkeys(name for one in asked for name in one.images)
    images = {name: _stacked([one.images[name] for one in asked if name in one.images]) for name in names}
    return BatchFeature({"input_ids": _joined(prompts, given), "attention_mask": _joined(*ones), **types, **images})


def _joined(before: Sequence[Tensor], after: Sequence[Tensor]) -> Tensor:
    """Rows in two parts, int64 (B, P + T), the border of which is at one place; 0 around them."""
    most, longest = (max(map(len, parts)) for parts in (before, after))
    rows = zip(before, after, strict=True)
    return torch.stack([pad(torch.cat(row), (most - len(row[0]), longest - len(row[1]))) for row in rows])


def _stacked(parts: Sequence[Tensor]) -> Tensor:
    """Tensors (N_i, ...) one after the other; those that are smaller end in zeros, as processors have it."""
    sizes = [max(size) for size in zip(*(part.shape[1:] for part in parts), strict=True)]
    made = parts[0].new_zeros(sum(map(len, parts)), *sizes)
    for place, part in zip(made.split(list(map(len, parts))), parts, strict=True):
        place[tuple(map(slice, part.shape))] = part
    return made
