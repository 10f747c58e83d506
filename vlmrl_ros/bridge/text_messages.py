"""Texts of a step: a ``std_msgs/String`` has no header, so the stamp travels inside, as JSON (ADR 12)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from std_msgs.msg import String

from vlmrl_ros.core.errors import ConfigError, RangeError
from vlmrl_ros.core.json_text import read_json
from vlmrl_ros.core.spec import MAX_NAME
from vlmrl_ros.core.text import Answer

OBSERVATION, SAID, EXECUTED = "observation/text", "policy/text", "executed/text"
"""Topics: the whole prompt; the answer of the policy; what was carried out of it, empty at the last step."""
MOST_TEXT = 1_000_000
"""Longest message that is parsed, characters."""
_MOST_NS, _MOST_ID = 2**63, 2**31


def text_message(stamp_ns: int, text: str) -> String:
    """Compose the text of a step."""
    return String(data=json.dumps({"stamp_ns": stamp_ns, "text": text}))


def answer_message(stamp_ns: int, answer: Answer) -> String:
    """Compose what was said in a step: its text, and its tokens where a model drew them."""
    tokens = {"token_ids": answer.token_ids} if answer.token_ids else {}
    return String(data=json.dumps({"stamp_ns": stamp_ns, "text": answer.text, **tokens}))


def read_text(message: String, what: str) -> tuple[int, str]:
    """Stamp of the step, ns, and the text; as :func:`read_answer`."""
    stamp_ns, answer = read_answer(message, what)
    return stamp_ns, answer.text


def read_answer(message: String, what: str) -> tuple[int, Answer]:
    """Stamp of the step, ns, and what was said, which in older bags has no tokens.

    Raises:
        ShapeError: no JSON with a stamp and a text, or tokens that are no ids.
        RangeError: too long, or a stamp that no time has.
    """
    stamp_ns, answer = read_json(message.data, f"a text on {what}", MOST_TEXT, _parts)
    if not 0 <= stamp_ns < _MOST_NS:
        raise RangeError(f"{what} has stamp_ns {stamp_ns}; valid: 0 to 2**63 - 1")
    return stamp_ns, answer


def spec_message(task: str, options: Mapping[str, Any]) -> String:
    """Compose ``spec`` of a text task: its name, and those of its options that were given."""
    return String(data=json.dumps({"task": task, "options": dict(options)}, sort_keys=True))


def read_text_spec(message: String) -> tuple[str, dict[str, Any]]:
    """Name of the task in the ``spec`` of a text task, and those of its options that were given.

    Raises:
        ShapeError: no spec of a text task.
        RangeError: it is too long.
    """
    return read_json(message.data, "the spec of a text task", MOST_TEXT, _task_and_options)


def check_text_spec(message: String, task: str, options: Mapping[str, Any]) -> None:
    """See that a bridge plays what others in the loop are set up for.

    Raises:
        ShapeError: no spec of a text task.
        RangeError: it is too long.
        ConfigError: another task, or other options of it.
    """
    found = read_text_spec(message)
    wanted = (task, json.loads(json.dumps(dict(options))))
    if found != wanted:
        raise ConfigError(
            f"text_bridge plays '{found[0]}' with options {found[1]}, but this node has '{wanted[0]}' with"
            f" {wanted[1]}; give the task's options to all nodes (/**)"
        )


def _task_and_options(plain: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    task, options = plain["task"], plain["options"]
    if not isinstance(task, str) or not 1 <= len(task) <= MAX_NAME or not isinstance(options, dict):
        raise ValueError(f"task is a name of {MAX_NAME} characters at most, and options an object")
    return task, options


def _parts(plain: Mapping[str, Any]) -> tuple[int, Answer]:
    stamp_ns, text, ids = plain["stamp_ns"], plain["text"], plain.get("token_ids", [])
    if type(stamp_ns) is not int or not isinstance(text, str):
        raise ValueError("stamp_ns is a whole number and text a text")
    if not isinstance(ids, list) or not all(type(one) is int and 0 <= one < _MOST_ID for one in ids):
        raise ValueError(f"token_ids are whole numbers from 0 to {_MOST_ID - 1}, in a list")
    return stamp_ns, Answer(text, tuple(ids))
