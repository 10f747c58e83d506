"""An encoder by name, with options as text: so they go through parameters, command lines and the weights alike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import torch

from vlmrl_ros.core import registry
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.spec import CameraSpec
from vlmrl_ros.policies.encoders.base import ImageEncoder


def build_encoder(name: str, options: Sequence[str], camera: CameraSpec, generator: torch.Generator) -> ImageEncoder:
    """Make an encoder for the frames of a camera.

    Args:
        name: of the plug-in.
        options: those that differ from its defaults, each ``<name>=<JSON value>``.
        camera: whose frames it takes.
        generator: draws the weights.

    Raises:
        UnknownNameError: no such encoder or option.
        ConfigError: an option that cannot be read, a bad value, or frames that the encoder cannot take.
    """
    build = registry.load("encoders", name)
    made: ImageEncoder = build(camera.height, camera.width, dict(map(_read, options)), generator)
    return made


def _read(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        raise ConfigError(
            f"encoder_options has '{text}'; valid: <name>=<JSON value>, like channels=[8, 16, 16]"
        ) from None
