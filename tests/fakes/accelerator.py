"""A device that is none: its tensors are in memory, but none of another device may meet them, as on CUDA."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "away"
COPY = torch.ops.aten.copy_.default
MOVES = {torch.ops.aten._to_copy.default, COPY}
INDEXED = {torch.ops.aten.index.Tensor, torch.ops.aten.index_put.default, torch.ops.aten.index_put_.default}
"""What may have indices of another device."""


class Away(Tensor):
    """A tensor of the device."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, here: Tensor) -> Away:
        layout = {"strides": here.stride(), "storage_offset": here.storage_offset(), "dtype": here.dtype}
        made = torch.Tensor._make_wrapper_subclass(cls, here.shape, device=torch.device(NAME, 0), **layout)
        made.here = here
        return made

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"Away({self.here!r})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


class _Device(TorchDispatchMode):
    """For what makes tensors, or moves those that are not of the device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Compute in memory.

    Raises:
        RuntimeError: tensors of two devices; a number in memory is none.
    """
    given = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
    away = {id(one.here): one for one in given if isinstance(one, Away)}
    met = given[:1] if func in INDEXED else given
    if func not in MOVES and away and any(one.dim() and not isinstance(one, Away) for one in met):
        raise RuntimeError(f"{func} has tensors of two devices: {[(one.device, tuple(one.shape)) for one in given]}")
    result_away = isinstance(args[0], Away) if func is COPY else bool(away)
    if kwargs.get("device") is not None:
        result_away = torch.device(kwargs["device"]).type == NAME
        kwargs = kwargs | {"device": torch.device("cpu")}
    args, kwargs = tree_map(lambda one: one.here if isinstance(one, Away) else one, (args, kwargs))
    made = func(*args, **kwargs)

    def placed(one: Any) -> Any:
        if not isinstance(one, Tensor) or not result_away:
            return one
        return away[id(one)] if id(one) in away else Away(one)

    return tree_map(placed, made)


@contextmanager
def accelerator() -> Iterator[torch.device]:
    """Have torch know the device, for good: only in a process of its own."""
    _setup_privateuseone_for_python_backend(NAME)
    torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor(..., device=...) is made in memory, and then moved
    torch.__future__.set_swap_module_params_on_conversion(True)  # weights that are one stay one
    with _Device(), sdpa_kernel(SDPBackend.MATH):
        yield torch.device(NAME)
