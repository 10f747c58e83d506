"""What the recorder hears beside the steps waits for the step that it belongs to, so that each bag holds its own."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import JointState, Joy
from std_msgs.msg import String

from vlmrl_ros.bridge import qos
from vlmrl_ros.bridge.bags.raw import stamp_in
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.core.join import HORIZON_NS
from vlmrl_ros.core.json_text import read_json
from vlmrl_ros.core.mcap import Message
from vlmrl_ros.core.spoken import MOST_CHARACTERS

WAITING = 4096
"""Messages that may wait for their step."""
BESIDE = {
    "policy/thought": (String, qos.STEP),
    "policy/status": (JointState, qos.STEP),
    "scene": (JointState, qos.STEP),
    "joy": (Joy, qos.JOY),
}
"""Topics that are always recorded beside the steps."""


def _stamp_of_thought(raw: bytes) -> int:
    said = deserialize_message(raw, String).data
    return read_json(said, "a thought", MOST_CHARACTERS, lambda plain: int(plain["stamp_ns"]))


STAMPS: dict[str, Callable[[bytes], int]] = {
    "policy/thought": _stamp_of_thought,
    "policy/status": stamp_in,
    "scene": stamp_in,
}
"""How a message says to which step it belongs."""
_NEXT = -1
"""In place of a stamp: it belongs to the next step, whichever that is."""


class Beside:
    """Messages beside the steps, in the order in which they came.

    One that names a later step waits for it: it may be heard before the last parts of the step before, and with a new
    episode a new bag begins. Any other belongs to the next step that is recorded.
    """

    def __init__(self, recorded_ns: int) -> None:
        """Begin with none.

        Args:
            recorded_ns: newest step that is in the bags already, ns; what names it or an older one is there too.
        """
        self._waiting: deque[Message] = deque(maxlen=WAITING)
        self._recorded_ns = self._newest_ns = recorded_ns

    def put(self, full_name: str, raw: bytes, read_stamp: Callable[[bytes], int] | None = None) -> None:
        """Take a message.

        Args:
            full_name: of its topic.
            raw: its bytes.
            read_stamp: reads which step it names, see :data:`STAMPS`; one beyond all that may come next is not
                believed.
        """
        named_ns: int | None = None
        if read_stamp is not None:
            with contextlib.suppress(VlmrlError, RuntimeError):  # whoever reads it will say what is wrong with it
                named_ns = read_stamp(raw)
        if named_ns is not None and named_ns <= self._recorded_ns:
            return
        if named_ns is None or not self._newest_ns < named_ns <= self._newest_ns + HORIZON_NS:
            named_ns = _NEXT
        self._waiting.append(Message(full_name, named_ns, raw))

    def take(self, stamp_ns: int) -> list[Message]:
        """Hand out what belongs to the step that is recorded now; all bear its stamp, ns."""
        taken = [message._replace(time_ns=stamp_ns) for message in self._waiting if message.time_ns <= stamp_ns]
        later = [message for message in self._waiting if message.time_ns > stamp_ns]
        self._waiting, self._newest_ns = deque(later, maxlen=WAITING), stamp_ns
        return taken
