from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest
import yaml
from fakes.bags import SEEING, TOPICS, raw_steps, with_frames, write_bag
from fakes.steps import episode
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import Reader

from vlmrl_ros.bridge.bags.layout import bag_file, episode_folder, is_closed
from vlmrl_ros.bridge.bags.reader import read_messages
from vlmrl_ros.bridge.bags.repair import find_tail, repair_all
from vlmrl_ros.bridge.bags.writer import BagWriter
from vlmrl_ros.core.mcap import Message

LENGTH = 10


def messages_of(raw) -> list[Message]:
    return [*raw[0].heads, *(message for step in raw for message in step.messages)]


@pytest.fixture
def file_size_limit():
    """Sets how large a file may grow: the disk is full beyond it, with the same half-done writes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_another_reader_finds_topics_types_definitions_and_every_byte(tmp_path):
    steps = raw_steps(with_frames(episode(0, LENGTH)), SEEING)
    folder = write_bag(tmp_path, steps, SEEING)
    with Reader(folder) as reader:
        assert reader.message_count == 1 + (LENGTH + 1) * 7
        assert (reader.start_time, reader.end_time) == (steps[0].stamp_ns, steps[-1].stamp_ns + 1)
        assert [(c.topic, t, bytes(d)) for c, t, d in reader.messages()] == messages_of(steps)
        wrist = next(c for c in reader.connections if c.topic == "/observation/wrist/image_raw")
        assert (wrist.msgtype, wrist.msgcount) == ("sensor_msgs/msg/Image", LENGTH + 1)
        assert "uint32 height" in wrist.msgdef.data
        assert wrist.ext.offered_qos_profiles[0].depth == 32
    with AnyReader([folder]) as reader:
        [(connection, _, raw)] = reader.messages(c for c in reader.connections if c.topic == "/spec")
        assert reader.deserialize(raw, connection.msgtype).data == SEEING.to_json()


def test_the_metadata_are_those_of_rosbag2(tmp_path):
    about = yaml.safe_load((write_bag(tmp_path, episode(0, LENGTH)) / "metadata.yaml").read_text())
    about = about["rosbag2_bagfile_information"]
    assert (about["version"], about["storage_identifier"]) == (9, "mcap")
    assert about["relative_file_paths"] == ["episode_000000_0.mcap"]
    assert about["duration"] == {"nanoseconds": LENGTH * 100_000_000}
    spec = about["topics_with_message_count"][0]["topic_metadata"]
    assert (spec["name"], spec["offered_qos_profiles"][0]["durability"]) == ("/spec", "transient_local")
    assert spec["type_description_hash"].startswith("RIHS01_")


def test_everything_is_in_the_file_after_each_write_without_closing_it(tmp_path):
    bag = BagWriter(episode_folder(tmp_path, 0))
    for count, step in enumerate(raw_steps(episode(0, LENGTH)), 1):
        bag.write([*(() if bag.messages else step.heads), *step.messages], TOPICS)
        assert len(list(read_messages(bag.folder))) == 1 + 6 * count


@pytest.mark.parametrize("torn", [0, 1, 37, 500])
def test_a_bag_whose_writer_was_killed_is_closed_by_the_repair_and_loses_no_more_than_the_torn_record(tmp_path, torn):
    steps = raw_steps(episode(0, LENGTH))
    folder = write_bag(tmp_path, steps, closed=False)
    os.truncate(bag_file(folder), bag_file(folder).stat().st_size - torn)
    before = list(read_messages(folder))
    said: list[str] = []
    repair_all(tmp_path, said.append)
    assert said == [f"closed '{folder}', which its recorder had left open"]
    assert is_closed(folder)
    with Reader(folder) as reader:
        assert [(c.topic, t, bytes(d)) for c, t, d in reader.messages()] == before
    assert before == messages_of(steps)[: len(before)]
    assert len(before) == len(messages_of(steps)) if torn == 0 else len(before) < len(messages_of(steps))
    repair_all(tmp_path, said.append)
    assert len(said) == 1, "there is nothing left to repair"


def test_a_bag_that_got_no_message_is_taken_away(tmp_path):
    BagWriter(episode_folder(tmp_path, 3)).abandon()
    repair_all(tmp_path, lambda line: None)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_bag_is_left_alone_and_named(tmp_path):
    folder = episode_folder(tmp_path, 0)
    folder.mkdir()
    bag_file(folder).write_bytes(b"somebody's notes")
    said: list[str] = []
    repair_all(tmp_path, said.append)
    assert said == [f"'{bag_file(folder)}' is no MCAP file; it stays as it is"]
    assert bag_file(folder).read_bytes() == b"somebody's notes"


@pytest.mark.parametrize("closed", [True, False])
def test_a_bag_can_be_gone_on_with(tmp_path, closed):
    steps = raw_steps(episode(0, LENGTH))
    folder = write_bag(tmp_path, steps[:4], closed=closed)
    bag = BagWriter(folder)
    assert not is_closed(folder)
    for step in steps[4:]:
        bag.write(step.messages, TOPICS)
    bag.close()
    whole = write_bag(tmp_path / "whole", steps)
    assert bag_file(folder).read_bytes() == bag_file(whole).read_bytes()
    assert (folder / "metadata.yaml").read_bytes() == (whole / "metadata.yaml").read_bytes()


def test_the_step_to_go_on_after_is_the_newest_whole_one(tmp_path):
    write_bag(tmp_path, episode(0, LENGTH))
    steps = episode(1, LENGTH)
    folder = write_bag(tmp_path, steps[:5], closed=False)
    os.truncate(bag_file(folder), bag_file(folder).stat().st_size - 10)
    tail = find_tail(tmp_path)
    assert (tail.number, tail.stamp_ns, tail.feedback) == (1, steps[3].stamp_ns, steps[3].feedback)
    assert tail.goes_on_with(steps[4].feedback)
    assert not tail.goes_on_with(steps[3].feedback)
    assert not tail.goes_on_with(episode(2, LENGTH)[4].feedback)
    assert find_tail(tmp_path / "none") is None


def test_a_full_disk_leaves_no_trace_in_the_file_and_the_write_can_be_repeated(tmp_path, file_size_limit):
    steps = raw_steps(episode(0, LENGTH))
    bag = BagWriter(episode_folder(tmp_path, 0))
    bag.write(messages_of(steps[:2]), TOPICS)
    size = bag_file(bag.folder).stat().st_size
    file_size_limit(size + 100)
    with pytest.raises(OSError, match="File too large"):
        bag.write(steps[2].messages, TOPICS)
    assert bag_file(bag.folder).stat().st_size == size
    with pytest.raises(OSError, match="File too large"):
        bag.close()
    assert bag_file(bag.folder).stat().st_size == size
    assert not is_closed(bag.folder)
    file_size_limit(resource.RLIM_INFINITY)
    for step in steps[2:]:
        bag.write(step.messages, TOPICS)
    bag.close()
    assert bag_file(bag.folder).read_bytes() == bag_file(write_bag(tmp_path / "whole", steps)).read_bytes()


def test_a_disk_without_any_room_leaves_no_folder(tmp_path, file_size_limit):
    file_size_limit(5)
    with pytest.raises(OSError, match="File too large"):
        BagWriter(episode_folder(tmp_path, 0))
    assert list(Path(tmp_path).iterdir()) == []
