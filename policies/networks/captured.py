"""A gradient step as one CUDA graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import torch

T = TypeVar("T")
WARM_UP_CALLS = 3
"""Calls before the capture: libraries choose their kernels in them."""


class Captured(Generic[T]):
    """A function of fixed tensors: captured into a graph on CUDA and replayed, called as it is on the CPU.

    Every call is a real one, the warm-up too. The function must always be given the same tensors, whose contents
    change, must not wait for the device, and must draw no random numbers.
    """

    def __init__(self, function: Callable[..., T], device: torch.device) -> None:
        """Wrap ``function``, whose tensors are on ``device``."""
        self._function = function
        self._cuda = device.type == "cuda"
        self._calls = 0
        self._graph: Any = None

    def __call__(self, *tensors: Any) -> T:
        """The result; on CUDA the next call overwrites it."""
        if not self._cuda:
            return self._function(*tensors)
        self._calls += 1
        if self._calls <= WARM_UP_CALLS:
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                result = self._function(*tensors)
            torch.cuda.current_stream().wait_stream(stream)
            return result
        if self._graph is None:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._result = self._function(*tensors)
        self._graph.replay()
        return self._result
