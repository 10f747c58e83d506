from __future__ import annotations

import pytest

from vlmrl_ros.core.errors import ConfigError, RangeError
from vlmrl_ros.policies.language.tokenizer import BEGIN, Tokenizer

TEXTS = ("goal at 8, 11; walls up, down\n", "move up\n", "\N{SNOWMAN}")


@pytest.mark.parametrize("kind", ["word", "character"])
def test_every_text_comes_back(kind):
    tokenizer = Tokenizer.of(kind, TEXTS)
    for text in (*TEXTS, "", "  wop 1 ,\n\n", "moves", "um"):
        assert tokenizer.decode(tokenizer.prompt(text)) == text
    assert tokenizer.prompt("") == (BEGIN,)


def test_words_and_digits_are_one_token_each_and_unknown_words_are_spelled():
    tokenizer = Tokenizer.of("word", TEXTS)
    pieces = [tokenizer.decode([token]) for token in tokenizer.encode(" 11 walls up\n")]
    assert pieces == [" 1", "1", " walls", " up", "\n"]
    assert len(tokenizer.encode("wal")) == 3
    assert len(Tokenizer.of("character", TEXTS).encode(" walls up\n")) == 10


def test_a_character_beyond_the_vocabulary_is_named():
    with pytest.raises(RangeError, match="'é' is not in the vocabulary; valid: "):
        Tokenizer.of("word", TEXTS).encode("allé")


def test_a_description_makes_the_same_tokenizer():
    tokenizer = Tokenizer.of("word", TEXTS)
    again = Tokenizer(**tokenizer.describe())
    assert again.encode(TEXTS[0]) == tokenizer.encode(TEXTS[0])
    assert (again.end, again.size) == (tokenizer.end, tokenizer.size)


@pytest.mark.parametrize(
    ("kind", "pieces"), [("byte", ["\n"]), ("word", ["a"]), ("word", ["\n", "\n"]), ("word", ["\n", ""])]
)
def test_a_vocabulary_that_cannot_be_is_refused(kind, pieces):
    with pytest.raises(ConfigError):
        Tokenizer(kind, pieces)
