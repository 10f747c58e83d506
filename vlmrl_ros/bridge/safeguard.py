"""The e-stop and the dead-man of a bridge: they work whatever has become of the nodes before it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sensor_msgs.msg import JointState, Joy
from std_msgs.msg import Bool
from std_srvs.srv import SetBool

from vlmrl_ros.bridge import joy_messages, messages, qos
from vlmrl_ros.bridge.shell import Shell
from vlmrl_ros.core.errors import RangeError
from vlmrl_ros.core.safety import Applied, JointFilter, SafetyFilter


class Safeguard:
    """Serves ``estop``, keeps it latched in the filters, says so on ``estop/state``, and hears the dead-man.

    ``estop/state`` is published when the e-stop latches and when it is released, not at the start: so teleop can tell a
    bridge that was released by hand from one that has started again, and stops the latter anew.
    """

    def __init__(
        self,
        shell: Shell[Any],
        safety: SafetyFilter,
        joints: JointFilter | None = None,
        on_stop: Callable[[], None] | None = None,
    ) -> None:
        """Begin to listen; the e-stop is not latched.

        Args:
            shell: the bridge.
            safety: the filter of its commands.
            joints: the filter of its joint commands, where it has one.
            on_stop: called at once when the e-stop latches, for a bridge that can stop its arm between two ticks.
        """
        self._shell, self._safety, self._on_stop = shell, safety, on_stop
        self._filters = (safety, *([joints] if joints else []))
        self._state = shell.publisher(Bool, "estop/state", qos.LATCHED)
        shell.create_service(SetBool, "estop", self._on_service)
        if safety.config.dead_man_button >= 0:
            shell.listen(Joy, "joy", self._on_joy, qos.JOY)

    def hear(self, command: JointState) -> None:
        """Look whether teleop has the e-stop pressed. Call it first with every ``command``, also with a stale one."""
        if messages.read_estop(command) and not self._safety.estopped:
            self._latch("e-stop of teleop")

    def note(self, applied: Applied) -> None:
        """Show in diagnostics what was changed of a command, and why."""
        if not applied.reasons:
            return
        diagnostics = self._shell.diagnostics
        diagnostics.count("limited commands")
        for reason in applied.reasons:
            diagnostics.count(f"limited by {reason.value}")
        diagnostics.value("limited because", self._safety.explain())

    def _latch(self, reason: str) -> None:
        for each in self._filters:
            each.estop(reason)
        self._state.publish(Bool(data=True))
        self._shell.get_logger().warning(f"{reason}: the arm stands still until estop is called with false")
        if self._on_stop is not None:
            self._on_stop()

    def _on_service(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        if request.data:
            self._latch("e-stop service")
        else:
            for each in self._filters:
                each.release_estop()
            self._state.publish(Bool(data=False))
        response.success = True
        response.message = "stopped until estop is called with false" if request.data else "e-stop released"
        return response

    def _on_joy(self, message: Joy) -> None:
        button, buttons = self._safety.config.dead_man_button, joy_messages.read_joy(message).buttons
        held = button < len(buttons) and bool(buttons[button])
        self._safety.hear_dead_man(held, time.monotonic())
        if button >= len(buttons):
            raise RangeError(f"joy has {len(buttons)} buttons; the dead-man is button {button}")
