"""Several sentences in one launch argument."""

from __future__ import annotations

from pathlib import Path

import yaml

from vlmrl_ros.core.errors import ConfigError

SEPARATOR = "|"
"""Sentences may have commas in them."""


def sentences(text: str, what: str) -> list[str]:
    """Sentences that are separated by :data:`SEPARATOR`, or the list in a YAML file.

    Args:
        text: the sentences, or the name of a file ``<name>.yaml``.
        what: they are, for errors.

    Raises:
        ConfigError: there is no such file, or no list of texts in it.
    """
    if not text.endswith(".yaml"):
        return [part for part in text.split(SEPARATOR) if part.strip()]
    try:
        listed = yaml.safe_load(Path(text).expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{what} names '{text}', which cannot be read: {error}") from error
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise ConfigError(f"{what} names '{text}', which holds {str(listed)[:80]!r}; valid: a list of texts")
    return listed
