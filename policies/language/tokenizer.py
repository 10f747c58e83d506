"""Texts as numbers: characters, or words that fall back to characters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from vlmrl_ros.core.errors import ConfigError, RangeError
from vlmrl_ros.core.text_episode import END

WORDS = re.compile(r" ?[^\W\d_]+| ?\d|.", re.DOTALL)
"""Words and digits with the blank before them; whatever else, one by one. The pieces of a text are all of it."""
KINDS = ("word", "character")
BEGIN = 0
"""Id of the token before every prompt; it stands for no text."""
_REMEMBERED = 100_000


class Tokenizer:
    """Splits a text into pieces that it has met; a word that it has not is spelled.

    Attributes:
        end: id of the line end.
        ends: ids of the tokens that end an answer: of that one alone.
        size: number of ids.
    """

    def __init__(self, kind: str, pieces: Iterable[str]) -> None:
        """Number the pieces from 1 on.

        Args:
            kind: one of :data:`KINDS`.
            pieces: all texts that have an id of their own.

        Raises:
            ConfigError: an unknown kind, a piece that is empty or comes twice, or none that ends an answer.
        """
        self.kind, self.pieces = kind, tuple(pieces)
        if kind not in KINDS:
            raise ConfigError(f"tokenizer is '{kind}'; valid: {', '.join(KINDS)}")
        self._ids = {piece: number for number, piece in enumerate(self.pieces, BEGIN + 1)}
        if len(self._ids) < len(self.pieces) or "" in self._ids or END not in self._ids:
            raise ConfigError(f"a vocabulary has pieces that are not empty, each once, with {END!r} among them")
        self.end, self.size = self._ids[END], len(self.pieces) + 1
        self.ends = frozenset({self.end})
        self.encode = lru_cache(_REMEMBERED)(self._encode)

    @classmethod
    def of(cls, kind: str, texts: Iterable[str]) -> Tokenizer:
        """A tokenizer that knows the characters of some texts and, where words are its kind, their words."""
        characters: set[str] = {END}
        words: set[str] = set()
        for text in texts:
            characters.update(text)
            if kind == "word":
                words.update(WORDS.findall(text))
        return cls(kind, [*sorted(characters), *sorted(words - characters)])

    def _encode(self, text: str) -> tuple[int, ...]:
        """The ids of a text.

        Raises:
            RangeError: a character that no text had from which the vocabulary was made.
        """
        ids: list[int] = []
        for piece in WORDS.findall(text) if self.kind == "word" else text:
            if piece in self._ids:
                ids.append(self._ids[piece])
                continue
            for character in piece:
                if character not in self._ids:
                    known = "".join(sorted(one for one in self._ids if len(one) == 1))
                    raise RangeError(f"character {character!r} is not in the vocabulary; valid: {known!r}")
                ids.append(self._ids[character])
        return tuple(ids)

    def prompt(self, text: str) -> tuple[int, ...]:
        """The ids of a text that something is to be said to: at least one, also where the text is empty."""
        return (BEGIN, *self.encode(text))

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids."""
        return "".join(self.pieces[one - 1] for one in ids if one != BEGIN)

    def describe(self) -> Mapping[str, Any]:
        """What makes it again, fit for JSON."""
        return {"kind": self.kind, "pieces": list(self.pieces)}
