"""A substitution that cannot be computed."""

from __future__ import annotations

from ros2lite.errors import Ros2LiteError


class SubstitutionFailure(Ros2LiteError):  # noqa: N818 (its real name)
    """Names the substitution and why."""
