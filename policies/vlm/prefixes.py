"""The beginning that prompts share, up to their first image: how long it is, and where it lies once it was read."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def known(remembered: Sequence[int], rows: Sequence[Sequence[int]]) -> int:
    """How many tokens all prompts share with the remembered ones; each keeps one to be read."""
    most = min(len(remembered), *(len(row) - 1 for row in rows))
    return _common([remembered[:most], *(row[:most] for row in rows)])


def shared(rows: Sequence[Sequence[int]], image: int) -> int:
    """How many tokens prompts share up to the first image, or up to the last token."""
    first = list(rows[0])
    ahead = first.index(image) if image in first else len(first) - 1
    return _common([first[:ahead], *rows[1:]]) if len(rows) > 1 else ahead


def places(count: int, behind: int, padding: int, device: torch.device) -> Tensor:
    """Where the first tokens of a prompt lie that was read with padding within, int64 (count,).

    Args:
        count: how many.
        behind: so many of them were known, and the padding lies behind these.
        padding: how long it is.
        device: of the result.
    """
    place = torch.arange(count, device=device)
    return place + padding * (place >= behind)


def _common(rows: Sequence[Sequence[int]]) -> int:
    """Length of the longest common beginning."""
    for index, tokens in enumerate(zip(*rows, strict=False)):
        if len(set(tokens)) > 1:
            return index
    return min(map(len, rows))
