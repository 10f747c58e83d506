"""Errors that end a command with one line; each names the bad value and the valid ones."""

from __future__ import annotations

from collections.abc import Iterable


class Ros2LiteError(RuntimeError):
    """Base of all errors a user can cause; the command line prints it as one line and exits with 1."""


class UnknownNameError(Ros2LiteError):
    """A name (package, file, executable, node, ...) that does not exist here."""

    def __init__(self, kind: str, name: str, valid: Iterable[str], where: str = "") -> None:
        """Compose the message.

        Args:
            kind: what the name stands for, e.g. `package`.
            name: the bad name.
            valid: the names that exist.
            where: optional place, put behind the name.
        """
        known = ", ".join(sorted(set(valid))) or "none"
        place = f" {where}" if where else ""
        super().__init__(f"{kind} '{name}' not found{place}; known here: {known}")


class MissingFeatureError(Ros2LiteError, ImportError):
    """Something a full ROS 2 has and this stand-in has not."""

    def __init__(self, feature: str, hint: str = "") -> None:
        """Compose the message from the dotted name of the feature and an optional hint."""
        tail = f" ({hint})" if hint else ""
        super().__init__(f"{feature} is not covered by ros2lite{tail}; a full ROS 2 provides it")


def missing(module: str, name: str) -> Exception:
    """Error for `module.name`, to be raised by a module's `__getattr__`.

    Dunder and private names are probed by the import system and by tools, so they stay plain attribute errors.
    """
    if name.startswith("_"):
        return AttributeError(f"module '{module}' has no attribute '{name}'")
    return MissingFeatureError(f"{module}.{name}")
