"""What is wrong in several places, as one line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial


class Problems:
    """Keeps one problem for each place and shows all of them together."""

    def __init__(self, show: Callable[[str], None]) -> None:
        """Begin with none.

        Args:
            show: told of all problems whenever one comes or goes; "" when there is none.
        """
        self._show = show
        self._texts: dict[str, str] = {}

    def set(self, place: str, text: str) -> None:
        """Say what is wrong in a place; "" when nothing is."""
        if self._texts.get(place, "") != text:
            self._texts[place] = text
            self._show("; ".join(filter(None, self._texts.values())))

    def at(self, place: str) -> str:
        """What is wrong in a place."""
        return self._texts.get(place, "")

    def of(self, place: str) -> Callable[[str], None]:
        """Sets the problem of one place."""
        return partial(self.set, place)
