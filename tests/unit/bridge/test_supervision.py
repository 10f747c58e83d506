from __future__ import annotations

import signal
from types import SimpleNamespace
from typing import Any

import pytest
from launch import LaunchContext
from launch.actions import LogInfo, Shutdown, TimerAction
from launch.utilities import expand
from launch_ros.actions import Node

from vlmrl_ros.bridge.supervision import Supervisor, again
from vlmrl_ros.core.restarts import Restarts

ALIVE = SimpleNamespace(is_shutdown=False)


def supervisor(given: Any = (), **more: Any) -> tuple[Supervisor, list[dict]]:
    """A supervisor and the parameters of each node that it has made."""
    made: list[dict] = []

    def make(parameters: Any, on_exit: Any) -> Node:
        made.append(dict(parameters))
        return Node(package="vlmrl_ros", executable="learner", on_exit=on_exit)

    return Supervisor("learner", make, None if given is None else dict(given), **more), made


def end(supervised: Supervisor, code: int, context: Any = ALIVE) -> list[Any]:
    return supervised.ended(SimpleNamespace(returncode=code), context)


def said(actions: list[Any]) -> str:
    return "".join(expand(LaunchContext(), a.msg) for a in actions if isinstance(a, LogInfo))


@pytest.mark.parametrize(
    ("code", "reason"),
    [(0, "learner has ended"), (1, "learner has failed with exit code 1"), (-2, "learner has ended")],
)
def test_a_node_that_ends_by_itself_or_by_ctrl_c_ends_everything(code, reason):
    supervised, made = supervisor()
    (action,) = end(supervised, code)
    assert isinstance(action, Shutdown)
    assert expand(LaunchContext(), action.reason) == reason
    assert made == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_node_that_a_signal_kills_is_started_again_with_what_lets_it_go_on(number):
    supervised, made = supervisor({"resume": True})
    supervised.start()
    actions = end(supervised, -number)
    assert said(actions) == f"learner was killed by {number.name}: it is started again"
    assert isinstance(actions[-1], Node)
    assert made == [{}, {"resume": True}]


def test_one_that_dies_soon_after_its_start_waits_before_the_next():
    supervised, _ = supervisor()
    end(supervised, -9)
    actions = end(supervised, -9)
    assert "soon after its start: it is started again in 0.5 s" in said(actions)
    assert isinstance(actions[-1], TimerAction)


def test_when_the_restarts_are_used_up_everything_stops_with_a_clear_line():
    supervised, made = supervisor(restarts=Restarts(limit=2))
    for _ in range(2):
        end(supervised, -9)
    actions = end(supervised, -9)
    assert said(actions) == "learner was killed by SIGKILL after 2 restarts within an hour: everything stops"
    assert isinstance(actions[-1], Shutdown)
    assert len(made) == 2


def test_a_node_whose_knowledge_is_lost_ends_everything():
    supervised, made = supervisor(None)
    actions = end(supervised, -9)
    assert said(actions).endswith("nothing here knows what it knew: everything stops")
    assert isinstance(actions[-1], Shutdown)
    assert made == []


def test_nothing_is_started_once_the_launch_is_shutting_down():
    supervised, made = supervisor()
    assert end(supervised, -9, SimpleNamespace(is_shutdown=True)) == []
    assert made == []


def test_a_learner_knows_the_run_for_the_others():
    assert again("sim_bridge", learns=True) == {"continues": True}
    assert again("sim_bridge", learns=False) is None
    assert again("teleop", learns=True) == again("teleop", learns=False) == {}
