"""The newest weights that the policy was given, in a checkpoint: it acts with them until the next ones."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from vlmrl_ros.bridge.weights import Weights
from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.snapshot import Content, Part, json_part

PUBLISHED_FILE, VERSION_FILE = "published.safetensors", "published.json"


def published_parts(weights: Weights | None) -> dict[str, Part]:
    """Parts of a checkpoint; none before the first weights."""
    if weights is None:
        return {}
    variables = dict(weights.variables)  # nobody changes them

    def copy() -> Content:
        return lambda: [save(variables)]

    return {
        PUBLISHED_FILE: Part(copy),
        VERSION_FILE: json_part({"version": weights.version, "step": weights.step}),
    }


def read_published(checkpoint: Path) -> Weights | None:
    """What :func:`published_parts` described; None where there were no weights yet.

    Raises:
        CheckpointError: a file is damaged.
    """
    if not (checkpoint / PUBLISHED_FILE).exists():
        return None
    try:
        plain = json.loads((checkpoint / VERSION_FILE).read_text(encoding="utf-8"))
        return Weights(load_file(checkpoint / PUBLISHED_FILE), int(plain["version"]), int(plain["step"]))
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise CheckpointError(f"checkpoint '{checkpoint}' lacks what a run goes on with: {error}") from error
