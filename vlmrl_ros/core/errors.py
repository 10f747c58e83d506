"""The package's errors: each names the bad value and, where they can be listed, the valid ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class VlmrlError(Exception):
    """Base of every error that a user can cause; nodes print it as one line and exit with status 1."""


class ConfigError(VlmrlError):
    """A configuration value has the wrong type, is out of range, or belongs to no known key."""


class UnknownNameError(VlmrlError):
    """A name was asked for that no plug-in, profile or parameter has."""

    def __init__(self, kind: str, name: str, valid: Iterable[str]) -> None:
        """Compose the message.

        Args:
            kind: what was looked up, for example ``"task"``.
            name: the name that was not found.
            valid: the names that exist; those like the name come first in the message.
        """
        names = sorted(valid)
        near = difflib.get_close_matches(name, names)
        self.valid = (*near, *(other for other in names if other not in near))
        super().__init__(f"unknown {kind} '{name}'; valid: {', '.join(self.valid) or '(none)'}")


class PluginError(VlmrlError):
    """A plug-in exists but cannot be loaded (a missing dependency, a broken module)."""


class ShapeError(VlmrlError):
    """An array or a named vector does not have the shape or the names of its spec."""


class NonFiniteError(VlmrlError):
    """A number that must be finite is NaN or infinite."""


class RangeError(VlmrlError):
    """A number, a length or a name in a message is beyond what any part of the loop sends."""


class CheckpointError(VlmrlError):
    """A checkpoint is missing, damaged, or made for another task."""


class RunDirectoryError(VlmrlError):
    """The run directory is in use by another run, not writable, or not a run directory."""


class RivalError(VlmrlError):
    """Another process already publishes what only one may publish."""

    def __init__(self, name: str, topic: str, rival: str, process: str) -> None:
        """Compose the message.

        Args:
            name: of the node that has come last.
            topic: of both.
            rival: name of the node that was there before.
            process: of the rival, as host and process id.
        """
        remedy = "end it, or give this one another namespace:= (or ROS_DOMAIN_ID)"
        super().__init__(f"'{name}' finds that '{rival}' of process {process} publishes '{topic}' already; {remedy}")


class BagError(VlmrlError):
    """A bag is missing, damaged, or made for another task."""


class DeviceError(VlmrlError):
    """An input device is missing or was lost."""


class RenderError(VlmrlError):
    """No OpenGL backend can render; the message says what to install."""
