"""``recorder``: every step of the loop into bags, one an episode. The loop never waits for it."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.bags.beside import BESIDE, STAMPS, Beside
from vlmrl_ros.bridge.bags.budget import Budget
from vlmrl_ros.bridge.bags.definitions import describe
from vlmrl_ros.bridge.bags.heads import Heads
from vlmrl_ros.bridge.bags.more_topics import MoreTopics
from vlmrl_ros.bridge.bags.raw import RawStep, stamp_in
from vlmrl_ros.bridge.bags.recording import Recording
from vlmrl_ros.bridge.shell import Shell, give_way, run
from vlmrl_ros.bridge.step_topics import StepTopic, step_topics
from vlmrl_ros.core.config import option
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.core.join import PartJoin
from vlmrl_ros.core.mcap import Message, Topic
from vlmrl_ros.core.quiet import TICK_S, Quiet
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Feedback

STATUS_NAMES = ["steps", "dropped", "bytes"]
WINDOW = 512
"""Steps that may be open: after a restart the newest ones of each topic come at once."""
STOP_TIMEOUT_S = 2.0
"""After Ctrl-C the disk has so long to take what is left."""
NICENESS = 5
"""The control loop comes first where cores are few."""
MIB, GIB, HOUR_S = 2**20, 2**30, 3600.0


@dataclass(frozen=True)
class RecorderConfig:
    """Parameters of ``recorder``."""

    directory: str = option("runs/run/bags", "where the bags go, a folder for each episode; made where it is missing")
    topics: tuple[str, ...] = option((), "more topics to record, of any type that is installed")
    keep: str = option(
        "all", "episodes that stay when they end: all, or those that succeeded", choices=("all", "success")
    )
    episodes: int = option(0, "end when so many episodes were kept; 0: go on", low=0, high=10**9)
    announce: bool = option(False, "say of each episode whether it succeeded and was kept")
    queue_mib: int = option(
        256,
        "memory for steps that the disk has not taken yet; beyond it steps are dropped and counted",
        unit="MiB",
        low=1,
        high=65_536,
    )
    max_gib: float = option(
        0.0, "size of all bags, beyond which the oldest episodes are removed; 0: no limit", unit="GiB", low=0.0
    )
    max_hours: float = option(0.0, "age of an episode, beyond which it is removed; 0: no limit", unit="h", low=0.0)


class Kept(NamedTuple):
    """A part of a step as it came, and as it is read."""

    raw: bytes
    value: Any


class Recorder(Shell[RecorderConfig]):
    """Joins raw messages by stamp and hands whole steps to the thread that writes.

    A part is kept if the learner would take it, so that a bag holds the steps that the learner learned from.
    """

    config_type = RecorderConfig

    def __init__(self) -> None:
        """Declare the parameters."""
        super().__init__("recorder")
        self._recording: Recording | None = None

    def configure(self) -> None:
        """Repair what was left open, then listen for the task's spec; from then on all that comes is recorded."""
        config = self.config
        self._topics: dict[str, Topic] = {}
        self._heads = Heads()
        self._spec: TaskSpec | None = None
        self._join: PartJoin | None = None
        self._quiet = Quiet()
        self._status = self.publisher(JointState, "recorder/status", qos.STEP)
        budget = Budget(round(config.max_gib * GIB), config.max_hours * HOUR_S)
        directory = Path(config.directory).expanduser()
        self._recording = Recording(
            directory, self._topics, config.queue_mib * MIB, budget, config.keep == "success", config.episodes
        )
        for line in self._recording.found:
            self.get_logger().info(line)
        self._beside = Beside(self._recording.newest_ns)
        self._recording.start(self._on_written, self._on_ended, self.diagnostics.problem)
        self._listen(String, "spec", self._on_spec, qos.LATCHED)
        self._listen(
            String, "instruction", partial(self._heads.put, self.resolve_topic_name("instruction")), qos.LATCHED
        )
        for name, (kind, profile) in BESIDE.items():
            full = self.resolve_topic_name(name)
            self._listen(kind, name, partial(self._beside.put, full, read_stamp=STAMPS.get(name)), profile)
        self._more = MoreTopics(self, config.topics, self._on_more)
        self.steady_timer(TICK_S, self._give_up)

    def close(self) -> None:
        """Close the bag that is open."""
        if self._recording is not None:
            self._recording.stop(STOP_TIMEOUT_S)
            self._recording = None

    def _listen(self, kind: type[Any], name: str, callback: Any, profile: Any) -> None:
        """Subscribe to the bytes of a topic; a malformed message is refused, counted and said."""
        full = self.resolve_topic_name(name)
        self._topics[full] = describe(full, kind, profile)

        def heard(raw: bytes) -> None:
            try:
                callback(raw)
            except (VlmrlError, RuntimeError) as error:  # rclpy's error for bytes that are no message
                self.diagnostics.count(f"refused {name}")
                self.get_logger().warning(f"refused a message on {name}: {error}", throttle_duration_sec=5.0)

        self.create_subscription(kind, full, heard, profile, raw=True)

    def _on_spec(self, raw: bytes) -> None:
        spec = TaskSpec.from_json(deserialize_message(raw, String).data)
        if self._spec is None:
            self._spec = spec
            self._own = {topic.part: self.resolve_topic_name(topic.name) for topic in step_topics(spec)}
            for topic in step_topics(spec):
                self._listen(topic.type, topic.name, partial(self._on_part, topic), topic.profile)
        elif spec.to_json() != self._spec.to_json():
            raise VlmrlError(f"the task changed from '{self._spec.task}' to '{spec.task}' within one recording")
        self._join = PartJoin([topic.part for topic in step_topics(spec)], WINDOW)
        self._heads.put(self.resolve_topic_name("spec"), raw)

    def _on_more(self, full_name: str, kind: type[Any], profile: Any) -> None:
        self._listen(kind, full_name, partial(self._beside.put, full_name), profile)

    def _on_part(self, topic: StepTopic, raw: bytes) -> None:
        assert self._join is not None
        kept = Kept(raw, topic.read(deserialize_message(raw, topic.type)))
        stamp_ns = stamp_in(raw)
        self._quiet.hear()
        for stamp, parts in self._join.put(stamp_ns, topic.part, kept):
            self._record(stamp, parts)

    def _record(self, stamp_ns: int, parts: dict[str, Kept]) -> None:
        assert self._recording is not None
        if stamp_ns <= self._recording.newest_ns:
            self._refuse(stamp_ns)
            return
        feedback = parts["feedback"].value
        own = [Message(full, stamp_ns, parts[part].raw) for part, full in self._own.items()]
        heads, news = self._heads.take(stamp_ns, feedback)
        beside = (*news, *self._beside.take(stamp_ns))
        self._recording.put(RawStep(stamp_ns, feedback, (*beside, *own), heads))
        self.diagnostics.tick()
        self._report(stamp_ns)

    def _refuse(self, stamp_ns: int) -> None:
        """A step that is in the bags already, as after a restart; or time went back, which is no step of this run."""
        assert self._recording is not None
        self.diagnostics.count("steps that were recorded before")
        self._report(stamp_ns)
        if self._heads.began:
            newest_ns = self._recording.newest_ns
            self.diagnostics.problem(
                f"steps of {stamp_ns * 1e-9:.3f} s come after those of {newest_ns * 1e-9:.3f} s and are not recorded: "
                "the bridge has begun anew; record it into another directory"
            )

    def _give_up(self) -> None:
        """A part was lost with the process that sent it: go on without the step."""
        if self._quiet.tick() >= (self._join.patience_s if self._join else math.inf):
            for stamp_ns in self._join.give_up("executed"):
                self._report(stamp_ns)

    def _report(self, stamp_ns: int) -> None:
        """Say that the loop need not keep a step any longer: it was taken, refused or given up."""
        self._status.publish(messages.named_vector(stamp_ns, STATUS_NAMES, self._counts()))

    def _on_written(self, stamp_ns: int) -> None:
        """Called by the thread that writes."""
        for name, value in zip(STATUS_NAMES, self._counts(), strict=True):
            self.diagnostics.value(name, value)

    def _counts(self) -> list[int]:
        recording, join = self._recording, self._join
        if recording is None or join is None:
            return [0] * len(STATUS_NAMES)
        return [recording.steps, recording.dropped + join.dropped, recording.nbytes]

    def _on_ended(self, end: Feedback) -> None:
        """Called by the thread that writes when an episode has ended and its bag is kept or taken away."""
        recording = self._recording
        if recording is None:
            return
        counts = f"{recording.kept} kept, {recording.discarded} discarded"
        self.diagnostics.value("episodes", counts)
        if self.config.announce:
            outcome = "success" if end.success else "no success"
            self.get_logger().info(f"episode {end.episode}: {outcome} after {end.step} steps ({counts})")
        if recording.complete:
            self.finish()


def main() -> None:
    """Entry point."""
    give_way(NICENESS)
    sys.exit(run(Recorder, "Records every step of the loop into bags.", RecorderConfig))
