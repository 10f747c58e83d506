"""Every executable follows the lifecycle by service and goes quietly on Ctrl-C, in whatever state it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fakes.observer import ACTIVATE, CLEANUP, CONFIGURE, DEACTIVATE, Observer
from fakes.processes import Running, Stage
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState

pytestmark = [pytest.mark.ros, pytest.mark.timeout(120)]

NODES = ("learner", "sim_bridge", "policy_server", "teleop", "scripted_operator", "evaluate", "joystick")
"""In an order in which a bridge is there when the others look for its task; but a learner that has begun to learn ends
with its run, so it goes through its transitions before there is a task."""
STATES = ("unconfigured", "inactive", "active")
PATHS = {
    "unconfigured": (),
    "inactive": (CONFIGURE,),
    "active": (CONFIGURE, ACTIVATE, DEACTIVATE, ACTIVATE, DEACTIVATE, CLEANUP, CONFIGURE, ACTIVATE),
}
"""How each state is reached; the last one takes every transition and comes back from each."""
Cast = dict[tuple[str, str], Running]


def start(stage: Stage, name: str, namespace: str) -> Running:
    if name == "joystick":
        return stage.played_joystick(namespace=namespace)
    parameters = {
        "sim_bridge": {"task": "reach"},
        "scripted_operator": {"operator": "reach"},
        "learner": {"run_dir": str(stage.root / f"run{namespace.replace('/', '_')}")},
        "evaluate": {"output": str(stage.root / "evaluation")},
    }
    return stage.node(name, parameters.get(name), namespace)


@pytest.fixture(scope="module")
def cast(stage: Stage, observer: Observer) -> Cast:
    """Each node in each state, each set of nodes in a namespace of its own."""
    made: Cast = {}
    for (
        state,
        path,
    ) in PATHS.items():  # one set after the other: an answer gets lost where too many find each other at once
        made |= {(name, state): start(stage, name, f"/{state}") for name in NODES}
        for name in NODES:
            observer.until(lambda at=f"/{state}/{name}": observer.diagnosis(at)[1], f"/{state}/{name} heard of")
            observer.change(f"/{state}/{name}", *path)
    return made


@pytest.fixture
def ask(observer: Observer) -> Callable[[str, int], bool]:
    def change(node: str, transition: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=transition))
        return bool(observer.call(ChangeState, f"{node}/change_state", request).success)

    return change


def test_every_node_reaches_every_state_and_says_so(observer, cast):
    for name, state in cast:
        node = f"/{state}/{name}"
        observer.until(lambda at=node, is_in=state: observer.diagnosis(at)[1].get("state") == is_in, f"{node} {state}")
    assert [observer.state(f"/{state}/learner") for state in STATES] == list(STATES)


def test_a_transition_that_does_not_fit_the_state_is_refused_and_harmless(observer, cast, ask):
    assert not ask("/unconfigured/teleop", ACTIVATE)
    assert observer.state("/unconfigured/teleop") == "unconfigured"


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", NODES[::-1])  # the learner last: it gives way to all others, so also when it ends
def test_ctrl_c_ends_a_node_within_three_seconds_and_without_a_traceback(cast, name, state):
    running = cast[name, state]
    assert running.interrupt() == 0
    assert "Traceback" not in running.output


def test_shutdown_by_service_ends_the_process(stage, observer):
    running = stage.node("teleop", namespace="/shutdown")
    observer.change("/shutdown/teleop", CONFIGURE, ACTIVATE)
    request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_ACTIVE_SHUTDOWN))
    observer.ask(ChangeState, "/shutdown/teleop/change_state", request)
    observer.until(lambda: running.ended, "the end of teleop")
    assert running.wait() == 0


def test_a_device_that_is_not_there_fails_to_configure_with_one_line(stage, observer):
    running = stage.node("spacemouse")
    request = ChangeState.Request(transition=Transition(id=CONFIGURE))
    answer = observer.ask(ChangeState, "/spacemouse/change_state", request)
    observer.until(lambda: running.ended, "the end of spacemouse")
    observer.drain()
    assert not answer.done() or not answer.result().success, "the answer may go with the process"
    assert running.wait() == 1
    assert "there is no SpaceMouse 0; connected: none" in running.output
    assert "Traceback" not in running.output


def test_the_manager_brings_nodes_up_in_order_and_leaves_on_ctrl_c(stage, observer):
    names = ["teleop", "policy_server"]
    for name in names:
        stage.node(name, namespace="/managed")
    manager = stage.node("lifecycle_manager", {"node_names": names}, "/managed")
    observer.until(lambda: "all active: teleop, policy_server" in manager.output, "the bring-up")
    assert [observer.state(f"/managed/{name}") for name in names] == ["active", "active"]
    assert manager.interrupt() == 0


def test_the_manager_names_the_node_that_does_not_come(stage):
    manager = stage.node("lifecycle_manager", {"node_names": ["nobody"], "timeout_s": 0.3}, "/deserted")
    assert manager.wait() == 1
    assert "node 'nobody' did not appear within 0.3 s" in manager.output
