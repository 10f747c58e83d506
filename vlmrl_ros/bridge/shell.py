"""The lifecycle discipline of every node: parameters at construction, plug-ins on configure, work while active.

A node of this package is a :class:`Shell` that fills in :meth:`Shell.configure`, :meth:`Shell.activate`,
:meth:`Shell.deactivate` and :meth:`Shell.close`. An error that a user can cause ends the process with one line and
status 1.
"""

from __future__ import annotations

import functools
import gc
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import ParameterException
from rclpy.executors import SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions
from rclpy.subscription import Subscription
from rclpy.task import Future
from rclpy.timer import Timer

from vlmrl_ros.bridge.diagnostics import Diagnostics
from vlmrl_ros.bridge.parameters import declare
from vlmrl_ros.core.config import options
from vlmrl_ros.core.errors import VlmrlError

C = TypeVar("C")

FAILED = "failed on"
"""Begin of the name of the counters of messages that met a defect."""


class Shell(LifecycleNode, Generic[C]):
    """Base of all nodes."""

    config_type: type[C]
    """Frozen dataclass of the node's parameters."""

    def __init__(self, name: str) -> None:
        """Declare the parameters.

        Raises:
            VlmrlError: an unknown parameter or a bad value.
        """
        super().__init__(name, automatically_declare_parameters_from_overrides=True)
        self.config: C = declare(self, self.config_type)
        self.diagnostics = Diagnostics(self)
        self.active = False
        self.done: Future[int] = Future()
        """Completed with the exit status when the node has nothing left to do."""
        self._permanent = self._entities()

    # What a node fills in.

    def configure(self) -> None:
        """Load plug-ins, create publishers and subscriptions, begin anew. May raise :class:`VlmrlError`."""

    def activate(self) -> None:
        """Begin to work. May raise :class:`VlmrlError`."""

    def deactivate(self) -> None:
        """Stop working; keep what is loaded."""

    def close(self) -> None:
        """Free files, devices, threads and windows. Called on cleanup and at the end, also after Ctrl-C."""

    # What a node uses.

    def finish(self, status: int = 0) -> None:
        """End the process from within a callback."""
        if not self.done.done():
            self.done.set_result(status)

    def fail(self, error: Exception) -> None:
        """End the process and say why: one line for what a user can put right, all of it for a defect."""
        defect = error.__traceback__ is not None and not isinstance(error, VlmrlError)
        self.get_logger().fatal("".join(traceback.format_exception(error)) if defect else str(error))
        self.finish(1)

    def publisher(self, message_type: type[Any], topic: str, profile: QoSProfile) -> Publisher[Any]:
        """A publisher that works in every lifecycle state; the node itself is silent unless active."""
        return rclpy.node.Node.create_publisher(self, message_type, topic, profile)

    def steady_timer(self, period_s: float, callback: Callable[[], None]) -> Timer:
        """A timer on the steady clock, whatever ``use_sim_time`` says."""
        return self.create_timer(period_s, callback, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def listen(self, message_type: type[Any], topic: str, callback: Callable[[Any], None], profile: QoSProfile) -> None:
        """Subscribe; a malformed message is refused, counted and said, and does nothing else."""
        rclpy.node.Node.create_subscription(
            self, message_type, topic, self._guarded(callback, topic, (VlmrlError,)), profile
        )

    def create_subscription(
        self, msg_type: type[Any], topic: str, callback: Callable[[Any], None], *args: Any, **kwargs: Any
    ) -> Subscription[Any]:
        """What rclpy subscribes to by itself (``/clock``); it answers a time below zero with a ValueError."""
        guarded = self._guarded(callback, topic, (VlmrlError, ValueError))
        return super().create_subscription(msg_type, topic, guarded, *args, **kwargs)

    def _guarded(
        self, callback: Callable[[Any], None], topic: str, refusals: tuple[type[Exception], ...]
    ) -> Callable[[Any], None]:
        """A callback that no message can end the node by.

        An error that is not one of the refusals is a defect of the node. It ends nothing either; but it is counted
        apart, shows in diagnostics as an error for the rest of the node's life, and is logged with its traceback the
        first time.
        """

        @functools.wraps(callback)
        def guarded(message: Any) -> None:
            try:
                callback(message)
            except refusals as error:
                self.diagnostics.count(f"refused {topic}")
                self.get_logger().warning(f"refused a message on {topic}: {error}", throttle_duration_sec=5.0)
            except Exception as error:  # noqa: BLE001 - told apart from what is refused, and kept in sight
                self.diagnostics.count(f"refused {topic}")
                self.diagnostics.count(f"{FAILED} {topic}")
                if self.diagnostics.defect(f"a message on {topic} met a defect: {type(error).__name__}"):
                    self.get_logger().error(f"a message on {topic} met a defect:\n{traceback.format_exc()}")

        return guarded

    # Lifecycle callbacks of rclpy.

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """See :meth:`configure`."""
        return self._transition(self.configure, "inactive")

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """See :meth:`activate`."""
        result = self._transition(self.activate, "active")
        gc.collect()
        gc.freeze()  # what is loaded by now stays; later collections are short and do not delay a tick
        self.active = result == TransitionCallbackReturn.SUCCESS
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """See :meth:`deactivate`."""
        self.active = False
        return self._transition(self.deactivate, "inactive")

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Undo :meth:`configure`, so that it can be done again."""
        return self._transition(self._clean_up, "unconfigured")

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """End the process."""
        self.active = False
        self.finish()
        return TransitionCallbackReturn.SUCCESS

    def _clean_up(self) -> None:
        self.close()
        destroy = (self.destroy_timer, self.destroy_service, self.destroy_subscription, self.destroy_publisher)
        for entities, permanent, away in zip(self._entities(), self._permanent, destroy, strict=True):
            for entity in entities:
                if entity not in permanent:
                    away(entity)

    def _entities(self) -> tuple[list[Any], ...]:
        return list(self.timers), list(self.services), list(self.subscriptions), list(self.publishers)

    def _transition(self, work: Callable[[], None], state: str) -> TransitionCallbackReturn:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - rclpy would swallow it
            self.fail(error)
            return TransitionCallbackReturn.FAILURE
        self.diagnostics.state = state
        return TransitionCallbackReturn.SUCCESS


def give_way(niceness: int) -> None:
    """Have at least this niceness. Where everything has less priority already, the node is not pushed back further."""
    os.nice(max(0, niceness - os.nice(0)))


def run(make: Callable[[], Shell[Any]], description: str, config_type: type[Any]) -> int:
    """Be the ``main`` of an executable: spin one node in one thread until it is done or stopped.

    Args:
        make: makes the node.
        description: one sentence for ``--help``.
        config_type: the node's parameters, for ``--help``.

    Returns:
        exit status: 0 on a clean stop, 1 after an error.
    """
    if "--help" in sys.argv or "-h" in sys.argv:
        sys.stdout.write(usage(config_type, description) + "\n")
        return 0
    status = 1
    try:
        rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
        status = _spin(make)
    except KeyboardInterrupt:
        status = 0
    except (VlmrlError, ParameterException, rclpy_implementation.RCLError) as error:
        sys.stderr.write(f"error: {error}\n")
    finally:
        rclpy.try_shutdown()
    return status


def _spin(make: Callable[[], Shell[Any]]) -> int:
    signals = _catch_signals()  # what the node takes hold of while it is made, it gives back
    node = make()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    _finish_on_signal(node, executor, signals[0])
    try:
        executor.spin_until_future_complete(node.done)
    finally:
        node.active = False
        node.close()
        executor.shutdown(timeout_sec=0.0)
        signal.set_wakeup_fd(-1)
        signals[1].close()
    return int(node.done.result() or 0) if node.done.done() else 0


def _catch_signals() -> tuple[socket.socket, socket.socket]:
    """Have the interpreter write a byte for each SIGINT and SIGTERM, and do nothing else.

    Returns:
        the ends where the bytes come out and go in, the latter to be kept open until the node has closed.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    return reader, writer


def _finish_on_signal(node: Shell[Any], executor: SingleThreadedExecutor, reader: socket.socket) -> None:
    """On SIGINT and SIGTERM let the node finish; the context stays valid until it has closed.

    The executor waits in C, where Python's handlers do not run; so a thread waits for the byte that the interpreter
    writes for each signal. Signals after the first change nothing: Ctrl-C may come from the terminal and from the
    launcher.
    """

    def watch() -> None:
        if reader.recv(1):
            executor.create_task(node.finish)

    threading.Thread(target=watch, name="signals", daemon=True).start()


def usage(config_type: type[Any], description: str) -> str:
    """The text of ``--help``: what the node is and its parameters with type, default, range."""
    lines = [description, "", "Parameters (--ros-args -p name:=value, or a params file):"]
    for name, (kind, default, about) in options(config_type).items():
        span = "" if about.low is None and about.high is None else f", {about.low} to {about.high}"
        unit = f" {about.unit}" if about.unit else ""
        choices = f", one of {' '.join(about.choices)}" if about.choices else ""
        lines.append(f"  {name} ({getattr(kind, '__name__', kind)}{unit}, default {default!r}{span}{choices})")
        lines.append(f"      {about.description}")
    return "\n".join(lines)
