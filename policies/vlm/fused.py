"""The decoder of a Llama-type model as few large operations: what ``transformers`` computes, several times as fast.

Products that share their input are one, each residual is added by the product before it, a rotary embedding is one
complex product, and keys and values are written side by side. On a small model the rest of a token's time is overhead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import LlamaModel

from vlmrl_ros.policies.vlm.quantised import QuantisedLinear

LARGEST = 1_000_000_000
"""Parameters of the decoder beyond which its own forward pass is taken: there the products are what takes time, and
their second copy would take memory."""
ROPE_TYPES = ("default", "linear", "llama3")
"""Rotary embeddings whose frequencies depend on nothing but the position."""

New = Mapping[int, Tensor]
"""Values to come of parameters, by the id of the parameter."""


@dataclass(frozen=True)
class Sizes:
    """What a layer's tensors look like: query heads, key heads, width of a head."""

    heads: int
    key_heads: int
    width: int


@dataclass(frozen=True)
class Layer:
    """Weights of one layer, inputs first: so laid out, the product with few rows takes a third of the time.

    Outputs of queries and keys are ordered so that a rotary pair lies side by side.
    """

    before: Tensor
    query_key_value: Tensor
    """(D, (heads + 2 key_heads) * width)."""
    out: Tensor
    """(heads * width, D)."""
    between: Tensor
    gate_up: Tensor
    """(D, 2 F)."""
    down: Tensor
    """(F, D)."""


@dataclass(frozen=True)
class Packed:
    """The weights of a decoder as they were at one time."""

    sizes: Sizes
    epsilon: float
    layers: tuple[Layer, ...]
    norm: Tensor
    head: Tensor
    """(D, V)."""
    rotation: Tensor
    """complex64 (positions, 1, width / 2)."""


def can_fuse(language: nn.Module, head: nn.Module) -> bool:
    """Whether a language model and its head are of the kind that :func:`pack` takes."""
    if type(language) is not LlamaModel or not isinstance(base_of(head), nn.Linear) or base_of(head).bias is not None:
        return False
    if any(isinstance(layer, QuantisedLinear) for layer in language.modules()):
        return False
    config = language.config
    plain = not (config.attention_bias or config.mlp_bias) and config.hidden_act == "silu"
    fixed = config.rope_parameters["rope_type"] in ROPE_TYPES
    return plain and fixed and sum(weights.numel() for weights in language.parameters()) <= LARGEST


@torch.no_grad()
def pack(language: Any, head: nn.Module, new: New | None = None) -> Packed:
    """Copy the weights of a decoder, LoRA adapters merged.

    Args:
        language: of type ``LlamaModel``, with or without adapters; see :func:`can_fuse`.
        head: to the logits.
        new: values that take the place of those in force.
    """
    new = new or {}
    config = language.config
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    sizes = Sizes(config.num_attention_heads, config.num_key_value_heads, width)
    positions = torch.arange(config.max_position_embeddings, device=language.norm.weight.device)
    cosine, sine = language.rotary_emb(torch.empty(0, device=positions.device), positions[None])
    half = width // 2
    return Packed(
        sizes=sizes,
        epsilon=config.rms_norm_eps,
        layers=tuple(_layer(layer, sizes, new) for layer in language.layers),
        norm=now(language.norm.weight, new),
        head=_weight(head, new).t().contiguous(),
        rotation=torch.complex(cosine[0, :, None, :half], sine[0, :, None, :half]),
    )


def base_of(module: Any) -> Any:
    """The module below an adapter."""
    return getattr(module, "base_layer", module)


def _layer(layer: Any, sizes: Sizes, new: New) -> Layer:
    attention, mlp = layer.self_attn, layer.mlp
    query, key = (_in_pairs(_weight(module, new), sizes.width) for module in (attention.q_proj, attention.k_proj))
    return Layer(
        before=now(layer.input_layernorm.weight, new),
        query_key_value=torch.cat([query, key, _weight(attention.v_proj, new)]).t().contiguous(),
        out=_weight(attention.o_proj, new).t().contiguous(),
        between=now(layer.post_attention_layernorm.weight, new),
        gate_up=torch.cat([_weight(mlp.gate_proj, new), _weight(mlp.up_proj, new)]).t().contiguous(),
        down=_weight(mlp.down_proj, new).t().contiguous(),
    )


def _in_pairs(weight: Tensor, width: int) -> Tensor:
    """Rows i and i + width / 2 of each head, which rotate together, side by side."""
    return weight.unflatten(0, (-1, 2, width // 2)).transpose(1, 2).flatten(0, 2)


def now(parameter: Tensor, new: New) -> Tensor:
    """The value to come of a parameter, or that in force."""
    return new.get(id(parameter), parameter.detach())


def _weight(module: Any, new: New) -> Tensor:
    """The weight of a linear layer with what its active LoRA adapters add."""
    weight = now(base_of(module).weight, new)
    if base_of(module) is module or module.merged or module.disable_adapters:
        return weight
    for name in module.active_adapters:
        if name in module.lora_A:
            first, second = (now(part[name].weight, new) for part in (module.lora_A, module.lora_B))
            weight = weight + (second.float() @ first.float() * module.scaling[name]).to(weight.dtype)
    return weight


class Cache:
    """Keys and values of one batch in one tensor of fixed size, (L, B, 2, key heads, room, width)."""

    def __init__(self, packed: Packed, batch: int, room: int) -> None:
        """Make room for so many tokens."""
        sizes, head = packed.sizes, packed.head
        shape = (len(packed.layers), batch, 2, sizes.key_heads, room, sizes.width)
        self.kept = torch.empty(shape, dtype=head.dtype, device=head.device)

    @property
    def room(self) -> int:
        """Most tokens."""
        return self.kept.shape[4]


def read(packed: Packed, cache: Cache, embedded: Tensor, at: int, positions: Tensor, mask: Tensor | None) -> Tensor:
    """Read tokens into the cache.

    Args:
        packed: weights.
        cache: filled up to ``at``.
        embedded: (B, T, D).
        at: place of the first of them in the cache.
        positions: int64 (B, T), in their sentences.
        mask: (B or 1, 1, T, at + T), added to the attention; None where every token sees all up to itself.

    Returns:
        logits of what follows the last of them, (B, V).
    """
    batch, count, width = embedded.shape
    sizes = packed.sizes
    rotation = packed.rotation[positions].view(batch * count, 1, -1)
    x = embedded.reshape(batch * count, width)
    end = at + count
    turned = (sizes.heads + sizes.key_heads) * sizes.width
    for layer, kept in zip(packed.layers, cache.kept.unbind(0), strict=True):
        normed = functional.rms_norm(x, (width,), layer.before, packed.epsilon)
        joint = normed @ layer.query_key_value
        rotate(joint[:, :turned], rotation, sizes.width)
        heads = joint.view(batch, count, -1, sizes.width)
        new = heads[:, :, sizes.heads :].unflatten(2, (2, sizes.key_heads))
        kept[:, :, :, at:end].copy_(new.permute(0, 2, 3, 1, 4))
        seen = attend(heads[:, :, : sizes.heads], kept[:, 0, :, :end], kept[:, 1, :, :end], mask)
        x = torch.addmm(x, seen.reshape(batch * count, -1), layer.out)
        normed = functional.rms_norm(x, (width,), layer.between, packed.epsilon)
        gate, up = (normed @ layer.gate_up).chunk(2, -1)
        x = torch.addmm(x, functional.silu(gate).mul_(up), layer.down)
    last = x.view(batch, count, width)[:, -1]
    return functional.rms_norm(last, (width,), packed.norm, packed.epsilon) @ packed.head


def rotate(joint: Tensor, rotation: Tensor, width: int) -> None:
    """Turn queries and keys, (N, heads * width), in place, by complex numbers (N, 1, width / 2)."""
    pairs = joint.unflatten(1, (-1, width // 2, 2))
    if joint.dtype == torch.float32:
        torch.view_as_complex(pairs).mul_(rotation)
    else:
        pairs.copy_(torch.view_as_real(torch.view_as_complex(pairs.float()) * rotation))


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """Attention of queries (B, T, heads, W) over keys and values (B, key heads, S, W); (B, T, heads, W)."""
    batch, count, heads, width = query.shape
    groups = heads // key.shape[1]
    if count == 1:  # the queries of a key head stand in the place of several tokens
        asked = query.view(batch, -1, groups, width)
        return functional.scaled_dot_product_attention(asked, key, value, mask).view(batch, 1, heads, width)
    seen = functional.scaled_dot_product_attention(
        query.transpose(1, 2), key, value, mask, is_causal=mask is None, enable_gqa=groups > 1
    )
    return seen.transpose(1, 2)
