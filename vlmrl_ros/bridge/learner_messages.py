"""What others read of ``learner/status``."""

from __future__ import annotations

from dataclasses import dataclass

from sensor_msgs.msg import JointState

from vlmrl_ros.bridge.messages import required, stamp_of
from vlmrl_ros.core.continuation import Place


def read_learner_status(message: JointState) -> tuple[int, bool]:
    """What the bridge must know of ``learner/status``: the newest weights version, and whether learning has ended.

    Raises:
        ShapeError: a component is missing.
        NonFiniteError: a component is NaN or infinite.
        RangeError: the version is no whole number from 0.
    """
    values = required(message, ["version", "finished"], "learner/status", counts=("version",))
    return int(values["version"]), values["finished"] > 0.5


def read_place(message: JointState) -> Place:
    """Where the run is, from ``learner/status``.

    Raises:
        ShapeError: a component is missing.
        NonFiniteError: a component is NaN or infinite.
        RangeError: a count is no whole number from 0.
    """
    values = required(message, ["episode", "last", "demonstrations"], "learner/status", counts=("demonstrations",))
    return Place(stamp_of(message), int(values["episode"]), values["last"] > 0.5, int(values["demonstrations"]))


@dataclass(frozen=True)
class TextPlace:
    """What the learner of text tells the bridge.

    Attributes:
        stamp_ns: of the newest step that it has seen, ns.
        version: newest version of the weights.
        finished: the run has ended.
        episode: greatest number of an episode of which it has seen a step; -1 before the first.
        idle: no episode is under way.
        wanted: number of the first episode that must not begin yet.
    """

    stamp_ns: int
    version: int
    finished: bool
    episode: int
    idle: bool
    wanted: int


def read_text_place(message: JointState) -> TextPlace:
    """Where the learner of text is, from ``learner/status``.

    Raises:
        ShapeError: a component is missing.
        NonFiniteError: a component is NaN or infinite.
        RangeError: a count is no whole number from 0.
    """
    counts = ("version", "wanted")
    values = required(message, [*counts, "finished", "episode", "idle"], "learner/status", counts)
    return TextPlace(
        stamp_of(message),
        int(values["version"]),
        values["finished"] > 0.5,
        int(values["episode"]),
        values["idle"] > 0.5,
        int(values["wanted"]),
    )
