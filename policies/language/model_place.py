"""Where a causal language model of transformers lies, told without loading anything."""

from __future__ import annotations

from pathlib import Path

from vlmrl_ros.core.errors import ConfigError

SMOLLM2 = "smollm2"
"""Stands for the model that a package carries."""


def check_place(model: str) -> None:
    """See that there is a directory, or that the name is :data:`SMOLLM2`.

    Raises:
        ConfigError: it is neither.
    """
    if model != SMOLLM2 and not Path(model).is_dir():
        raise ConfigError(
            f"model is '{model}', which is no directory with a causal language model; '' is a GPT, '{SMOLLM2}' the"
            " model of a package"
        )
