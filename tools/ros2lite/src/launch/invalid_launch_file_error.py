"""A launch file that cannot be used."""

from __future__ import annotations

from ros2lite.errors import Ros2LiteError


class InvalidLaunchFileError(Ros2LiteError):
    """Names the file and what is wrong with it."""

    def __init__(self, extension: str = "", *, likely_errors: list[Exception] | None = None, message: str = "") -> None:
        """Compose the message from the parts given."""
        causes = "; ".join(str(error) for error in likely_errors or [])
        super().__init__(
            message or f"The launch file may have a syntax error, or its format '{extension}' is unknown: {causes}"
        )
