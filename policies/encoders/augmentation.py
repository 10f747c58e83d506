"""Random shifts of frames, which keep an encoder from learning single pixels by heart.

Source: Kostrikov et al., Image augmentation is all you need (DrQ, 2021), section 3.1.
"""

from __future__ import annotations

import torch
from torch import Tensor


def random_shift(image: Tensor, pixels: int, generator: torch.Generator) -> Tensor:
    """Move each frame by its own whole number of pixels on both axes; its border is continued outwards.

    Args:
        image: (B, H, W, C) of any type; frames (B, H, W, 3) are uint8.
        pixels: the greatest shift.
        generator: draws the shifts.

    Returns:
        frames of the same shape and type.
    """
    shifts = torch.randint(-pixels, pixels + 1, (2, len(image), 1), generator=generator, device=generator.device)
    return copied(image, shifts) if image.device.type == "cpu" else gathered(image, shifts)


def gathered(image: Tensor, shifts: Tensor) -> Tensor:
    """Frames (B, H, W, C) moved by int64 (2, B, 1) rows and columns, in one kernel."""
    count, height, width = image.shape[:3]
    rows = (torch.arange(height, device=shifts.device) + shifts[0]).clamp_(0, height - 1)
    columns = (torch.arange(width, device=shifts.device) + shifts[1]).clamp_(0, width - 1)
    each = torch.arange(count, device=shifts.device)
    return image[each[:, None, None], rows[:, :, None], columns[:, None, :]]


def copied(image: Tensor, shifts: Tensor) -> Tensor:
    """The same by copies of rectangles, which a processor does twenty times as fast as it gathers pixels."""
    height, width = image.shape[1:3]
    moved = torch.empty_like(image, memory_format=torch.contiguous_format)
    for source, out, down, right in zip(image.numpy(), moved.numpy(), *shifts[..., 0].tolist(), strict=True):
        down, right = max(-height + 1, min(down, height - 1)), max(-width + 1, min(right, width - 1))
        top, bottom = max(0, -down), height - max(0, down)
        left, end = max(0, -right), width - max(0, right)
        out[top:bottom, left:end] = source[top + down : bottom + down, left + right : end + right]
        out[top:bottom, :left] = out[top:bottom, left : left + 1]
        out[top:bottom, end:] = out[top:bottom, end - 1 : end]
        out[:top] = out[top]
        out[bottom:] = out[bottom - 1]
    return moved
