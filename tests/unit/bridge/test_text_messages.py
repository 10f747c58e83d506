from __future__ import annotations

import json

import pytest
from std_msgs.msg import String

from vlmrl_ros.bridge.text_messages import (
    MOST_TEXT,
    answer_message,
    check_text_spec,
    read_answer,
    read_text,
    read_text_spec,
    spec_message,
    text_message,
)
from vlmrl_ros.core.errors import ConfigError, RangeError, ShapeError
from vlmrl_ros.core.text import Answer


@pytest.mark.parametrize("text", ["", "move up\n", 'a "quoted" \\ text', "zürich \u2654", "\ud800"])
def test_a_text_and_its_stamp_come_back(text):
    assert read_text(text_message(17_000_000_001, text), "policy/text") == (17_000_000_001, text)


@pytest.mark.parametrize("answer", [Answer("move up\n", (0, 3, 2**31 - 1)), Answer(""), Answer("said by nobody")])
def test_an_answer_comes_back_with_its_tokens(answer):
    message = answer_message(5, answer)
    assert read_answer(message, "policy/text") == (5, answer)
    assert read_text(message, "policy/text") == (5, answer.text)


def test_an_answer_of_an_older_bag_has_no_tokens():
    message = String(data='{"stamp_ns": 5, "text": "move up\\n"}')
    assert read_answer(message, "executed/text") == (5, Answer("move up\n"))


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("move up", ShapeError),
        ("[]", ShapeError),
        (json.dumps({"text": "move up"}), ShapeError),
        (json.dumps({"stamp_ns": 1.5, "text": "move up"}), ShapeError),
        (json.dumps({"stamp_ns": True, "text": "move up"}), ShapeError),
        (json.dumps({"stamp_ns": 1, "text": 3}), ShapeError),
        (json.dumps({"stamp_ns": 1, "text": "", "token_ids": 3}), ShapeError),
        *(
            (json.dumps({"stamp_ns": 1, "text": "", "token_ids": [1, bad]}), ShapeError)
            for bad in (-1, 2**31, 1.0, "a")
        ),
        (json.dumps({"stamp_ns": -1, "text": ""}), RangeError),
        (json.dumps({"stamp_ns": 2**63, "text": ""}), RangeError),
        ("x" * (MOST_TEXT + 1), RangeError),
    ],
)
def test_a_malformed_text_is_refused(data, error):
    with pytest.raises(error, match="policy/text"):
        read_text(String(data=data), "policy/text")


def test_a_bridge_that_plays_something_else_is_told_of():
    message = spec_message("maze", {"start": 3})
    assert read_text_spec(message)[0] == "maze"
    check_text_spec(message, "maze", {"start": 3})
    for task, options in (("wordle", {"start": 3}), ("maze", {})):
        with pytest.raises(ConfigError, match=f"plays 'maze' with options .*, but this node has '{task}'"):
            check_text_spec(message, task, options)
    with pytest.raises(ShapeError, match="not the spec of a text task"):
        read_text_spec(String(data="{}"))
