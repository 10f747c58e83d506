"""Episodes of text in bags, one a bag: the topics of a step that has text in place of torques."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.bags.definitions import describe
from vlmrl_ros.bridge.bags.layout import episode_folder, number_of
from vlmrl_ros.bridge.bags.layout import episodes as bags_in
from vlmrl_ros.bridge.bags.reader import find_bags, last_time, read_messages
from vlmrl_ros.bridge.bags.writer import BagWriter
from vlmrl_ros.core.errors import BagError, ConfigError
from vlmrl_ros.core.mcap import Message, Topic
from vlmrl_ros.core.text_episode import TextEpisode, TextTurn
from vlmrl_ros.core.types import Feedback

HEAD, OBSERVATION, FEEDBACK, EXECUTED = "/text_episode", "/observation/text", "/feedback", "/executed/text"
STEP_NS = 1_000_000_000
"""From one step to the next."""
TOPICS: Mapping[str, Topic] = {
    HEAD: describe(HEAD, String, qos.LATCHED),
    OBSERVATION: describe(OBSERVATION, String, qos.STEP),
    FEEDBACK: describe(FEEDBACK, JointState, qos.STEP),
    EXECUTED: describe(EXECUTED, String, qos.STEP),
}


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
    before = bags_in(directory)
    first = number_of(before[-1]) + 1 if before else 0
    written, stamp_ns = [], STEP_NS + (last_time(before[-1]) if before else 0)
    for number, episode in enumerate(episodes, first):
        bag = BagWriter(episode_folder(directory, number))
        bag.write(_messages(task, episode, number, stamp_ns), TOPICS)
        bag.close()
        written.append(bag.folder)
        stamp_ns += STEP_NS * (len(episode.turns) + 1)
    return written


def _messages(task: str, episode: TextEpisode, number: int, stamp_ns: int) -> list[Message]:
    """The head, and of each step its observation, its feedback and, but for the last one, what was said."""
    if not episode.turns:
        raise ConfigError(f"episode {number} of '{task}' has no turns; a bag holds one at least")
    head = String(data=json.dumps({"task": task, "info": dict(episode.info)}))
    found, last = [Message(HEAD, stamp_ns, serialize_message(head))], len(episode.turns)
    rewards = (0.0, *(turn.reward for turn in episode.turns))
    texts = (*(turn.observation for turn in episode.turns), episode.final)
    for step, (text, reward) in enumerate(zip(texts, rewards, strict=True)):
        over, at_ns = step == last, stamp_ns + step * STEP_NS
        success = over and bool(episode.info.get("success", False))
        feedback = Feedback(reward, over and episode.terminated, over and not episode.terminated, success, number, step)
        found.append(Message(OBSERVATION, at_ns, serialize_message(String(data=text))))
        found.append(Message(FEEDBACK, at_ns, serialize_message(messages.feedback_message(at_ns, feedback))))
        if not over:
            said = String(data=episode.turns[step].action)
            found.append(Message(EXECUTED, at_ns, serialize_message(said)))
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
    steps: dict[int, dict[str, Any]] = {}
    for message in read_messages(folder):
        if message.topic == HEAD:
            info = _info(folder, task, deserialize_message(message.data, String).data)
        elif message.topic == FEEDBACK:
            feedback = messages.read_feedback(deserialize_message(message.data, JointState))
            steps.setdefault(message.time_ns, {})[FEEDBACK] = feedback
        elif message.topic in (OBSERVATION, EXECUTED):
            steps.setdefault(message.time_ns, {})[message.topic] = deserialize_message(message.data, String).data
    if info is None:
        raise BagError(f"bag '{folder}' is no bag of a text task: it has no topic '{HEAD}'")
    return _whole([steps[stamp_ns] for stamp_ns in sorted(steps)], info)


def _whole(steps: Sequence[Mapping[str, Any]], info: Mapping[str, Any]) -> TextEpisode | None:
    """The episode of steps in order, by topic; None where something is missing."""
    *before, last = steps or [{}]
    if not before or not all({OBSERVATION, FEEDBACK, EXECUTED} <= step.keys() for step in before):
        return None
    if not {OBSERVATION, FEEDBACK} <= last.keys() or not (last[FEEDBACK].terminated or last[FEEDBACK].truncated):
        return None
    rewards = [step[FEEDBACK].reward for step in steps[1:]]
    pairs = zip(before, rewards, strict=True)
    turns = tuple(TextTurn(step[OBSERVATION], step[EXECUTED], reward) for step, reward in pairs)
    return TextEpisode(turns, last[FEEDBACK].terminated, info, last[OBSERVATION])


def _info(folder: Path, task: str, text: str) -> dict[str, Any]:
    try:
        head = json.loads(text)
        found, info = head["task"], dict(head["info"])
    except (ValueError, KeyError, TypeError) as error:
        raise BagError(f"bag '{folder}' has a damaged '{HEAD}': {error!r}") from error
    if found != task:
        raise BagError(f"bag '{folder}' is of task '{found}', not '{task}'")
    return info
