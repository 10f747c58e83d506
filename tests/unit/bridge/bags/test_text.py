from __future__ import annotations

import shutil

import pytest
from fakes.bags import write_bag
from fakes.steps import episode as arm_episode
from rosbags.rosbag2 import Reader

from vlmrl_ros.bridge.bags.layout import METADATA, bag_file
from vlmrl_ros.bridge.bags.text import read_text_episodes, write_text_episodes
from vlmrl_ros.core.errors import BagError, ConfigError
from vlmrl_ros.core.text_episode import TextEpisode, TextTurn

EPISODES = [
    TextEpisode(
        (
            TextTurn("Wordle:\n", "s t a r e\n", -1.0, (3, 0, 9, 1)),
            TextTurn("Wordle:\ns t a r e\nb b b b b\n", "zürich\n", 0.0),
        ),
        terminated=True,
        info={"success": True, "policy": "mixed", "seed": 3},
        final="end\n",
    ),
    TextEpisode((TextTurn("", "\n", -4.0),), terminated=False, info={"success": False}, final="on\n"),
]


def test_episodes_come_back_as_they_were_and_numbers_go_on(tmp_path):
    write_text_episodes(tmp_path, "wordle", EPISODES)
    folders = write_text_episodes(tmp_path, "wordle", EPISODES[:1])
    assert [folder.name for folder in folders] == ["episode_000002"]
    assert list(read_text_episodes(tmp_path, "wordle")) == [*EPISODES, EPISODES[0]]
    assert list(read_text_episodes(folders[0], "wordle")) == EPISODES[:1]


def test_another_reader_finds_the_topics_of_a_step(tmp_path):
    [folder, _] = write_text_episodes(tmp_path, "wordle", EPISODES)
    with Reader(folder) as reader:
        counts = {c.topic: (c.msgtype, c.msgcount) for c in reader.connections}
    assert counts == {
        "/text_episode": ("std_msgs/msg/String", 1),
        "/observation/text": ("std_msgs/msg/String", 3),
        "/feedback": ("sensor_msgs/msg/JointState", 3),
        "/executed/text": ("std_msgs/msg/String", 3),
    }


def test_an_episode_whose_writer_was_killed_is_left_out(tmp_path):
    [torn, _] = write_text_episodes(tmp_path, "wordle", EPISODES)
    data = bag_file(torn).read_bytes()
    (torn / METADATA).unlink()
    bag_file(torn).write_bytes(data[: data.index(b"end\\n") - 40])
    assert list(read_text_episodes(tmp_path, "wordle")) == EPISODES[1:]


def test_bags_of_other_tasks_and_of_arms_are_refused(tmp_path):
    write_text_episodes(tmp_path, "wordle", EPISODES)
    with pytest.raises(BagError, match="is of task 'wordle', not 'maze'"):
        list(read_text_episodes(tmp_path, "maze"))
    shutil.rmtree(tmp_path)
    write_bag(tmp_path, arm_episode(0, 3))
    with pytest.raises(BagError, match="no bag of a text task"):
        list(read_text_episodes(tmp_path, "wordle"))


def test_an_episode_without_turns_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="episode 0 of text has no turns"):
        write_text_episodes(tmp_path, "wordle", [TextEpisode((), terminated=True)])
