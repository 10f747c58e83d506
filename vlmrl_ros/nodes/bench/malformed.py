"""Messages that nobody should send: recorded ones, spoiled, and whatever the type of a topic can hold.

A *spoiled* message cannot be used and must be refused. A *misplaced* one has good content under a stamp of another
time. A *torn* one is damaged in its bytes, as they travel; what the middleware still reads of it may be anything.
"""

from __future__ import annotations

import array
import copy
import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from rclpy.serialization import deserialize_message, serialize_message
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image, JointState, Joy
from std_msgs.msg import String, UInt8MultiArray

from vlmrl_ros.bridge.joy_messages import MAX_JOY
from vlmrl_ros.bridge.messages import ESTOP_NAME, LIMITED_NAME, MARK_NAME, MAX_VECTOR
from vlmrl_ros.bridge.text_messages import EXECUTED, OBSERVATION, SAID
from vlmrl_ros.nodes.bench.malformed_robot import ROBOT_SPOILERS, Spoil

MAX_SEC = 2**31 - 1
BAD_NUMBERS = (float("nan"), float("inf"), float("-inf"), 1e300, -1e300, 1e12 + 0.5)
BAD_NAMES = ("", "\0", "x" * 100_000, "../../etc/passwd", "\ufffd\ufffd", "${HOME}", "‮name", "né\U0001f916")
NEEDED = {"learner/status": ("version", "finished")}
"""Components that a topic's readers need, where it is not all of them."""


def spoil(message: Any, topic: str, rng: np.random.Generator) -> Any:
    """A copy of a recorded message that cannot be used."""
    spoiled = copy.deepcopy(message)
    choices = [PLAIN[topic]] if topic in PLAIN else SPOILERS[type(message)]
    if isinstance(message, JointState):
        choices = [*choices, _of_one(topic)]
    choices[rng.integers(len(choices))](spoiled, rng)
    return spoiled


def misplace(message: Any, rng: np.random.Generator) -> Any:
    """A copy of a recorded message under a stamp of the past, of the future, or of no time at all."""
    misplaced = copy.deepcopy(message)
    stamp = misplaced.header.stamp
    kind = rng.integers(5)
    if kind == 0:
        stamp.sec, stamp.nanosec = -int(rng.integers(1, MAX_SEC)), 0
    elif kind == 1:
        stamp.sec, stamp.nanosec = 0, int(rng.integers(0, 2))
    elif kind == 2:
        stamp.sec, stamp.nanosec = MAX_SEC, 2**32 - 1
    elif kind == 3:
        stamp.sec, stamp.nanosec = stamp.sec + int(rng.integers(1, 50)), int(rng.integers(0, 10**9))
    else:
        stamp.sec = int(min(MAX_SEC, max(stamp.sec, 0) + 10 ** rng.integers(3, 9)))
        stamp.nanosec = int(rng.integers(0, 2**32))
    return misplaced


def tear(message: Any, rng: np.random.Generator) -> bytes:
    """The bytes of a recorded message, damaged: cut, overwritten, lengths blown up, text that is no UTF-8."""
    raw = bytearray(serialize_message(message))
    for _ in range(int(rng.integers(1, 4))):
        at, kind = int(rng.integers(4, max(5, len(raw)))), rng.integers(4)
        if kind == 0:
            del raw[at:]
        elif kind == 1:
            raw[at : at + 4] = struct.pack("<I", int(rng.choice([0xFFFFFFFF, 0x7FFFFFFF, 65536, 0])))
        elif kind == 2:
            raw[at : at + 1] = bytes([rng.integers(256)])
        else:
            raw[at : at + 8] = b"\xff\xfe\xc0\x80\xed\xa0\x80\xf8"[: len(raw) - at]
    return bytes(raw)


def read_torn(raw: bytes, kind: type[Any]) -> Any:
    """What the middleware reads of torn bytes; None where it refuses them."""
    try:
        return deserialize_message(raw, kind)
    except Exception:  # noqa: BLE001 - each middleware has errors of its own
        return None


def _of_one(topic: str) -> Spoil:
    """Spoil one component that the readers of the topic need."""

    def apply(m: JointState, rng: np.random.Generator) -> None:
        needed = [k for k, name in enumerate(m.name) if name in NEEDED.get(topic, m.name) and name != LIMITED_NAME]
        at, names = int(rng.choice(needed)), list(m.name)
        if rng.integers(3) or names[at] in (MARK_NAME, ESTOP_NAME):
            m.position[at] = BAD_NUMBERS[rng.integers(len(BAD_NUMBERS))]
        elif topic == "scene":
            m.name = [*names, names[at]]
            m.position.append(0.0)
        else:
            names[at] = BAD_NAMES[rng.integers(len(BAD_NAMES))]
            m.name = names

    return apply


def _shorter_names(m: JointState, rng: np.random.Generator) -> None:
    m.name = list(m.name)[: rng.integers(len(m.name))]


def _more_values(m: JointState, rng: np.random.Generator) -> None:
    m.position.extend([0.0] * int(rng.integers(1, 50)))


def _no_values(m: JointState, _: np.random.Generator) -> None:
    m.position = array.array("d")


def _name_twice(m: JointState, rng: np.random.Generator) -> None:
    m.name = [*m.name, m.name[int(rng.integers(len(m.name)))]]
    m.position.append(1.0)


def _huge_vector(m: JointState, _: np.random.Generator) -> None:
    m.name = [f"n{k}" for k in range(MAX_VECTOR + 1)]
    m.position = array.array("d", bytes(8 * (MAX_VECTOR + 1)))


def _joy_axis(m: Joy, rng: np.random.Generator) -> None:
    m.axes = array.array("f", [*m.axes, 0.0])
    m.axes[int(rng.integers(len(m.axes)))] = float(rng.choice([np.nan, np.inf, -np.inf, 1e30]))


def _joy_bare(m: Joy, rng: np.random.Generator) -> None:
    m.axes, m.buttons = array.array("f"), array.array("i", [1] * int(rng.integers(0, 3)))


def _joy_huge(m: Joy, rng: np.random.Generator) -> None:
    size = MAX_JOY + int(rng.integers(1, 100))
    m.axes, m.buttons = array.array("f", bytes(4 * size)), array.array("i", [1] * size)


def _image_size(m: Image, rng: np.random.Generator) -> None:
    m.height, m.width = (int(rng.choice([0, 1, 7, 2**31, 2**32 - 1])) for _ in range(2))


def _image_encoding(m: Image, rng: np.random.Generator) -> None:
    m.encoding = str(rng.choice(["", "rgb16", "mono16", "32FC1", "rgb8" * 30_000, "\ufffd"]))


def _image_data(m: Image, rng: np.random.Generator) -> None:
    m.data = array.array("B", bytes(int(rng.integers(0, 1000)) + len(m.data) * int(rng.integers(0, 3)) + 1))


def _text(m: String, rng: np.random.Generator) -> None:
    texts = (
        m.data[: rng.integers(1, len(m.data))],
        "[" * 50_000,
        '{"a":' * 50_000,
        "NaN",
        " " * 1_100_000,
        "\0",
        "nul",
        '{"task": "x"}',
    )
    m.data = texts[rng.integers(len(texts))]


def _text_value(m: String, rng: np.random.Generator) -> None:
    """Another value somewhere in the JSON: what is still a spec is one of another task."""
    plain = json.loads(m.data)
    where: Any = plain
    while True:
        key = rng.choice(list(where)) if isinstance(where, dict) else int(rng.integers(len(where)))
        below = where[key]
        if not isinstance(below, (dict, list)) or not below or rng.integers(4) == 0:
            bad: Sequence[Any] = (None, [], {}, "", -1, 0.5, 10**400, float("nan"), "x" * 1000, [[]] * 10)
            fit = [value for value in bad if value != below and (value or below)]
            where[key] = fit[rng.integers(len(fit))]
            break
        where = below
    m.data = json.dumps(plain)


def _plan(m: String, rng: np.random.Generator) -> None:
    """One value of an episode's plan, or none of it."""
    _value(m, rng, list(json.loads(m.data)))


def _mixture(m: String, rng: np.random.Generator) -> None:
    """The names or the probabilities of a mixture, or none of it."""
    _value(m, rng, ["names", "probabilities"])


def _stamped_text(m: String, rng: np.random.Generator) -> None:
    """The stamp of a text, or no text of a step at all."""
    _value(m, rng, ["stamp_ns"])


def _value(m: String, rng: np.random.Generator, keys: list[str]) -> None:
    """One value of a JSON object, or what is none."""
    plain = json.loads(m.data)
    bad = (None, [], {}, "", -1e9, 10**400, float("nan"), "x" * 1000)
    plain[rng.choice(keys)] = bad[rng.integers(len(bad))]
    texts = (
        json.dumps(plain),
        m.data[: rng.integers(1, len(m.data))],
        "[" * 50_000,
        "null",
        " " * 1_100_000,
        '{"a": 1}',
    )
    m.data = texts[rng.integers(len(texts))] if rng.integers(2) else texts[0]


def _bytes(m: UInt8MultiArray, rng: np.random.Generator) -> None:
    raw = bytes(m.data)
    lengths = (0, 1, 2**31, 2**63, 2**64 - 1)
    nested = b'{"__metadata__":' + b"[" * 10_000
    bomb = (
        b'{"__metadata__":{"version":"1","step":"1","sha256":"0"},"w":{"dtype":"F32","shape":[4294967295,4294967295],'
    )
    bomb += b'"data_offsets":[0,18446744073709551615]}}'
    named = b'{"__metadata__":{"version":"1","step":"1","sha256":"0","uri":"file:///etc/passwd"}}'
    options = (
        raw[: rng.integers(len(raw))],
        struct.pack("<Q", lengths[rng.integers(len(lengths))]) + raw[8:],
        *(struct.pack("<Q", len(text)) + text for text in (nested, bomb, named)),
        b"\x80\x04cos\nsystem\n(Vtrue\ntR.",
        rng.bytes(int(rng.integers(1, 2000))),
        raw[:-1] + bytes([raw[-1] ^ 1]),
        b"",
    )
    m.data = array.array("B", options[rng.integers(len(options))])


def _clock(m: Clock, rng: np.random.Generator) -> None:
    m.clock.sec, m.clock.nanosec = -int(rng.integers(5, MAX_SEC)), int(rng.integers(0, 10**9))


VECTOR_SPOILERS: list[Spoil] = [_shorter_names, _more_values, _no_values, _name_twice, _huge_vector]
SPOILERS: dict[type[Any], list[Spoil]] = {
    JointState: VECTOR_SPOILERS,
    Joy: [_joy_axis, _joy_bare, _joy_huge],
    Image: [_image_size, _image_encoding, _image_data],
    String: [_text, _text_value],
    UInt8MultiArray: [_bytes],
    Clock: [_clock],
    **ROBOT_SPOILERS,
}
PLAIN: dict[str, Spoil] = {
    "curriculum/plan": _plan,
    "policy/selection": _mixture,
    **dict.fromkeys((OBSERVATION, SAID, EXECUTED), _stamped_text),
}
"""Topics whose text is a JSON object of its own."""
