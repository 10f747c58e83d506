"""Plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from launch.substitution import Substitution

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext


class TextSubstitution(Substitution):
    """Stands for itself."""

    def __init__(self, *, text: str) -> None:
        """Keep the text.

        Raises:
            TypeError: it is no text.
        """
        if not isinstance(text, str):
            raise TypeError(f"TextSubstitution expects a text, got {text!r} of type {type(text).__name__}")
        self.text = text

    def describe(self) -> str:
        """See the base class."""
        return repr(self.text)

    def perform(self, context: LaunchContext) -> str:
        """See the base class."""
        return self.text
