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
    count, height, width = image.shape[:3]
    shifts = torch.randint(-pixels, pixels + 1, (2, count, 1), generator=generator, device=generator.device)
    rows = (torch.arange(height, device=shifts.device) + shifts[0]).clamp_(0, height - 1)
    columns = (torch.arange(width, device=shifts.device) + shifts[1]).clamp_(0, width - 1)
    each = torch.arange(count, device=shifts.device)
    return image[each[:, None, None], rows[:, :, None], columns[:, None, :]]
