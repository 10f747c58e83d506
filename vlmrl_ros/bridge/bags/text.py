"""Episodes of text in bags, one a bag: the topics of a step that has text in place of torques, as they are live."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import messages, qos, text_messages
from vlmrl_ros.bridge.bags.definitions import describe
from vlmrl_ros.bridge.bags.layout import episode_folder, number_of
from vlmrl_ros.bridge.bags.layout import episodes as bags_in
from vlmrl_ros.bridge.bags.reader import find_bags, last_time, read_messages
from vlmrl_ros.bridge.bags.writer import BagWriter
from vlmrl_ros.bridge.text_messages import answer_message, read_answer, read_text, text_message
from vlmrl_ros.core.errors import BagError, VlmrlError
from vlmrl_ros.core.join import PartJoin
from vlmrl_ros.core.mcap import Message, Topic
from vlmrl_ros.core.text_episode import TextEpisode
from vlmrl_ros.core.text_steps import SPOKEN_PARTS, STEP_NS, SpokenStep, episode_of, spoken, steps_of

HEAD, FEEDBACK = "/text_episode", "/feedback"
OBSERVATION, EXECUTED = f"/{text_messages.OBSERVATION}", f"/{text_messages.EXECUTED}"
TOPICS: Mapping[str, Topic] = {
    HEAD: describe(HEAD, String, qos.LATCHED),
    OBSERVATION: describe(OBSERVATION, String, qos.STEP),
    FEEDBACK: describe(FEEDBACK, JointState, qos.STEP),
    EXECUTED: describe(EXECUTED, String, qos.STEP),
}
WINDOW = 4096
"""Steps of a bag that may be open at once, for bags in any order."""


class TextBags:
    """Writes episodes into a directory, each into a bag of its own; their numbers go on after those that it holds."""

    def __init__(self, directory: Path, task: str) -> None:
        """Look where the numbers go on.

        Args:
            directory: of the bags.
            task: name of the text task.
        """
        before = bags_in(directory)
        self._directory, self._task = directory, task
        self._number = number_of(before[-1]) + 1 if before else 0
        self.free_ns = STEP_NS + max(0, newest_stamp(directory))
        """Stamp after all that are there, ns."""

    def write(self, steps: Sequence[SpokenStep], info: Mapping[str, Any]) -> Path:
        """Write the steps of an episode.

        Args:
            steps: whole and in order.
            info: of the episode, fit for JSON.

        Returns:
            the folder of the bag.

        Raises:
            OSError: the disk is full, or the directory cannot be written.
        """
        bag = BagWriter(episode_folder(self._directory, self._number))
        bag.write(_messages(self._task, steps, info), TOPICS)
        bag.close()
        self._number += 1
        self.free_ns = steps[-1].stamp_ns + STEP_NS
        return bag.folder

    @property
    def number(self) -> int:
        """Of the next bag."""
        return self._number


def newest_stamp(directory: Path) -> int:
    """Stamp of the newest step in the bags of a directory, all of them closed, ns; -1 where there are none."""
    before = bags_in(directory)
    return last_time(before[-1]) if before else -1


def write_text_episodes(directory: Path, task: str, episodes: Iterable[TextEpisode]) -> list[Path]:
    """Write episodes, each into a bag of its own.

    Args:
        directory: of the bags; their numbers and stamps go on after those that it holds.
        task: name of the text task.
        episodes: each with a turn at least.

    Returns:
        the folders of the bags.

    Raises:
        ConfigError: an episode without turns.
        OSError: the disk is full, or the directory cannot be written.
    """
    bags = TextBags(directory, task)
    return [bags.write(list(steps_of(one, bags.number, bags.free_ns)), one.info) for one in episodes]


def _messages(task: str, steps: Sequence[SpokenStep], info: Mapping[str, Any]) -> list[Message]:
    """The head, and of each step its observation, its feedback and what was said."""
    head = String(data=json.dumps({"task": task, "info": dict(info)}))
    found = [Message(HEAD, steps[0].stamp_ns, serialize_message(head))]
    for step in steps:
        parts = {
            OBSERVATION: text_message(step.stamp_ns, step.text),
            FEEDBACK: messages.feedback_message(step.stamp_ns, step.feedback),
            EXECUTED: answer_message(step.stamp_ns, step.said),
        }
        found += [Message(topic, step.stamp_ns, serialize_message(part)) for topic, part in parts.items()]
    return found


def read_text_episodes(path: Path, task: str) -> Iterator[TextEpisode]:
    """The whole episodes of bags, in their order; one whose writer was killed in its middle is left out.

    Args:
        path: a bag, or a folder of bags.
        task: name of the text task that they must be of.

    Raises:
        BagError: no bag, a damaged one, or one of another task.
    """
    for folder in find_bags(path):
        episode = _episode(folder, task)
        if episode is not None:
            yield episode


def _episode(folder: Path, task: str) -> TextEpisode | None:
    info: dict[str, Any] | None = None
    join, steps = PartJoin(SPOKEN_PARTS, WINDOW), list[SpokenStep]()
    for message in read_messages(folder):
        if message.topic == HEAD:
            info = _info(folder, task, deserialize_message(message.data, String).data)
        elif message.topic in TOPICS:
            try:
                part = _part(message)
            except VlmrlError as error:
                raise BagError(f"bag '{folder}' is damaged: {error}") from error
            steps += [spoken(*whole) for whole in join.put(*part)]
    if info is None:
        raise BagError(f"bag '{folder}' is no bag of a text task: it has no topic '{HEAD}'")
    return episode_of(steps, info)


def _part(message: Message) -> tuple[int, str, Any]:
    """Stamp, name and value of a part of a step."""
    if message.topic == FEEDBACK:
        feedback = deserialize_message(message.data, JointState)
        return messages.stamp_of(feedback), "feedback", messages.read_feedback(feedback)
    text = deserialize_message(message.data, String)
    if message.topic == OBSERVATION:
        stamp_ns, prompt = read_text(text, OBSERVATION)
        return stamp_ns, "text", prompt
    stamp_ns, answer = read_answer(text, EXECUTED)
    return stamp_ns, "said", answer


def _info(folder: Path, task: str, text: str) -> dict[str, Any]:
    try:
        head = json.loads(text)
        found, info = head["task"], dict(head["info"])
    except (ValueError, KeyError, TypeError) as error:
        raise BagError(f"bag '{folder}' has a damaged '{HEAD}': {error!r}") from error
    if found != task:
        raise BagError(f"bag '{folder}' is of task '{found}', not '{task}'")
    return info
