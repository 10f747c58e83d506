"""What is said beside the steps lands in the bag of the episode that it belongs to, in whatever order it is heard."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.bags import raw_step, write_bag
from fakes.steps import DT_NS, episode
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Joy
from std_msgs.msg import String

from vlmrl_ros.bridge import messages
from vlmrl_ros.bridge.bags.beside import STAMPS, Beside
from vlmrl_ros.bridge.bags.reader import read_streams
from vlmrl_ros.bridge.thought_messages import THOUGHT_AGE_NAME
from vlmrl_ros.core.join import HORIZON_NS
from vlmrl_ros.core.types import Step

NEWEST_NS = 7 * DT_NS


def two_episodes() -> list[Step]:
    """Two of three steps each, the second right after the first."""
    steps = [*episode(0, 2), *episode(1, 2)]
    return [replace(step, stamp_ns=(number + 1) * DT_NS) for number, step in enumerate(steps)]


def say(beside: Beside, step: Step) -> None:
    """What a policy that thinks says of a step: a thought of its own, which the step carries out."""
    text = '{"thoughts": "so", "action": "left"}'
    plain = {"thought": text[:18], "action": "left", "valid": True, "ended": True, "text": text, "prompt": "what now?"}
    plain |= {"prompt_ids": [], "token_ids": [], "log_probs": [], "stamp_ns": step.stamp_ns, "version": 0}
    status = messages.named_vector(step.stamp_ns, [THOUGHT_AGE_NAME], [0.0])
    put(beside, "policy/thought", String(data=json.dumps(plain)))
    put(beside, "policy/status", status)


def put(beside: Beside, name: str, message: object) -> None:
    """Hear a message as the recorder does."""
    beside.put(f"/{name}", serialize_message(message), STAMPS.get(name))


@pytest.mark.parametrize("ahead", [0, 1, 2], ids=["in order", "one step early", "two steps early"])
def test_an_episode_that_is_spoken_of_early_is_whole_in_its_own_bag(tmp_path: Path, ahead: int):
    steps, beside, raws = two_episodes(), Beside(-1), []
    for step in steps[:ahead]:
        say(beside, step)
    for number, step in enumerate(steps):
        for spoken in steps[number + ahead : number + ahead + 1]:
            say(beside, spoken)
        raw = raw_step(step)
        raws.append(replace(raw, messages=(*beside.take(step.stamp_ns), *raw.messages)))
    for first in (0, 3):
        write_bag(tmp_path, raws[first : first + 3])
    for bag in sorted(tmp_path.iterdir()):
        (stream,) = read_streams([bag], listens=True)[1]
        heard = [(step.stamp_ns, step.spoken and step.spoken.stamp_ns) for step in stream]
        assert len(heard) == 3
        assert all(stamp_ns == about_ns for stamp_ns, about_ns in heard)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("joy", Joy(axes=[1.0])),
        ("policy/thought", String(data="no JSON")),
        ("policy/thought", String(data='{"error": "no word of it was read"}')),
        ("policy/status", messages.named_vector(NEWEST_NS, ["inference_s"], [0.1])),
        ("policy/status", messages.named_vector(NEWEST_NS + HORIZON_NS + 1, ["inference_s"], [0.1])),
    ],
    ids=["names none", "malformed", "error", "late", "beyond belief"],
)
def test_what_names_no_step_that_may_come_goes_with_the_next(name: str, message: object):
    beside = Beside(-1)
    assert beside.take(NEWEST_NS) == []
    put(beside, name, message)
    assert [one.time_ns for one in beside.take(NEWEST_NS + DT_NS)] == [NEWEST_NS + DT_NS]
    assert beside.take(NEWEST_NS + 2 * DT_NS) == []


def test_a_recorder_that_comes_back_leaves_out_what_is_recorded_and_keeps_the_rest_for_its_step():
    second = 10**9  # far beyond the horizon of one who knows of no step
    steps = [replace(step, stamp_ns=1000 * second + step.stamp_ns) for step in two_episodes()]
    beside = Beside(steps[1].stamp_ns)
    for step in steps:
        say(beside, step)
    found = [[message.time_ns for message in beside.take(step.stamp_ns)] for step in steps[2:]]
    assert found == [[step.stamp_ns] * 2 for step in steps[2:]]
