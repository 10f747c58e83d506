"""A person whose ``joy`` comes from a node of their own, here the test itself: what moves, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fakes.checkpoints import GOES_THERE, write_reacher
from fakes.observer import Observer
from fakes.processes import Running, Stage
from sensor_msgs.msg import JointState, Joy

from vlmrl_ros.bridge import joy_messages, messages, qos
from vlmrl_ros.core.interfaces import JoyState
from vlmrl_ros.core.types import Source
from vlmrl_ros.sim.load import build

pytestmark = [pytest.mark.launch, pytest.mark.timeout(180)]

TAKEOVER, FORWARD = 5, 1
"""Button and axis of the profile ``xbox``."""
AXES, BUTTONS = 8, 11
RATE_HZ = 100.0
PATIENT_S = 0.3
"""On a busy machine too a reading is not late."""
SEEN = 15
"""Ticks in which something that must not happen would have happened."""


class Person:
    """At a joystick: what they hold is published while the observer receives, once they have begun."""

    def __init__(self, observer: Observer, namespace: str) -> None:
        self._state = JoyState(np.zeros(AXES, np.float32), np.zeros(BUTTONS, np.int32))
        self._node, self._live = observer.node, False
        self._joy = self._node.create_publisher(Joy, f"/{namespace}/joy", qos.JOY)
        self._node.create_timer(1.0 / RATE_HZ, self._say)

    def hold(self, forward: float, *buttons: int) -> None:
        """Hold exactly these buttons and push the left stick forward."""
        axes, pressed = np.zeros(AXES, np.float32), np.zeros(BUTTONS, np.int32)
        axes[FORWARD], pressed[list(buttons)] = forward, 1
        self._state, self._live = JoyState(axes, pressed), True

    def leave(self) -> None:
        """Fall silent."""
        self._live = False

    def _say(self) -> None:
        if self._live:
            self._joy.publish(joy_messages.joy_message(self._node.get_clock().now().nanoseconds, self._state))


class Loop:
    """A launch with ``operator:=joy``, its person, and what becomes of the arm."""

    def __init__(self, stage: Stage, observer: Observer, namespace: str, *arguments: str, **teleop: object) -> None:
        self.observer = observer
        self.person = Person(observer, namespace)
        self.executed = observer.listen(JointState, f"/{namespace}/executed")
        self.decided = observer.listen(JointState, f"/{namespace}/intervention")
        small = {"teleop": {"arbiter.joy_late_s": PATIENT_S, **teleop}, "sim_bridge": {"reach.horizon": 1000}}
        rows = {f"/{namespace}/{node}": given for node, given in small.items()}
        given = ("operator:=joy", f"namespace:={namespace}", f"params_file:={stage.params_file(rows)}")
        self.launched: Running = stage.launch(*arguments, *given)

    def until(self, condition: Callable[[], object], what: str) -> None:
        self.observer.until(lambda: condition() or self.launched.ended, what, 60.0)
        assert not self.launched.ended, self.launched.output

    def sources(self, since: int = 0) -> set[Source]:
        return {messages.read_intervention(message).source for message in self.decided[since:]}

    def stands_still(self) -> None:
        """See that from now on nothing moves the arm."""
        executed, decided = len(self.executed), len(self.decided)
        self.until(lambda: len(self.executed) > executed + SEEN, "ticks without motion")
        assert not any(any(message.position) for message in self.executed[executed:])
        assert self.sources(decided) <= {Source.STOPPED}


@pytest.fixture
def observer(stage: Stage) -> Iterator[Observer]:
    made = Observer(stage.domain)
    yield made
    made.close()


@pytest.fixture(scope="module")
def checkpoint(stage: Stage) -> Path:
    task = build("reach", {})
    written = write_reacher(stage.root / "run" / "checkpoints", 1, task.spec, GOES_THERE)
    task.close()
    return written


def takes_over(loop: Loop) -> None:
    """The person pushes the arm forward."""
    loop.person.hold(1.0, TAKEOVER)
    loop.until(lambda: Source.HUMAN in loop.sources(), "the person in control")
    begin = len(loop.executed)
    loop.until(lambda: any(message.position[0] > 0.01 for message in loop.executed[begin:]), "the push")


@pytest.mark.parametrize("name", ["sim_train", "real_train", "eval"])
def test_a_policy_moves_the_arm_only_while_a_joy_lives_that_could_take_over(stage, observer, checkpoint, name):
    run = f"run_dir:={stage.root / 'runs' / name}"
    given = {
        "sim_train": ("task:=reach", "demonstrations:=0", run),
        "real_train": ("arm:=sim_arm", "demonstrations:=0", run),
        "eval": (f"checkpoint:={checkpoint}", f"output:={stage.root / 'judged'}"),
    }
    loop = Loop(stage, observer, name, f"{name}.launch.py", *given[name])
    loop.until(lambda: len(loop.decided) > SEEN, "decisions before any joy")
    assert not any(any(message.position) for message in loop.executed)
    assert loop.sources() == {Source.STOPPED}
    loop.until(lambda: "no live joystick" in loop.launched.output, "the reason why nothing moves")
    assert "[teleop-" in loop.launched.output
    assert "[joystick-" not in loop.launched.output

    loop.person.hold(0.0)
    loop.until(lambda: Source.POLICY in loop.sources(), "the policy in control")
    loop.until(lambda: any(any(message.position) for message in loop.executed), "its first motion")
    takes_over(loop)
    assert any(messages.read_intervention(message).edge for message in loop.decided), "a takeover"

    loop.person.hold(0.0)
    begin = len(loop.decided)
    loop.until(lambda: Source.POLICY in loop.sources(begin), "the policy in control again")
    loop.person.leave()
    begin = len(loop.decided)
    loop.until(lambda: Source.STOPPED in loop.sources(begin), "the stop")
    loop.until(lambda: "joystick late by" in loop.launched.output, "the reason of the stop")
    loop.stands_still()
    loop.launched.interrupt()
    assert "Traceback" not in loop.launched.output


def test_only_a_parameter_lets_a_policy_move_an_arm_without_a_joy(stage, observer):
    given = ("arm:=sim_arm", "demonstrations:=0", f"run_dir:={stage.root / 'runs' / 'alone'}")
    loop = Loop(stage, observer, "alone", "real_train.launch.py", *given, **{"arbiter.require_joy": False})
    loop.until(lambda: any(any(message.position) for message in loop.executed), "a motion with no joy")
    assert Source.HUMAN not in loop.sources()
    loop.launched.interrupt()


@pytest.mark.parametrize("name", ["record_demos", "teleop"])
def test_who_drives_by_a_joy_of_their_own_moves_the_arm_and_nobody_else_does(stage, observer, name):
    directory = (f"directory:={stage.root / 'demos'}",) if name == "record_demos" else ()
    loop = Loop(stage, observer, name, f"{name}.launch.py", "task:=reach", "headless:=true", *directory)
    loop.person.hold(1.0)
    loop.until(lambda: len(loop.executed) > SEEN, "ticks with nobody in control")
    assert not any(any(message.position) for message in loop.executed)
    takes_over(loop)
    loop.person.leave()
    begin = len(loop.decided)
    loop.until(lambda: Source.STOPPED in loop.sources(begin), "the stop")
    loop.stands_still()
    loop.launched.interrupt()
    assert "Traceback" not in loop.launched.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("real_train.launch.py", "arm:=fr3", "operator:=none"),
        ("record_demos.launch.py", "arm:=fr3", "operator:=script"),
        ("eval.launch.py", "arm:=fr3"),
        ("select.launch.py", "arm:=fr3"),
    ],
)
def test_a_real_arm_is_not_left_to_a_policy_that_nobody_could_stop(stage, arguments):
    launched = stage.launch(*arguments)
    assert launched.wait(60.0) != 0
    says = "but nobody could stop the policy that moves arm:=fr3; valid: joystick, spacemouse, joy"
    assert says in launched.output, launched.output
    assert "process started" not in launched.output


def test_an_unknown_operator_is_refused_with_those_that_there_are(stage):
    launched = stage.launch("real_train.launch.py", "operator:=ghost")
    assert launched.wait(60.0) != 0
    valid = "['joystick', 'spacemouse', 'joy', 'scripted', 'none']"
    assert f"'operator' provided value 'ghost' is not valid. Valid options are: {valid}" in launched.output
