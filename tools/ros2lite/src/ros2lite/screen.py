"""The terminal, shared by the launcher and all its children: whole lines, and at most one live line below them."""

from __future__ import annotations

import os
import sys
from typing import TextIO

_CLEAR = "\r\x1b[2K"


class Screen:
    """Writes to standard output as it is at the time of writing; stops when the reader has gone."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to `stream`, or to `sys.stdout` if None."""
        self._stream = stream
        self._live: tuple[str, str] | None = None
        self._closed = False

    @property
    def is_terminal(self) -> bool:
        """True if live lines can be drawn."""
        return self._out.isatty()

    def size(self) -> tuple[int, int] | None:
        """Columns and rows of the terminal; None if it is not one."""
        try:
            return tuple(os.get_terminal_size(self._out.fileno()))  # type: ignore[return-value]
        except (OSError, ValueError):
            return None

    def line(self, text: str) -> None:
        """Write one line above the live line."""
        if self._live is None:
            self._write(f"{text}\n")
        else:
            self._write(f"{_CLEAR}{text}\n{self._live[1]}")

    def live(self, owner: str, text: str | None) -> None:
        """Draw, replace or (None) remove the live line of `owner`; does nothing where there is no terminal."""
        if not self.is_terminal or (text is None and (self._live is None or self._live[0] != owner)):
            return
        self._live = None if text is None else (owner, text)
        self._write(_CLEAR if text is None else f"{_CLEAR}{text}")

    @property
    def _out(self) -> TextIO:
        return self._stream or sys.stdout

    def _write(self, text: str) -> None:
        if self._closed:
            return
        encoding = self._out.encoding or "utf-8"
        try:
            self._out.write(text.encode(encoding, "replace").decode(encoding))
            self._out.flush()
        except (BrokenPipeError, OSError):
            self._closed = True
