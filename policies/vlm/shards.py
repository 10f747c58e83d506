"""The weights of a model split over the processes of a crew (FSDP), for models that one process cannot hold with Adam.

Each process keeps a part of every weight, of its gradient and of what the optimiser remembers; a layer is put together
for as long as it computes. What is learned is the same.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MethodType
from typing import Any

import torch
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, distribute_tensor

from vlmrl_ros.policies.vlm import crew, scoring
from vlmrl_ros.policies.vlm.loading import language_part

ASKED = "ACCELERATE_USE_FSDP"
"""Environment variable by which ``accelerate launch --use_fsdp`` and ``Accelerator(fsdp_plugin=...)`` ask for it."""


def split(model: Any) -> None:
    """Split a model, layer by layer, if that is asked for and there are several processes; once.

    What the optimiser and :func:`crew.add_up_gradients` are given has to be collected afterwards.

    Args:
        model: of ``AutoModelForImageTextToText``, below the wrapper of an adapter; the same in all processes.
    """
    if crew.size() == 1 or os.environ.get(ASKED, "").lower() not in ("1", "true", "yes"):
        return
    from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method

    if isinstance(model, FSDPModule):
        return
    mesh = init_device_mesh(model.device.type, (crew.size(),))
    for layer in language_part(model)[1].layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    for part in model.modules():
        if isinstance(part, FSDPModule):
            part.set_gradient_divide_factor(1.0)  # rows are weighted before: parts of a gradient are added up
            part.set_force_sum_reduction_for_comms(True)  # gloo knows no other
    setattr(model, scoring.READ, MethodType(scoring.read_answers, model))
    register_fsdp_forward_method(model, scoring.READ)


def whole(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors put together, by name; those that are not split are the same ones. All processes have to ask together."""
    return {name: one.detach().full_tensor() if isinstance(one, DTensor) else one for name, one in tensors.items()}


@torch.no_grad()
def put(live: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> None:
    """Give tensors that are split the values that :func:`whole` had put together; each process takes its part."""
    for name, one in live.items():
        if isinstance(one, DTensor):
            one.copy_(distribute_tensor(values[name], one.device_mesh, one.placements))
