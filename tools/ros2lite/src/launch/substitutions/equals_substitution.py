"""Comparison of two values: as bools if both are, as numbers if both are, else as texts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from launch.substitution import Substitution
from launch.utilities import expand, normalize_to_list_of_substitutions
from launch.utilities.type_utils import is_substitution

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

_BOOLS = {"true": True, "1": True, "false": False, "0": False}


class EqualsSubstitution(Substitution):
    """`true` if both sides are equal."""

    def __init__(self, left: Any, right: Any) -> None:
        """Compare `left` and `right`; None counts as the empty text."""
        self.left = _texts(left)
        self.right = _texts(right)

    def perform(self, context: LaunchContext) -> str:
        """See the base class."""
        return str(_equal(expand(context, self.left), expand(context, self.right))).lower()


class NotEqualsSubstitution(EqualsSubstitution):
    """`true` if the sides differ."""

    def perform(self, context: LaunchContext) -> str:
        """See the base class."""
        return str(super().perform(context) == "false").lower()


def _texts(value: Any) -> list[Substitution]:
    if is_substitution(value):
        return normalize_to_list_of_substitutions(value)
    if value is None:
        return normalize_to_list_of_substitutions("")
    return normalize_to_list_of_substitutions(str(value).lower() if isinstance(value, bool) else str(value))


def _equal(left: str, right: str) -> bool:
    if left.lower() in _BOOLS and right.lower() in _BOOLS:
        return _BOOLS[left.lower()] == _BOOLS[right.lower()]
    try:
        return math.isclose(float(left), float(right))
    except ValueError:
        return left == right
