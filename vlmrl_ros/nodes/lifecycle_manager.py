"""``lifecycle_manager``: brings the nodes of a launch file up in order, and down when it is asked to stop."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.client import Client
from rclpy.task import Future

from vlmrl_ros.bridge.shell import Shell, run
from vlmrl_ros.core.config import option


@dataclass(frozen=True)
class LifecycleManagerConfig:
    """Parameters of ``lifecycle_manager``."""

    node_names: tuple[str, ...] = option((), "nodes in the order in which they are configured and then activated")
    timeout_s: float = option(60.0, "longest time for one transition of one node", unit="s", low=0.1, high=600.0)


class LifecycleManager(Shell[LifecycleManagerConfig]):
    """Configures every node in order, then activates every node in order; reports the one that does not follow."""

    config_type = LifecycleManagerConfig

    def __init__(self) -> None:
        """Begin at once: nobody manages the manager."""
        super().__init__("lifecycle_manager")
        names = self.config.node_names
        self._plan = [(name, Transition.TRANSITION_CONFIGURE) for name in names]
        self._plan += [(name, Transition.TRANSITION_ACTIVATE) for name in names]
        self._changers: dict[str, Client] = {
            name: self.create_client(ChangeState, f"{name}/change_state") for name in names
        }
        self._since_s = time.monotonic()
        self._asked: Future | None = None
        self._poll = self.steady_timer(0.02, self._go_on)
        self.diagnostics.state = "bringing up"

    def _go_on(self) -> None:
        """Ask for the next transition as soon as its node is there."""
        if not self._plan:
            self._poll.cancel()
            self.diagnostics.state = "active"
            self.get_logger().info(f"all active: {', '.join(self.config.node_names)}")
            return
        name, transition = self._plan[0]
        if time.monotonic() - self._since_s > self.config.timeout_s:
            self._poll.cancel()
            self.fail(TimeoutError(f"node '{name}' did not {_WORDS[transition]} within {self.config.timeout_s:g} s"))
        elif self._asked is None and self._changers[name].service_is_ready():
            request = ChangeState.Request(transition=Transition(id=transition))
            self._asked = self._changers[name].call_async(request)
            self._asked.add_done_callback(self._then(name, transition))

    def _then(self, name: str, transition: int) -> Callable[[Future], None]:
        def answered(future: Future) -> None:
            self._asked = None
            self._since_s = time.monotonic()
            if future.result() is not None and future.result().success:
                self._plan.pop(0)
                self._go_on()
            else:
                self._poll.cancel()
                self.fail(RuntimeError(f"node '{name}' failed to {_WORDS[transition]}; its own log line says why"))

        return answered


_WORDS = {Transition.TRANSITION_CONFIGURE: "configure", Transition.TRANSITION_ACTIVATE: "activate"}


def main() -> None:
    """Entry point."""
    sys.exit(run(LifecycleManager, "Brings the nodes of a launch file up in order.", LifecycleManagerConfig))
