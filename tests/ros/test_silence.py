"""When any input stops, the arm stops; when it comes back, the loop goes on by itself. Lockstep."""

from __future__ import annotations

import signal
from types import SimpleNamespace

import numpy as np
import pytest
from fakes.observer import Observer, Watcher
from fakes.processes import Stage
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool, Trigger

from vlmrl_ros.bridge import messages, qos

pytestmark = pytest.mark.ros

TIMEOUT_S = 0.3
LIMIT_M_S = 0.02
LAG_STEPS = 8


@pytest.fixture(scope="module")
def loop(stage: Stage, observer: Observer) -> SimpleNamespace:
    limits = {"safety.velocity": [LIMIT_M_S]}
    bridge = stage.node(
        "sim_bridge", {"task": "reach", "command_timeout_s": TIMEOUT_S, "learner_lag_steps": LAG_STEPS, **limits}
    )
    policy = stage.node("policy_server")
    teleop = stage.node("teleop", {"profile": "scripted"})
    clock = observer.listen(Clock, "/clock", qos.CLOCK)
    executed = observer.listen(JointState, "executed")
    observer.bring_up("sim_bridge")
    spec = observer.spec()
    watcher = Watcher(observer, spec, paces=True)
    observer.bring_up("policy_server", "teleop")
    observer.until(lambda: len(watcher.steps) > 5, "some steps")
    return SimpleNamespace(
        bridge=bridge, policy=policy, teleop=teleop, watcher=watcher, spec=spec, clock=clock, executed=executed
    )


def stands_still(observer: Observer, loop: SimpleNamespace) -> None:
    """The bridge says that it waits, and does nothing."""
    observer.until(lambda: "no command for more than 0.3 s" in observer.diagnosis("/sim_bridge")[0], "a complaint")
    observer.watch(TIMEOUT_S)  # what was still under way
    before = len(loop.executed)
    observer.watch(2 * TIMEOUT_S)
    assert len(loop.executed) == before


def goes_on(observer: Observer, loop: SimpleNamespace, killed: bool = False) -> None:
    """Steps follow each other without a gap, and the bridge says that all is well.

    With a process that is killed, the steps can be lost that it had on the way to a slow reader.
    """
    watcher, before = loop.watcher, len(loop.watcher.steps)
    broken, dropped = watcher.chain.broken, watcher.join.dropped
    observer.until(lambda: watcher.give_up() or len(watcher.steps) > before + 50, "fifty steps")
    observer.until(lambda: observer.diagnosis("/sim_bridge")[0] == "active", "the all-clear")
    assert watcher.chain.broken - broken <= killed
    assert watcher.join.dropped - dropped <= killed * (1 + LAG_STEPS)


def test_executed_is_what_the_filter_let_through_and_says_where_it_cut(observer, loop):
    observer.until(lambda: len(loop.watcher.steps) > 200, "two hundred steps")
    acted = [step for step in loop.watcher.steps if not step.feedback.last]
    for step in acted:
        np.testing.assert_array_equal(step.executed, np.clip(step.command, -LIMIT_M_S, LIMIT_M_S).astype(np.float32))
    observer.until(lambda: messages.stamp_of(loop.executed[-1]) >= acted[-1].stamp_ns, "what was executed")
    limited = {messages.stamp_of(m): m.position[list(m.name).index("limited")] for m in loop.executed}
    assert all(bool(limited[s.stamp_ns]) == bool((abs(s.command) > LIMIT_M_S).any()) for s in acted)
    assert any(limited.values())
    counted = observer.until(lambda: observer.diagnosis("/sim_bridge")[1].get("limited commands"), "a count")
    assert int(counted) > 0


def test_the_reset_service_cuts_the_episode_and_the_clock_goes_on(observer, loop):
    begin = len(loop.watcher.steps)
    while not (cut := [s.feedback for s in loop.watcher.steps[begin:] if s.feedback.last and s.feedback.step < 40]):
        episode = loop.watcher.steps[-1].feedback.episode
        assert observer.call(Trigger, "reset", Trigger.Request()).success
        observer.until(lambda after=episode: loop.watcher.steps[-1].feedback.episode > after, "the next episode")
    assert all(f.truncated and not f.terminated for f in cut if not f.success)
    stamps = [messages.to_ns(message.clock) for message in loop.clock]
    assert stamps == sorted(stamps)
    assert len({s.feedback.episode for s in loop.watcher.steps}) > 2


def test_a_policy_that_stands_still_halts_the_loop_which_goes_on_with_it(observer, loop):
    loop.policy.signal(signal.SIGSTOP)
    stands_still(observer, loop)
    loop.policy.signal(signal.SIGCONT)
    goes_on(observer, loop)


def test_a_policy_that_died_is_replaced_and_the_loop_goes_on(stage, observer, loop):
    loop.policy.process.kill()
    stands_still(observer, loop)
    loop.policy = stage.node("policy_server")
    observer.bring_up_again("policy_server")
    goes_on(observer, loop, killed=True)


def test_a_teleop_that_died_is_replaced_and_the_loop_goes_on(stage, observer, loop):
    loop.teleop.process.kill()
    stands_still(observer, loop)
    loop.teleop = stage.node("teleop", {"profile": "scripted"})
    observer.bring_up_again("teleop")
    goes_on(observer, loop, killed=True)


def test_nonsense_from_a_policy_is_never_executed_and_is_counted(stage, observer, loop):
    states, feedback = (observer.listen(JointState, topic) for topic in ("observation/state", "feedback"))
    loop.policy.process.kill()
    stands_still(observer, loop)
    acts = not messages.read_feedback(feedback[-1]).last  # where an episode ends nothing is executed
    policy = observer.publisher(JointState, "policy/action")
    now_ns = messages.stamp_of(states[-1])
    names = loop.spec.action.names
    before = len(loop.executed)
    for bad in ([np.nan, 0.0, 0.0], [np.inf, 0.0, 0.0], [1e300, 0.0, 0.0], [0.01, 0.01]):
        policy.publish(messages.named_vector(now_ns, names[: len(bad)], bad))
    refused = "refused policy/action"
    observer.until(lambda: observer.diagnosis("/teleop")[1].get(refused) == "4", "four refusals")
    assert len(loop.executed) == before
    policy.publish(messages.named_vector(now_ns, names, [0.01, 0.0, 0.0]))
    observer.until(lambda: len(loop.executed) > before, "the good one")
    assert messages.stamp_of(loop.executed[before]) == now_ns
    np.testing.assert_array_equal(loop.executed[before].position[:3], np.float32([0.01 * acts, 0.0, 0.0]))
    loop.policy = stage.node("policy_server")
    observer.bring_up_again("policy_server")
    goes_on(observer, loop, killed=True)


@pytest.mark.parametrize(
    ("topic", "names", "values"),
    [
        ("command", ["linear_x", "linear_y", "linear_z", "mark"], [0.0, 0.0, np.nan, 0.0]),
        ("command", ["linear_x", "linear_y", "linear_z", "mark"], [0.0, 0.0, 0.0, 17.0]),
        ("command", ["linear_x"], [0.0]),
        ("learner/status", ["version", "finished"], [np.nan, 0.0]),
    ],
)
def test_nonsense_for_the_bridge_is_refused_and_the_loop_goes_on(observer, loop, topic, names, values):
    def refusals() -> int:
        sender.publish(messages.named_vector(10**18, names, values))
        return int(observer.diagnosis("/sim_bridge")[1].get(f"refused {topic}", 0))

    sender = observer.publisher(JointState, topic)
    before = refusals()
    observer.until(lambda: refusals() > before, "a refusal")
    observer.node.destroy_publisher(sender)
    goes_on(observer, loop)


def test_a_bridge_that_starts_again_finds_everybody_ready_and_the_estop_still_pressed(stage, observer, loop):
    observer.call(SetBool, "estop", SetBool.Request(data=True))
    loop.bridge.process.kill()
    loop.bridge.wait()
    sources = observer.listen(JointState, "intervention")
    loop.bridge = stage.node("sim_bridge", {"task": "reach", "seed": 5})
    observer.bring_up_again("sim_bridge")
    sources.clear()
    observer.until(lambda: len(sources) > 20, "twenty decisions")
    last = [messages.read_intervention(message).source.name for message in sources[-10:]]
    assert last == ["STOPPED"] * 10
    observer.call(SetBool, "estop", SetBool.Request(data=False))
    observer.until(
        lambda: messages.read_intervention(sources[-1]).source.name == "POLICY", "the policy after the release"
    )
