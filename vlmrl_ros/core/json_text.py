"""JSON that others have sent: nothing in it is trusted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from vlmrl_ros.core.errors import ConfigError, RangeError, ShapeError

T = TypeVar("T")


def read_json(text: str, what: str, most: int, build: Callable[[Any], T]) -> T:
    """Make something of a JSON text.

    Args:
        text: as it came.
        what: it should be, with its article.
        most: characters that are parsed.
        build: makes it of the plain values; what it meets that does not fit may raise whatever such things raise.

    Raises:
        RangeError: the text is too long.
        ShapeError: it is no JSON, or none of that.
    """
    if len(text) > most:
        raise RangeError(f"{what} of {len(text)} characters; the most that is read is {most}")
    try:
        return build(json.loads(text))
    except (ConfigError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ShapeError(f"not {what}: {str(error)[:200]!r} in {text[:80]!r}") from error
