"""Steps of text as they come by topic: joined by stamp for the learner and the recorder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sensor_msgs.msg import JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.shell import Shell
from vlmrl_ros.bridge.text_messages import EXECUTED, OBSERVATION, read_answer, read_text
from vlmrl_ros.core.join import PartJoin
from vlmrl_ros.core.quiet import TICK_S, Quiet
from vlmrl_ros.core.text_steps import SPOKEN_PARTS, SpokenStep, spoken

WINDOW = 256
"""Steps that may be open: as many as a topic keeps for those who come late."""


class SpokenSteps:
    """Joins what bears one stamp."""

    def __init__(
        self, shell: Shell[Any], put: Callable[[SpokenStep], None], skip: Callable[[int], None], after_ns: int = -1
    ) -> None:
        """Begin to listen.

        Args:
            shell: the node.
            put: takes each step that is whole.
            skip: takes the stamp, ns, of each step that will never be whole.
            after_ns: steps up to this stamp are known already.
        """
        self._shell, self._put, self._skip = shell, put, skip
        self._join = PartJoin(SPOKEN_PARTS, WINDOW, after_ns)
        self._quiet = Quiet()
        shell.listen(String, OBSERVATION, self._on_text, qos.STEP)
        shell.listen(JointState, "feedback", self._on_feedback, qos.STEP)
        shell.listen(String, EXECUTED, self._on_said, qos.STEP)
        shell.steady_timer(TICK_S, self._give_up)

    def reset(self) -> None:
        """The bridge has started again, and its stamps with it."""
        self._join.reset()

    def _on_text(self, message: String) -> None:
        stamp_ns, text = read_text(message, OBSERVATION)
        self._add(stamp_ns, "text", text)

    def _on_said(self, message: String) -> None:
        stamp_ns, answer = read_answer(message, EXECUTED)
        self._add(stamp_ns, "said", answer)

    def _on_feedback(self, message: JointState) -> None:
        self._add(messages.stamp_of(message), "feedback", messages.read_feedback(message))

    def _add(self, stamp_ns: int, part: str, value: Any) -> None:
        self._quiet.hear()
        for stamp, parts in self._join.put(stamp_ns, part, value):
            self._put(spoken(stamp, parts))
            self._shell.diagnostics.tick()
        self._shell.diagnostics.join(self._join)

    def _give_up(self) -> None:
        """A part was lost with the process that sent it: go on without the step."""
        if self._quiet.tick() < self._join.patience_s:
            return
        for stamp_ns in self._join.give_up(SPOKEN_PARTS[-1]):
            self._shell.get_logger().warning(f"step at {stamp_ns * 1e-9:.3f} s lacks a part that never came: given up")
            self._skip(stamp_ns)
