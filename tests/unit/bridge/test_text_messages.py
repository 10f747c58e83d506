from __future__ import annotations

import json

import pytest
from std_msgs.msg import String

from vlmrl_ros.bridge.text_messages import (
    MOST_TEXT,
    check_text_spec,
    read_text,
    read_text_spec,
    spec_message,
    text_message,
)
from vlmrl_ros.core.errors import ConfigError, RangeError, ShapeError


@pytest.mark.parametrize("text", ["", "move up\n", 'a "quoted" \\ text', "zürich \u2654", "\ud800"])
def test_a_text_and_its_stamp_come_back(text):
    assert read_text(text_message(17_000_000_001, text), "policy/text") == (17_000_000_001, text)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("move up", ShapeError),
        ("[]", ShapeError),
        (json.dumps({"text": "move up"}), ShapeError),
        (json.dumps({"stamp_ns": 1.5, "text": "move up"}), ShapeError),
        (json.dumps({"stamp_ns": True, "text": "move up"}), ShapeError),
        (json.dumps({"stamp_ns": 1, "text": 3}), ShapeError),
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
