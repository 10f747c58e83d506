"""``lifecycle_manager``: brings the nodes of a launch file up in order, and again when they have begun anew."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.client import Client
from rclpy.task import Future

from vlmrl_ros.bridge import qos
from vlmrl_ros.bridge.diagnostics import PROCESS
from vlmrl_ros.bridge.shell import Shell, run
from vlmrl_ros.core.bring_up import LEADS_TO, BringUp
from vlmrl_ros.core.config import option

POLL_S = 0.1
REFUSED_S = 1.5
"""A refusal is believed after this time, because the state that led to the question may have been out of date. Longer
than the period of the heartbeats."""
LOST_HEARTBEATS = 10
"""A node whose heartbeats tell of no change so often has not got the question, or its answer was lost. One that is busy
has none, however long it takes to build or to configure itself: it finds the question when it is done."""
TRANSITIONS = {"configure": Transition.TRANSITION_CONFIGURE, "activate": Transition.TRANSITION_ACTIVATE}


@dataclass(frozen=True)
class LifecycleManagerConfig:
    """Parameters of ``lifecycle_manager``."""

    node_names: tuple[str, ...] = option((), "nodes in the order in which they are configured and then activated")
    timeout_s: float = option(60.0, "longest time for one transition of one node", unit="s", low=0.1, high=600.0)
    heartbeat_timeout_s: float = option(
        3.0, "a node not heard of on /diagnostics for longer is reported as silent", unit="s", low=1.5, high=600.0
    )


@dataclass
class _Asked:
    """A transition that was asked for, of which process, whether that has refused it, and its heartbeats since."""

    name: str
    transition: str
    process: str
    since_s: float
    refused: bool = False
    heartbeats: int = 0


class LifecycleManager(Shell[LifecycleManagerConfig]):
    """Takes the nodes through what is due; reports those that are silent and the one that does not follow."""

    config_type = LifecycleManagerConfig

    def __init__(self) -> None:
        """Begin at once: nobody manages the manager."""
        super().__init__("lifecycle_manager")
        names = self.config.node_names
        space = self.get_namespace().rstrip("/")
        self._by_full_name = {f"{space}/{name}": name for name in names}
        self._bring_up = BringUp(names, self.config.heartbeat_timeout_s)
        self._changers: dict[str, Client] = {
            name: self.create_client(ChangeState, f"{name}/change_state") for name in names
        }
        self._asked: dict[str, _Asked] = {}
        self._processes: dict[str, str] = {}
        self._progress_s = time.monotonic()
        self.diagnostics.state = "bringing up"
        self.listen(DiagnosticArray, "/diagnostics", self._on_heartbeat, qos.DIAGNOSTICS)
        self.steady_timer(POLL_S, self._go_on)

    def _on_heartbeat(self, message: DiagnosticArray) -> None:
        for status in message.status:
            name = self._by_full_name.get(status.name)
            if name is not None:
                values = {item.key: item.value for item in status.values}
                self._processes[name] = values.get(PROCESS, "")
                if name in self._asked:
                    self._asked[name].heartbeats += 1
                self._hear(name, values.get("state", ""))

    def _hear(self, name: str, state: str) -> None:
        if self._bring_up.hear(name, state, time.monotonic()):
            if name in self._asked and LEADS_TO[self._asked[name].transition] == state:
                del self._asked[name]  # of one that was silent meanwhile the question is still open
            self._progress_s = time.monotonic()
            self._say()
            self._go_on()

    def _say(self) -> None:
        state = "active" if self._bring_up.complete else "bringing up"
        if state == self.diagnostics.state:
            return
        self.diagnostics.state = state
        if state == "active":
            self.get_logger().info(f"all active: {', '.join(self.config.node_names)}")

    def _go_on(self) -> None:
        """Report who is silent, and ask for the transitions that are due."""
        now_s = time.monotonic()
        silent = self._bring_up.silent(now_s)
        limit_s = self.config.heartbeat_timeout_s
        self.diagnostics.problem(f"not heard of for more than {limit_s:g} s: {', '.join(silent)}" if silent else "")
        steps = self._bring_up.due()
        if self._bring_up.complete:
            return
        if now_s - self._progress_s > self.config.timeout_s:
            name, what = steps[0] if steps else (self._bring_up.waits_for(), "appear")
            self.fail(TimeoutError(f"node '{name}' did not {what} within {self.config.timeout_s:g} s"))
            return
        for step in steps:
            self._ask(*step, now_s)

    def _ask(self, name: str, transition: str, now_s: float) -> None:
        asked, process = self._asked.get(name), self._processes.get(name, "")
        if asked is not None and (asked.transition, asked.process) == (transition, process):
            if asked.refused:
                if now_s - asked.since_s >= REFUSED_S and self._bring_up.heard_since(name, asked.since_s):
                    self.fail(RuntimeError(f"node '{name}' failed to {transition}; its own log line says why"))
                return
            if asked.heartbeats < LOST_HEARTBEATS:
                return
        if self._changers[name].service_is_ready():
            asked = self._asked[name] = _Asked(name, transition, process, now_s)
            request = ChangeState.Request(transition=Transition(id=TRANSITIONS[transition]))
            self._changers[name].call_async(request).add_done_callback(self._then(asked))

    def _then(self, asked: _Asked) -> Callable[[Future], None]:
        def answered(future: Future) -> None:
            if future.result() is not None and future.result().success:
                self._hear(asked.name, LEADS_TO[asked.transition])
            elif asked is self._asked.get(asked.name):
                asked.refused, asked.since_s = True, time.monotonic()

        return answered


def main() -> None:
    """Entry point."""
    sys.exit(run(LifecycleManager, "Brings the nodes of a launch file up in order.", LifecycleManagerConfig))
