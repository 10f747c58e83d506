"""Errors that tell of too little memory, whoever ran short of it."""

from __future__ import annotations

import torch


def tells_of_short_memory(error: BaseException) -> bool:
    """Whether an error is that of a device, of Python (NumPy, Pillow), or of PyTorch's allocator of the CPU.

    The last has no type of its own: it is a plain ``RuntimeError`` with the allocator's name in it.
    """
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "DefaultCPUAllocator" in str(error)
