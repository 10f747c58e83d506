"""What a launch file does when a node ends. Uses the real launch API only.

Exit code 0: the run is done and everything stops. Above 0: the node has said what a person must put right, and
everything stops with that failure. Killed by a signal: the node is started again, and goes on where the run is.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from launch import LaunchContext
from launch.action import Action
from launch.actions import LogInfo, Shutdown, TimerAction
from launch.events.process import ProcessExited
from launch_ros.actions import Node

from vlmrl_ros.core.restarts import Restarts

GOES_ON = {
    "learner": {"resume": True},
    "text_learner": {"resume": True},
    "text_recorder": {"continues": True},
    "sim_bridge": {"continues": True},
    "arm_bridge": {"continues": True},
    "scripted_operator": {"continues": True},
}
"""What tells a node that it takes the place of one that was killed, where there is a learner that knows the run."""
ALONE = ("sim_bridge", "evaluate", "selector")
"""Without a learner nobody knows how far these had come."""


def again(executable: str, learns: bool) -> Mapping[str, Any] | None:
    """Parameters that a node gets besides its own when it takes the place of one that was killed.

    Args:
        executable: of the node.
        learns: the launch has a learner, which knows where the run is.

    Returns:
        name to value, or None where nobody could tell the new node what the old one knew.
    """
    if learns:
        return GOES_ON.get(executable, {})
    return None if executable in ALONE else {}


class Supervisor:
    """Keeps one node alive."""

    def __init__(
        self,
        name: str,
        make: Callable[[Mapping[str, Any], Callable[..., Any]], Node],
        again: Mapping[str, Any] | None,
        restarts: Restarts | None = None,
    ) -> None:
        """Prepare; :meth:`start` is the action that starts the node.

        Args:
            name: of the node, for people.
            make: makes the action from parameters that the node gets besides its own, and from what follows its end.
            again: parameters for a node that takes the place of a dead one; None: its death ends everything.
            restarts: how often and how soon.
        """
        self._name, self._make, self._again = name, make, again
        self._restarts = restarts or Restarts()

    def start(self) -> Node:
        """The action that starts the node for the first time."""
        return self._make({}, self.ended)

    def ended(self, event: ProcessExited, context: LaunchContext) -> list[Action]:
        """What follows the end of the node's process."""
        code, name = event.returncode, self._name
        if context.is_shutdown:
            return []
        if code >= 0 or code == -signal.SIGINT:
            return [Shutdown(reason=f"{name} has ended" if code <= 0 else f"{name} has failed with exit code {code}")]
        died = f"{name} was killed by {signal.Signals(-code).name}"
        if self._again is None:
            return _give_up(f"{died}, and nothing here knows what it knew")
        delay_s = self._restarts.next_delay_s(time.monotonic())
        if delay_s is None:
            return _give_up(f"{died} after {self._restarts.limit} restarts within an hour")
        node = self._make(self._again, self.ended)
        if not delay_s:
            return [LogInfo(msg=f"{died}: it is started again"), node]
        text = f"{died} soon after its start: it is started again in {delay_s:g} s"
        return [LogInfo(msg=text), TimerAction(period=delay_s, actions=[node])]


def _give_up(reason: str) -> list[Action]:
    return [LogInfo(msg=f"{reason}: everything stops"), Shutdown(reason=reason)]
