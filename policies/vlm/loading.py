"""A model, its processor and its adapter: from a folder, from the hub, or built here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from vlmrl_ros.core.errors import CheckpointError, ConfigError
from vlmrl_ros.policies.networks.compute import device_of
from vlmrl_ros.policies.vlm import smol, tiny
from vlmrl_ros.policies.vlm.config import NONE, SMOL, TINY
from vlmrl_ros.policies.vlm.quantised import quantise

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
_BROKEN = (OSError, ValueError, KeyError, TypeError, ImportError, RuntimeError)
"""What transformers and peft raise where files are missing, damaged or of another model."""


def load_model(
    name: str, dtype: str, device: str, texts: Iterable[str], seed: int, quantisation: str = NONE
) -> tuple[Any, Any]:
    """Get a model.

    Args:
        name: :data:`TINY`, :data:`SMOL`, a folder, or the name of a model on the hub.
        dtype: ``float32``, ``bfloat16`` or ``float16``.
        device: ``auto``, ``cpu`` or ``cuda``.
        texts: prompts and answers to come, for the vocabulary of ``tiny``.
        seed: of the weights of ``tiny``, and of the projector of ``smol``.
        quantisation: ``none``, ``int8`` or ``int4``; what would otherwise be trained whole is not, then.

    Returns:
        the model, in evaluation mode, and its processor.

    Raises:
        ConfigError: there is no such model, it does not take images and text and give text, or its layers cannot be
            kept in so few bits.
    """
    place, kind = device_of(device), getattr(torch, dtype)
    if name == TINY:
        model, processor = tiny.build(texts, seed)
    elif name == SMOL:
        model, processor = smol.build(seed)
    else:
        _check_folder(name)
        try:
            processor = AutoProcessor.from_pretrained(name)
            model = AutoModelForImageTextToText.from_pretrained(name, dtype=kind, use_safetensors=True)
        except _BROKEN as error:
            raise ConfigError(f"model '{name}' cannot be loaded: {_first_line(error)}") from error
        processor.tokenizer.padding_side = "left"
    model = model.to(kind)
    if quantisation != NONE:
        free = _free_parts(model)
        quantise(language_part(model)[1], quantisation)
        model.requires_grad_(False)
        for weights in free:
            weights.requires_grad_(True)
    return model.to(place).eval(), processor


def with_adapter(model: Any, path: str) -> Any:
    """Put a trained LoRA adapter on a model.

    Raises:
        CheckpointError: there is none in the folder, or it is that of another model.
    """
    from peft import PeftConfig, PeftModel  # takes seconds: only where there is an adapter

    missing = [name for name in ADAPTER_FILES if not (Path(path) / name).is_file()]
    if missing:
        raise CheckpointError(f"adapter '{path}' lacks {', '.join(missing)}; valid: a folder that holds both")
    try:
        wrapped = PeftModel(model, PeftConfig.from_pretrained(path))
        found = wrapped.load_adapter(path, "default")
    except _BROKEN as error:
        raise CheckpointError(f"adapter '{path}' does not fit the model: {_first_line(error)}") from error
    strange = [*found.missing_keys, *found.unexpected_keys]
    if strange:
        raise CheckpointError(f"adapter '{path}' is that of another model: {len(strange)} weights differ, {strange[0]}")
    return wrapped.eval()


def with_new_adapter(model: Any, rank: int) -> Any:
    """Put a LoRA adapter on every linear layer of the language model; it changes nothing before it has learned.

    It alone is trained then, and of a model that came with a part frozen what was not (the projector of ``smol``). It
    computes in the numbers of the model, and begins alike wherever it is made.
    """
    from peft import LoraConfig, get_peft_model

    free = _free_parts(model)
    layers = rf".*{language_part(model)[0]}.*\.(q|k|v|o|gate|up|down)_proj"
    made = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=layers)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        wrapped = get_peft_model(model, made, autocast_adapter_dtype=False).eval()
    for weights in free:
        weights.requires_grad_(True)
    return wrapped


def language_part(model: Any) -> tuple[str, torch.nn.Module]:
    """The language model within, without its head, and what it is called there."""
    inner = model.model
    return next((name, getattr(inner, name)) for name in ("language_model", "text_model") if hasattr(inner, name))


def _free_parts(model: Any) -> list[torch.nn.Parameter]:
    """What is trained of a model that came with a part frozen, the projector of ``smol``; of others nothing."""
    every = list(model.parameters())
    free = [weights for weights in every if weights.requires_grad]
    return free if len(free) < len(every) else []


def _check_folder(name: str) -> None:
    """A name that is meant as a path must be one: the hub is not asked for it."""
    path = Path(name).expanduser()
    meant = name.startswith((".", "/", "~")) or name.count("/") != 1
    if path.is_dir():
        try:
            json.loads((path / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"model '{name}' has no config.json that can be read; valid: a folder with one"
            ) from error
    elif meant:
        raise ConfigError(f"model '{name}' is no folder; valid: {TINY}, {SMOL}, a folder, or <owner>/<name> on the hub")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
