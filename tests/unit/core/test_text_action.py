from __future__ import annotations

import pytest

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.text_action import read_action

POINTS = ("1", "2", "10", "+", "*", "=")


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ('{"thoughts": "1 and 2", "action": "+"}', "+"),
        ('{"action": "10"}', "10"),
        ('{"action": "1"}', "1"),
        ('{"ACTION" :"+"', "+"),
        ('"action": "1", "thoughts": "no", "action": "="', "="),
        ('{"action": "1 or 2"}', None),
        ('{"action": "10 or 1"}', None),
        ('{"action": "11"}', "1"),
        ('{"action": ""}', None),
        ("I would take +", None),
        ("", None),
    ],
)
def test_the_action_is_the_one_legal_action_after_the_last_key(text, action):
    said = read_action(text, POINTS)
    assert said.action == action
    assert said.valid == (action is not None)


def test_words_may_be_written_in_capitals():
    assert read_action('"action": "STAND"', ("stand", "hit")).action == "stand"


def test_the_spans_are_all_of_the_text_and_part_it_at_the_key():
    text = 'ein schöner Zug {"thoughts": "größer", "action": "+"}'
    said = read_action(text, POINTS)
    assert said.thought == (0, text.index('"action"'))
    assert said.named == (text.index('"action"'), len(text))


def test_without_a_key_all_is_thought():
    assert read_action("hm", POINTS).thought == (0, 2)
    assert read_action("hm", POINTS).named == (2, 2)


@pytest.mark.parametrize("legal", [(), ("", "+")])
def test_there_must_be_legal_actions(legal):
    with pytest.raises(ConfigError, match="at least one"):
        read_action("+", legal)
