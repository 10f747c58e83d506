"""What the learner hears of one arm and tells it: its steps, and how far the run has come with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sensor_msgs.msg import JointState

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.shell import Shell
from vlmrl_ros.bridge.step_topics import StepTopic, step_topics
from vlmrl_ros.core.join import StepJoin
from vlmrl_ros.core.quiet import TICK_S, Quiet
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Step

STATUS_NAMES = ["version", "steps", "updates", "finished", "episode", "last", "demonstrations"]


class ArmSteps:
    """Joins the parts of an arm's steps. Each arm of a fleet has its own, so that no step has parts of two."""

    def __init__(
        self,
        shell: Shell[Any],
        name: str,
        put: Callable[[Step], None],
        skip: Callable[[int], None],
        listens: bool = False,
    ) -> None:
        """Nothing is heard before :meth:`listen`.

        Args:
            shell: the learner's node.
            name: of the arm: its namespace below that of the node; empty for a single arm.
            put: takes each step that is whole.
            skip: takes the stamp, ns, of each step that will never be whole.
            listens: to what the policy says, which is then part of its steps.
        """
        self._shell, self._put, self._skip = shell, put, skip
        self.name = name
        self._listens = listens
        self._prefix = f"{name}/" if name else ""
        self._status = shell.publisher(JointState, f"{self._prefix}learner/status", qos.STATUS)
        self.join: StepJoin | None = None
        """None before :meth:`listen`."""
        self._known = False

    def listen(self, spec: TaskSpec, after_ns: int) -> None:
        """Begin to hear the steps of a task that bear a later stamp, ns."""
        self.join = StepJoin([camera.name for camera in spec.cameras], after_ns=after_ns, listens=self._listens)
        self._quiet = Quiet()
        self._shell.steady_timer(TICK_S, self._give_up)
        for topic in step_topics(spec, self._listens):
            heard = partial(self._on_part, self.join, topic)
            self._shell.listen(topic.type, f"{self._prefix}{topic.name}", heard, topic.profile)

    def begin(self) -> None:
        """The arm's bridge is there; when it was before, it has started again, and its stamps with it."""
        if self._known and self.join is not None:
            self.join.reset()
        self._known = True

    def tell(self, stamp_ns: int, values: Sequence[float]) -> None:
        """Say how far the learner is; called by its worker too, for publishing is thread-safe.

        Args:
            stamp_ns: of the arm's newest step that was learned from or given up, ns.
            values: in the order of :data:`STATUS_NAMES`.
        """
        self._status.publish(messages.named_vector(stamp_ns, STATUS_NAMES, values))

    def _on_part(self, join: StepJoin, topic: StepTopic, message: Any) -> None:
        self._quiet.hear()
        stamp_ns, value = topic.parse(message)
        for step in join.put(stamp_ns, topic.part, value):
            self._put(step)
            self._shell.diagnostics.tick()
        self._shell.diagnostics.join(join, self.name)

    def _give_up(self) -> None:
        """A part was lost with the process that sent it: go on without the step."""
        if self.join is None or self._quiet.tick() < self.join.patience_s:
            return
        of = f" of {self.name}" if self.name else ""
        for stamp_ns in self.join.give_up():
            text = f"step{of} at {stamp_ns * 1e-9:.3f} s lacks a part that never came: given up"
            self._shell.get_logger().warning(text)
            self._skip(stamp_ns)
        for step in self.join.settle():
            self._put(step)
