"""The manager, to which a node speaks whose questions are counted; it answers none of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from fakes.processes import free_domain, wait_until
from lifecycle_msgs.srv import ChangeState

from vlmrl_ros.nodes.lifecycle_manager import LOST_HEARTBEATS, LifecycleManager

HEARTBEAT = DiagnosticArray(
    status=[DiagnosticStatus(name="/learner", values=[KeyValue(key="state", value="unconfigured")])]
)


@pytest.fixture
def asked() -> Iterator[tuple[LifecycleManager, Callable[[int], int]]]:
    """The manager of one node, and what that is asked: it has begun to listen, and is busy."""
    with free_domain() as domain:
        rclpy.init(args=["--ros-args", "-p", "node_names:=[learner]"], domain_id=domain)
        node, manager = rclpy.create_node("busy"), LifecycleManager()
        questions: list[ChangeState.Request] = []

        def answer(request: ChangeState.Request, response: ChangeState.Response) -> ChangeState.Response:
            questions.append(request)
            return response

        node.create_service(ChangeState, "learner/change_state", answer)

        def count(least: int) -> int:
            def spun() -> bool:
                rclpy.spin_once(node, timeout_sec=0.05)
                return len(questions) >= least

            wait_until(spun, f"{least} questions")
            for _ in range(5):
                rclpy.spin_once(node, timeout_sec=0.05)
            return len(questions)

        wait_until(manager._changers["learner"].service_is_ready, "the node's service")
        yield manager, count
        manager.destroy_node()
        node.destroy_node()
        rclpy.shutdown()


def test_a_node_that_was_busy_for_long_is_not_asked_twice_but_one_that_has_not_got_the_question_is(asked, monkeypatch):
    manager, count = asked

    def hear(heartbeats: int) -> None:
        later_s = time.monotonic() + 20.0
        with monkeypatch.context() as patch:
            patch.setattr(time, "monotonic", lambda: later_s)
            manager._go_on()  # it is silent
            for _ in range(heartbeats):
                manager._on_heartbeat(HEARTBEAT)
                manager._go_on()

    manager._on_heartbeat(HEARTBEAT)
    assert count(1) == 1
    hear(LOST_HEARTBEATS - 1)
    assert count(1) == 1
    hear(1)
    assert count(2) == 2
