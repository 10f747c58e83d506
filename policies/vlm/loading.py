"""A model, its processor and its adapter: from a folder, from the hub, or built here."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from vlmrl_ros.core.errors import CheckpointError, ConfigError
from vlmrl_ros.policies.networks.compute import device_of
from vlmrl_ros.policies.vlm import smol, tiny
from vlmrl_ros.policies.vlm.config import NONE, SMOL, TINY
from vlmrl_ros.policies.vlm.quantised import QuantisedLinear, quantise
from vlmrl_ros.policies.vlm.weights import has_adapter

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
SCALING = 2.0
"""By which the product of an adapter's two weights counts in every model here: what travels bears none."""
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
        ConfigError: there is no such model, it does not take images and text and give text, some of its weights are
            missing, or its layers cannot be kept in so few bits.
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
            model, found = AutoModelForImageTextToText.from_pretrained(
                name, dtype=kind, use_safetensors=True, output_loading_info=True
            )
        except _BROKEN as error:
            raise ConfigError(f"model '{name}' cannot be loaded: {_first_line(error)}") from error
        if missing := sorted(found["missing_keys"]):
            raise ConfigError(
                f"model '{name}' lacks {len(missing)} weights, {missing[0]}; valid: a folder with all of them, of a "
                "model with an adapter what the command vlm_model writes"
            )
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
    """Put a trained LoRA adapter on a model that has none; its weights are scaled to count by :data:`SCALING`.

    Raises:
        CheckpointError: there is none in the folder, or it is of another kind or that of another model.
        ConfigError: the model has an adapter.
    """
    _check_bare(model)
    from peft import PeftConfig, PeftModel  # takes seconds: only where there is an adapter

    missing = [name for name in ADAPTER_FILES if not (Path(path) / name).is_file()]
    if missing:
        raise CheckpointError(f"adapter '{path}' lacks {', '.join(missing)}; valid: a folder that holds both")
    try:
        config = PeftConfig.from_pretrained(path)
        if config.peft_type != "LORA" or config.use_dora:
            raise CheckpointError(f"adapter '{path}' is no plain LoRA; valid: peft_type LORA without use_dora")
        wrapped = PeftModel(model, config)
        found = wrapped.load_adapter(path, "default")
    except _BROKEN as error:
        raise CheckpointError(f"adapter '{path}' does not fit the model: {_first_line(error)}") from error
    strange = [*found.missing_keys, *found.unexpected_keys]
    if strange:
        raise CheckpointError(f"adapter '{path}' is that of another model: {len(strange)} weights differ, {strange[0]}")
    _rescale(wrapped)
    return wrapped.eval()


def with_new_adapter(model: Any, rank: int) -> Any:
    """Put a LoRA adapter on every linear layer of the language model, which has none; it changes nothing at first.

    It alone is trained then, and of a model that came with a part frozen what was not (the projector of ``smol``). It
    computes in the numbers of the model, and begins alike wherever it is made.

    Raises:
        ConfigError: the model has an adapter.
    """
    from peft import LoraConfig, get_peft_model

    _check_bare(model)
    free = _free_parts(model)
    layers = rf".*{language_part(model)[0]}.*\.(q|k|v|o|gate|up|down)_proj"
    made = LoraConfig(r=rank, lora_alpha=int(SCALING * rank), target_modules=layers)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        wrapped = get_peft_model(model, made, autocast_adapter_dtype=False).eval()
    for weights in free:
        weights.requires_grad_(True)
    return wrapped


def merged(model: Any) -> Any:
    """A model with the product of its adapter in its own weights, and nothing else of the adapter.

    Raises:
        ConfigError: its layers are kept in too few bits for that.
    """
    if any(isinstance(layer, QuantisedLinear) for layer in model.modules()):
        raise ConfigError(f"a quantised model takes no adapter into its weights; valid: quantisation {NONE}")
    return model.merge_and_unload() if has_adapter(model) else model


def save_model(folder: Path, model: Any, processor: Any) -> None:
    """Write a model, :func:`merged`, and its processor as a folder for :func:`load_model`, whole or not at all.

    Args:
        folder: what is there is replaced.
        model: an adapter within is merged on the spot.
        processor: of the model.

    Raises:
        ConfigError: as :func:`merged`.
        OSError: it cannot be written.
    """
    aside = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    for part in (merged(model), processor):
        part.save_pretrained(aside)
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)


def language_part(model: Any) -> tuple[str, torch.nn.Module]:
    """The language model within, without its head, and what it is called there."""
    inner = model.model
    return next((name, getattr(inner, name)) for name in ("language_model", "text_model") if hasattr(inner, name))


def _check_bare(model: Any) -> None:
    """See that there is no adapter: a second one would take the place of the first, or stand on it unseen."""
    if has_adapter(model):
        raise ConfigError("the model has an adapter; valid: a model without, or one that has its adapter merged")


@torch.no_grad()
def _rescale(wrapped: Any) -> None:
    """Have an adapter count by :data:`SCALING`, with weights that say the same."""
    from peft.tuners.lora import LoraLayer

    for layer in wrapped.modules():
        if isinstance(layer, LoraLayer) and "default" in layer.lora_B:
            layer.lora_B["default"].weight.mul_(layer.scaling["default"] / SCALING)
            layer.scaling["default"] = SCALING
    config = wrapped.peft_config["default"]
    config.lora_alpha, config.use_rslora = SCALING * config.r, False
    config.alpha_pattern = {name: SCALING * rank for name, rank in config.rank_pattern.items()}


def _free_parts(model: Any) -> list[torch.nn.Parameter]:
    """What is trained of a model that came with a part frozen, the projector of ``smol``; of others nothing."""
    every = list(model.parameters())
    free = [weights for weights in every if weights.requires_grad]
    return free if len(free) < len(every) else []


def _check_folder(name: str) -> None:
    """A name that is meant as a path must be one: the hub is not asked for it.

    So is ``runs/model`` where there is a folder ``runs``.
    """
    path = Path(name).expanduser()
    meant = name.startswith((".", "/", "~")) or name.count("/") != 1 or path.parent.is_dir()
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
    """What an error says first; of one that lists what is wrong under a heading (torch), the first of that."""
    lines = [line.strip() for line in str(error).strip().splitlines()] or [type(error).__name__]
    return (lines[1] if lines[0].endswith(":") and len(lines) > 1 else lines[0])[:300]
