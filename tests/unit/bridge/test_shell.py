"""What a node does with messages that it cannot use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from fakes.processes import free_domain
from rclpy.signals import SignalHandlerOptions
from std_msgs.msg import String

from vlmrl_ros.bridge import qos
from vlmrl_ros.bridge.shell import Shell
from vlmrl_ros.core.errors import ShapeError


@dataclass(frozen=True)
class NoOptions:
    """Nothing to configure."""


class Listener(Shell[NoOptions]):
    """Listens to one topic and does what the text says."""

    config_type = NoOptions

    def __init__(self) -> None:
        super().__init__("listener")
        self.heard: list[str] = []
        self.listen(String, "text", self._on_text, qos.LATCHED)

    def _on_text(self, message: String) -> None:
        if message.data == "bad":
            raise ShapeError("the text is bad")
        if message.data.startswith("defect"):
            raise {"defect": ZeroDivisionError, "defect 2": KeyError}[message.data]("in the callback")
        self.heard.append(message.data)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with free_domain() as domain:
        rclpy.init(domain_id=domain, signal_handler_options=SignalHandlerOptions.NO)
        node = Listener()
        yield node
        node.destroy_node()
        rclpy.shutdown()


@pytest.fixture
def hear(listener: Listener) -> Callable[[str], None]:
    (callback,) = [s.callback for s in listener.subscriptions if s.topic_name == "/text"]
    return lambda text: callback(String(data=text))


def diagnosis(listener: Listener) -> Any:
    """What it says on ``/diagnostics``."""
    said: list[DiagnosticStatus] = []
    listener.create_subscription(DiagnosticArray, "/diagnostics", lambda m: said.extend(m.status), qos.DIAGNOSTICS)
    for _ in range(100):
        rclpy.spin_once(listener, timeout_sec=0.1)
        if len(said) > 1:  # the first is what it said before
            return said[-1]
    raise AssertionError("no diagnostics in 10 s")


def test_a_message_that_is_refused_is_counted_and_the_node_goes_on(listener, hear):
    for text in ("bad", "good", "bad"):
        hear(text)
    assert listener.heard == ["good"]
    assert listener.diagnostics.counts() == {"refused text": 2}
    assert diagnosis(listener).level == DiagnosticStatus.OK


def test_a_defect_ends_nothing_but_stays_in_sight_and_is_logged_once(listener, hear, capfd):
    for text in ("defect", "good", "defect", "defect 2"):
        hear(text)
    assert listener.heard == ["good"]
    assert listener.diagnostics.counts() == {"refused text": 3, "failed on text": 3}
    status = diagnosis(listener)
    assert status.level == DiagnosticStatus.ERROR
    assert status.message == (
        "a message on text met a defect: ZeroDivisionError; a message on text met a defect: KeyError"
    )
    written = capfd.readouterr().err
    assert written.count("ZeroDivisionError: in the callback") == 1
    assert "KeyError: 'in the callback'" in written
