from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes.bags import ACTION, SEEING, SPEC, raw_step, raw_steps, same, with_frames, write_bag
from fakes.steps import DT_NS, episode
from fakes.utterances import saying
from rclpy.serialization import serialize_message
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from std_msgs.msg import String

from vlmrl_ros.bridge import messages
from vlmrl_ros.bridge.bags.layout import bag_file
from vlmrl_ros.bridge.bags.raw import stamp_in
from vlmrl_ros.bridge.bags.reader import find_bags, read_steps, read_streams, steps_after
from vlmrl_ros.bridge.thought_messages import THOUGHT_AGE_NAME, thought_age_s
from vlmrl_ros.core.errors import BagError, ShapeError
from vlmrl_ros.core.mcap import Message
from vlmrl_ros.core.spec import CameraSpec
from vlmrl_ros.core.spoken import told

LENGTH = 10


def write_foreign(folder: Path, messages: list[Message], storage: StoragePlugin) -> Path:
    """A bag as another recorder leaves it: other storage, other names, chunks."""
    store = get_typestore(Stores.LATEST)
    types = {"spec": "std_msgs/msg/String", "image_raw": "sensor_msgs/msg/Image"}
    with Writer(folder, version=9, storage_plugin=storage) as bag:
        found = {}
        for message in messages:
            kind = types.get(message.topic.rsplit("/", 1)[-1], "sensor_msgs/msg/JointState")
            if message.topic not in found:
                found[message.topic] = bag.add_connection(message.topic, kind, typestore=store)
            bag.write(found[message.topic], message.time_ns, message.data)
    return folder


def test_steps_come_back_as_they_were_with_their_frames(tmp_path):
    steps = with_frames([*episode(0, LENGTH, (3, 4), success=True, reward=0.25), *episode(1, 4)])
    write_bag(tmp_path, steps[: LENGTH + 1], SEEING)
    write_bag(tmp_path, steps[LENGTH + 1 :], SEEING)
    spec, found = read_steps([tmp_path])
    assert spec.to_json() == SEEING.to_json()
    assert all(same(a, b) for a, b in zip(found, steps, strict=True))


@pytest.mark.parametrize(
    "give", [lambda run: run, lambda run: run / "bags", lambda run: run / "bags" / "episode_000001"]
)
def test_a_run_directory_a_folder_of_bags_and_a_bag_are_all_taken(tmp_path, give):
    for number in range(3):
        write_bag(tmp_path / "bags", episode(number, LENGTH))
    _, steps = read_steps([give(tmp_path)])
    numbers = sorted({step.feedback.episode for step in steps})
    assert numbers == ([1] if give(tmp_path).name == "episode_000001" else [0, 1, 2])


def test_several_runs_follow_each_other_as_they_are_given(tmp_path):
    for run in ("first", "second"):
        for number in range(2):
            write_bag(tmp_path / run / "bags", episode(number, 3))
    _, steps = read_steps([tmp_path / "second", tmp_path / "first"])
    assert [step.feedback.episode for step in steps] == [0] * 4 + [1] * 4 + [0] * 4 + [1] * 4


def test_bags_of_one_folder_are_read_in_order_of_stamp_whatever_they_are_called(tmp_path):
    write_bag(tmp_path, episode(5, 3)).rename(tmp_path / "a")
    write_bag(tmp_path, episode(2, 3)).rename(tmp_path / "b")
    for folder in (tmp_path / "a", tmp_path / "b"):
        bag_file(tmp_path / ("episode_000005" if folder.name == "a" else "episode_000002"))
    _, steps = read_steps([tmp_path])
    assert [step.feedback.episode for step in steps] == [2] * 4 + [5] * 4


@pytest.mark.parametrize("storage", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_a_bag_of_another_recorder_is_a_data_set_too(tmp_path, storage):
    """Its parts lie in any order."""
    steps = with_frames(episode(0, LENGTH, (2, 3)))
    raw = raw_steps(steps, SEEING, "/left/")
    messages = [*raw[0].heads, *sorted((m for r in raw for m in r.messages), key=lambda m: (m.topic, m.time_ns))]
    write_foreign(tmp_path / "theirs", messages, storage)
    _, found = read_steps([tmp_path / "theirs"])
    assert all(same(a, b) for a, b in zip(found, steps, strict=True))


def test_a_step_that_lacks_a_part_or_has_a_malformed_one_is_left_out(tmp_path):
    raws = raw_steps(episode(0, LENGTH))
    raws[3] = replace(raws[3], messages=raws[3].messages[:-1])
    nonsense = replace(ACTION, names=("c", "d"))
    strange = raw_step(episode(0, LENGTH)[5], replace(SPEC, action=nonsense))
    raws[5] = replace(raws[5], messages=(*raws[5].messages[:-1], strange.messages[-1]))
    raws[7] = replace(raws[7], messages=(*raws[7].messages[:-1], raws[7].messages[-1]._replace(data=b"\0\1\0\0")))
    write_bag(tmp_path, raws)
    _, steps = read_steps([tmp_path])
    assert [step.feedback.step for step in steps] == [0, 1, 2, 4, 6, 8, 9, 10]


def test_a_step_that_was_written_twice_comes_once(tmp_path):
    raws = raw_steps(episode(0, LENGTH))
    write_bag(tmp_path, [*raws[:5], *raws[3:]])
    _, steps = read_steps([tmp_path])
    assert [step.feedback.step for step in steps] == list(range(LENGTH + 1))


@pytest.mark.parametrize("known", [-1, 0, 3, LENGTH, LENGTH + 1, 2 * LENGTH])
def test_the_steps_after_a_stamp_are_found_while_the_newest_episode_is_being_written(tmp_path, known):
    steps = [step for number in range(3) for step in episode(number, LENGTH)][: 2 * LENGTH + 7]
    write_bag(tmp_path, steps[: LENGTH + 1])
    write_bag(tmp_path, steps[LENGTH + 1 : 2 * LENGTH + 2])
    write_bag(tmp_path, steps[2 * LENGTH + 2 :], closed=False)
    stamp_ns = steps[known].stamp_ns if known >= 0 else -1
    found = list(steps_after(tmp_path, stamp_ns))
    assert [step.stamp_ns for step in found] == [step.stamp_ns for step in steps[known + 1 :]]


def test_there_are_no_steps_after_the_newest_nor_where_there_are_no_bags(tmp_path):
    steps = episode(0, LENGTH)
    write_bag(tmp_path, steps, closed=False)
    assert list(steps_after(tmp_path, steps[-1].stamp_ns)) == []
    assert list(steps_after(tmp_path / "none", -1)) == []


def test_a_folder_that_was_only_begun_is_passed_over(tmp_path):
    write_bag(tmp_path, episode(0, LENGTH))
    begun = tmp_path / "episode_000001"
    begun.mkdir()
    bag_file(begun).touch()
    assert len(list(steps_after(tmp_path, -1))) == LENGTH + 1
    assert len(find_bags(tmp_path)) == 1


def test_each_run_is_a_stream_of_its_own_and_so_is_each_bag_of_another_recorder(tmp_path):
    for run in ("one", "two"):
        for number in range(2):
            write_bag(tmp_path / run / "bags", episode(number, 3))
    for name in ("a", "b"):
        write_bag(tmp_path / "theirs", episode(0, 2)).rename(tmp_path / "theirs" / name)
    spec, streams = read_streams([tmp_path / "two", tmp_path / "one", tmp_path / "theirs", tmp_path / "two" / "bags"])
    assert spec.to_json() == SPEC.to_json()
    assert [[s.feedback.episode for s in stream] for stream in streams] == [[0] * 4 + [1] * 4] * 2 + [[0] * 3] * 2


def test_bags_that_do_not_fit_what_is_needed_are_refused(tmp_path):
    write_bag(tmp_path, episode(0, 3))
    for needed, message in (
        (replace(SPEC, task="other"), "is of task 'toy', not 'other'"),
        (replace(SPEC, control_dt_s=0.05), "control_dt_s 0.1; expected 0.05"),
        (SEEING, "cameras"),
    ):
        with pytest.raises(BagError, match=message):
            read_streams([tmp_path], needed)


def test_bags_of_another_task_are_refused_by_what_differs(tmp_path):
    write_bag(tmp_path / "one", episode(0, 3))
    wide = replace(SPEC, task="wide", action=replace(ACTION, high=np.full(2, 30.0)))
    write_bag(tmp_path / "two", episode(0, 3), wide)
    with pytest.raises(BagError, match=r"is of task 'wide', not 'toy': action .*30.0"):
        read_steps([tmp_path / "one", tmp_path / "two"])


@pytest.mark.parametrize("paths", [["none"], []])
def test_what_is_no_bag_is_named(tmp_path, paths):
    with pytest.raises(BagError, match=r"none' is no bag|no bags in nothing"):
        read_steps([tmp_path / path for path in paths])
    with pytest.raises(BagError, match="no bags in"):
        read_steps([tmp_path])


def test_a_bag_without_a_spec_is_refused(tmp_path):
    raws = [replace(raw, heads=()) for raw in raw_steps(episode(0, 3))]
    write_bag(tmp_path, raws)
    with pytest.raises(BagError, match="has no topic 'spec'"):
        read_steps([tmp_path])


def test_the_stamp_is_read_from_the_bytes():
    raw = raw_step(episode(2, 3)[1])
    assert {stamp_in(message.data) for message in raw.messages} == {2002 * DT_NS}
    for nonsense in (b"", b"\0\1", b"\0\7" + bytes(20), b"xml, perhaps, or something else"):
        with pytest.raises(ShapeError, match="expected CDR"):
            stamp_in(nonsense)


def test_a_step_bears_what_the_policy_said_where_somebody_listens(tmp_path):
    """Recorded as they came: the thought of a step may lie behind it."""
    steps = saying(episode(0, LENGTH), {0: 0, 4: 4, 7: -1})
    spec = replace(SPEC, cameras=(CameraSpec("top", 4, 4),))
    raws = []
    for step in steps:
        about = step.spoken.stamp_ns if step.spoken is not None else -1
        age_s = thought_age_s(step.stamp_ns - about if about >= 0 else -1)
        status = messages.named_vector(step.stamp_ns, ["version", THOUGHT_AGE_NAME], [1.0, age_s])
        beside = [Message("/policy/status", step.stamp_ns, serialize_message(status))]
        if about == step.stamp_ns:
            said = step.spoken
            plain = told(said.prompt, said.utterance, said.said, said.said.action)
            text = String(data=json.dumps({**plain, "stamp_ns": about, "version": 1}))
            beside.append(Message("/policy/thought", step.stamp_ns, serialize_message(text)))
        raw = raw_step(step, spec)
        raws.append(replace(raw, messages=(*raw.messages, *beside)))
    write_bag(tmp_path, raws, spec)
    (found,) = read_streams([tmp_path], listens=True)[1]
    stamps = [(one.stamp_ns, one.spoken.stamp_ns if one.spoken else -1) for one in found]
    assert stamps == [(one.stamp_ns, one.spoken.stamp_ns if one.spoken else -1) for one in steps]
    assert all(one.spoken is None for one in read_streams([tmp_path])[1][0])
