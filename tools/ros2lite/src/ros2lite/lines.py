"""Turn the byte stream of a child into lines, and know the live line it is drawing."""

from __future__ import annotations

import codecs
import re

_ERASE = re.compile(r"\r|\x1b\[[0-2]?K")
_CURSOR = re.compile(r"\x1b\[\?25[lh]")


def visible(text: str) -> str:
    """What a terminal shows of `text` (one line) once its carriage returns and erasures have been obeyed."""
    pieces = [piece for piece in _ERASE.split(_CURSOR.sub("", text)) if piece]
    return pieces[-1] if pieces else ""


class LineBuffer:
    """Collects bytes of one stream; gives whole lines and the unfinished rest."""

    def __init__(self) -> None:
        """Start empty; undecodable bytes become replacement characters."""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""

    def feed(self, data: bytes) -> list[str]:
        """Add bytes and return the lines they complete, without line ends."""
        *whole, self._rest = (self._rest + self._decoder.decode(data)).split("\n")
        return [visible(line) for line in whole]

    def live(self) -> str | None:
        """The unfinished line, if the child redraws it in place (it holds a carriage return); else None."""
        return visible(self._rest) if "\r" in self._rest or "\x1b[2K" in self._rest else None

    def flush(self) -> list[str]:
        """Return the unfinished line, if any, and forget it."""
        rest, self._rest = visible(self._rest), ""
        return [rest] if rest else []
