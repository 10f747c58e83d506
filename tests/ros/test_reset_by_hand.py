"""Between two episodes a person moves the arm with the joystick and says by button when the next one begins."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from itertools import cycle
from types import SimpleNamespace

import pytest
import yaml
from fakes.observer import Observer
from fakes.processes import Stage
from geometry_msgs.msg import PoseStamped, TwistStamped
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool
from std_srvs.srv import SetBool

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.arms import arms_directory
from vlmrl_ros.nodes.bench.twist_watch import TwistWatch

pytestmark = pytest.mark.ros

TAKEOVER, RESET, ESTOP = 10, 4, 9
TICK_S = 0.1


@pytest.fixture(scope="module")
def hand(stage: Stage, observer: Observer) -> SimpleNamespace:
    arm = yaml.safe_load((arms_directory() / "sim_arm.yaml").read_text())
    arm |= {"reset": {"procedure": "manual"}, "horizon": 10}
    path = stage.root / "by_hand.yaml"
    path.write_text(yaml.safe_dump(arm))
    robot = stage.node("sim_arm")
    stage.node("arm_bridge", {"arm": str(path)})
    stage.node("teleop", {"profile": "ps", "arbiter.joy_late_s": 0.3})
    pad = stage.played_joystick({"rate_hz": 100.0})
    observer.bring_up("arm_bridge", "teleop", "joystick")

    def play(*pressed: int, forward: float = 0.0) -> None:
        act = {"axes": [0.0, -forward], "buttons": [int(button in pressed) for button in range(11)]}
        pad.process.stdin.write(json.dumps(act) + "\n")
        pad.process.stdin.flush()

    heard = {
        "guides": observer.listen(JointState, "guide"),
        "feedback": observer.listen(JointState, "feedback"),
        "tips": observer.listen(PoseStamped, "ee_pose", qos.ROBOT),
        "twists": observer.listen(TwistStamped, "servo_node/delta_twist_cmds", qos.ARM),
        "stops": observer.listen(Bool, "estop/state", qos.LATCHED),
    }
    observer.until(lambda: len(heard["guides"]) > 2, "the question where to go")
    judge = TwistWatch(observer.node, TICK_S)
    return SimpleNamespace(play=play, robot=robot, judge=judge, **heard)


def moves(hand: SimpleNamespace) -> float:
    """How far the tip has gone along x, m."""
    return hand.tips[-1].pose.position.x - hand.tips[0].pose.position.x if hand.tips else 0.0


def push(hand: SimpleNamespace, forward: float) -> Callable[[], None]:
    """Hold the takeover, and at the next call let go of it: who held on while their joystick was lost must do so."""
    held = cycle(((TAKEOVER,), ()))
    return lambda: hand.play(*next(held), forward=forward)


def test_the_estop_button_works_before_the_first_episode(observer, hand):
    hand.play(ESTOP)
    observer.until(lambda: hand.stops and hand.stops[-1].data, "the bridge's e-stop")
    hand.play(TAKEOVER, forward=1.0)
    begin = len(hand.guides)
    observer.until(lambda: len(hand.guides) > begin + 5, "five ticks")
    assert not any(twist.twist.linear.x for twist in hand.twists)
    hand.play()
    assert observer.call(SetBool, "estop", SetBool.Request(data=False)).success


def test_the_arm_follows_the_hand_and_stands_still_without_it(observer, hand):
    wanted = "move the arm to its start"
    observer.until(lambda: wanted in observer.diagnosis("/arm_bridge")[0], "what the bridge asks for in diagnostics")
    observer.say_until(push(hand, 1.0), lambda: moves(hand) > 0.02, "an arm that moves")
    hand.play()
    begin = len(hand.guides)
    observer.until(lambda: len(hand.guides) > begin + 3, "three ticks")
    begin = len(hand.twists)
    observer.until(lambda: len(hand.twists) > begin + 10, "ten messages")
    assert not any(twist.twist.linear.x for twist in hand.twists[begin:])
    assert not hand.feedback, "no episode has begun"


def test_an_arm_that_falls_silent_is_told_to_stand_still_within_two_ticks(observer, hand):
    begin = time.monotonic()
    observer.say_until(push(hand, -1.0), lambda: hand.judge.moving_since(begin) > 10, "an arm that moves")
    since_s = time.monotonic()
    hand.robot.signal(signal.SIGSTOP)
    observer.watch(0.6)
    assert hand.judge.ticks_to_zero(since_s) <= 2
    hand.robot.signal(signal.SIGCONT)
    observer.until(lambda: hand.judge.moving_since(since_s + 0.6), "an arm that moves again")
    hand.play()


def test_a_button_begins_the_episode_and_its_end_the_next_reset(observer, hand):
    hand.play(RESET)
    observer.until(lambda: hand.feedback, "the first step")
    hand.play()
    first = messages.read_feedback(hand.feedback[0])
    assert (first.episode, first.step) == (0, 0)
    observer.until(lambda: messages.read_feedback(hand.feedback[-1]).last, "the end of the episode")
    assert int(observer.until(lambda: hand.guides[-1].position[0] == 1, "the next reset")) == 1
    steps = len(hand.feedback)
    begin = len(hand.guides)
    observer.until(lambda: len(hand.guides) > begin + 3, "three ticks of it")
    assert len(hand.feedback) == steps
