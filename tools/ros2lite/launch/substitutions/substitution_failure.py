"""A substitution that cannot be computed."""

from __future__ import annotations

from ros2lite.errors import Ros2LiteError


class SubstitutionFailure(Ros2LiteError):
    """Names the substitution and why."""
