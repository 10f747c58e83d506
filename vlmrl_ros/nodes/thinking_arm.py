"""One arm of the policy server whose policy thinks: each observation is answered in time, or by the hold policy."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.shell import Shell
from vlmrl_ros.bridge.thought_messages import THOUGHT_AGE_NAME, thought_age_s
from vlmrl_ros.core.deliberation import Deliberation, Tick
from vlmrl_ros.core.errors import RangeError
from vlmrl_ros.core.interfaces import Policy
from vlmrl_ros.core.prompts import MAX_INSTRUCTION
from vlmrl_ros.core.spec import FloatArray
from vlmrl_ros.core.spoken import legible
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.thinker import Question
from vlmrl_ros.nodes.served_arm import STATUS_NAMES, ServedArm
from vlmrl_ros.nodes.thinking import Thinking, Thought

HELD_NAME = "held"
"""``policy/status`` says besides whether the hold policy acted."""

LOOK_S = 0.02
"""How often is looked for observations that have waited too long, s."""


class ThinkingArm:
    """Runs in the node's own thread; only the thoughts come from elsewhere, by way of the executor."""

    def __init__(
        self,
        node: Shell[Any],
        arm: ServedArm,
        thinking: Thinking,
        hold: Policy,
        limits: tuple[float, float],
        seed: int,
        who: Callable[[], Mapping[str, float]],
    ) -> None:
        """Listen for instructions and takeovers.

        Args:
            node: the policy server.
            arm: its topics.
            thinking: where the policy thinks.
            hold: acts while it does.
            limits: how long an observation waits for its answer, and the age beyond which one is worth nothing, s.
            seed: of the draws.
            who: what ``policy/status`` says besides of who acts.
        """
        self._node, self._arm, self._thinking, self._hold = node, arm, thinking, hold
        self._deadline_s, longest_s = limits
        self._seed, self._who = seed, who
        self._deliberation = Deliberation(longest_s)
        self._instruction = ""
        self._version = 0
        self._driven = False
        self._ending = False
        """The bridge was asked to end the episode."""
        self._reset = node.create_client(Trigger, arm.topic("reset"))
        self._wordless_ns = -1
        """Stamp of an observation whose thought named no action, until a step has been held for it, ns."""
        if self._deadline_s:
            node.steady_timer(min(self._deadline_s, LOOK_S), self._look)
        node.listen(String, arm.topic("instruction"), self._on_instruction, qos.LATCHED)
        node.listen(JointState, arm.topic("intervention"), self._on_intervention, qos.STEP)

    def arrive(self, tick: Tick) -> None:
        """Answer an observation by the motion under way, or have it thought about.

        Nothing is thought that nobody would carry out: while a person drives, and where an episode ends.
        """
        before = self._deliberation.waiting
        if before is not None:  # the bridge went on without its answer
            self._expire(before.stamp_ns)
        if tick.feedback.step == 0:
            self._wordless_ns, self._ending = -1, False
        action = self._deliberation.arrive(tick)
        if action is not None:
            self._answer(tick, action, thought_ns=self._deliberation.decided_ns)
        elif self._driven or self._ending or tick.feedback.last:
            self._expire(tick.stamp_ns)
        else:
            self._ask(tick)

    def _ask(self, tick: Tick) -> None:
        feedback = tick.feedback
        rng = stream(self._seed, "policy", feedback.episode, feedback.step)
        question = Question(tick.observation, rng, self._instruction)
        if self._thinking.ask(self._arm.name, question, partial(self._hand_over, tick)):
            self._node.diagnostics.count("observations overtaken by a newer one")
        if not self._deadline_s:
            self._expire(tick.stamp_ns)

    def _hand_over(self, asked: Tick, thought: Thought) -> None:
        """Called by the thread that thinks."""
        executor = self._node.executor
        if executor is not None:
            executor.create_task(self._on_thought, asked, thought)

    def _on_thought(self, asked: Tick, thought: Thought) -> None:
        diagnostics, now_s = self._node.diagnostics, time.monotonic()
        self._version = thought.version
        if not self._node.active:
            return
        if thought.decision is None:
            self._report_defect(thought)
        elif not self._deliberation.counts(asked, now_s):
            diagnostics.count("thoughts too late or flushed")
            return
        else:
            self._say(asked, thought)
        diagnostics.value("inference_ms", f"{thought.seconds * 1e3:.1f}")
        motion = thought.decision.motion if thought.decision is not None else None
        if motion is None:
            if thought.decision is not None and "error" not in thought.decision.thought:
                self._wordless_ns = asked.stamp_ns
            if thought.decision is not None and thought.decision.ends:
                self._end(asked.stamp_ns)
            else:
                self._expire(asked.stamp_ns)
            return
        self._thinking.withdraw(self._arm.name)  # a later observation is answered by this motion
        answered = self._deliberation.decide(asked, motion, now_s)
        if answered is not None:
            self._answer(*answered, inference_s=thought.seconds, thought_ns=asked.stamp_ns)

    def _end(self, stamp_ns: int) -> None:
        """Have the bridge end the episode, and then let the hold policy answer; without a bridge the arm is held."""
        if not self._reset.service_is_ready():
            self._node.get_logger().warning(f"no service {self._reset.srv_name}: the episode goes on")
            self._expire(stamp_ns)
            return
        self._ending = True
        self._node.diagnostics.count("episodes ended by a text without action")
        self._reset.call_async(Trigger.Request()).add_done_callback(lambda _: self._expire(stamp_ns))

    def _say(self, asked: Tick, thought: Thought) -> None:
        assert thought.decision is not None
        said = dict(thought.decision.thought)
        if "error" in said:
            self._node.diagnostics.count("observations that could not be thought about")
            self._node.get_logger().warning(f"no thought: {said['error']}", throttle_duration_sec=5.0)
        elif not said.get("valid", True):
            self._node.diagnostics.count("invalid texts")
        self._show(said)
        self._arm.think_aloud({**said, "stamp_ns": asked.stamp_ns, "version": thought.version})

    def _show(self, said: Mapping[str, Any]) -> None:
        """Let the tools of the operator show it."""
        of = f"{self._arm.name} " if self._arm.name else ""
        for name in ("thought", "action"):
            self._node.diagnostics.value(f"{of}{name}", legible(str(said.get(name, ""))))

    def _report_defect(self, thought: Thought) -> None:
        error = thought.defect
        self._node.diagnostics.count("thoughts that met a defect")
        if self._node.diagnostics.defect(f"the policy met a defect: {type(error).__name__}"):
            self._node.get_logger().error(f"the policy met a defect: {error!r}")

    def _look(self) -> None:
        """Let no observation wait beyond its deadline."""
        waiting = self._deliberation.waiting
        if waiting is not None and time.monotonic() - waiting.received_s >= self._deadline_s:
            self._node.diagnostics.count("deadlines passed")
            self._expire(waiting.stamp_ns)

    def _expire(self, stamp_ns: int) -> None:
        """Let the hold policy answer an observation, if it has no answer yet."""
        tick = self._deliberation.expire(stamp_ns)
        if tick is None:
            return
        rng = stream(self._seed, "hold", tick.feedback.episode, tick.feedback.step)
        action, _ = self._hold.act(tick.observation, rng)
        thought_ns, self._wordless_ns = self._wordless_ns, -1
        self._answer(tick, action, held=True, thought_ns=thought_ns)

    def _answer(
        self, tick: Tick, action: FloatArray, inference_s: float = 0.0, held: bool = False, thought_ns: int = -1
    ) -> None:
        """Publish an action; ``thought_ns``: stamp of the observation whose thought it carries out, -1 for none."""
        age_s = thought_age_s(tick.stamp_ns - thought_ns if thought_ns >= 0 else -1)
        values = (self._version, inference_s * 1e3, self._arm.dropped)
        status: Mapping[str, float] = {
            **dict(zip(STATUS_NAMES, values, strict=True)),
            HELD_NAME: float(held),
            THOUGHT_AGE_NAME: age_s,
            **self._who(),
        }
        self._arm.answer(tick.stamp_ns, action, status)
        self._node.diagnostics.tick()
        if held:
            self._node.diagnostics.count("steps held")

    def _on_instruction(self, message: String) -> None:
        said = message.data.strip()
        if len(said) > MAX_INSTRUCTION:
            raise RangeError(f"an instruction of {len(said)} characters; valid: up to {MAX_INSTRUCTION}")
        if not said:
            self._node.diagnostics.count("empty instructions")
        self._instruction = said

    def _on_intervention(self, message: JointState) -> None:
        intervention = messages.read_intervention(message)
        self._driven = intervention.active
        if not intervention.edge:
            return
        stamp_ns, self._wordless_ns = messages.stamp_of(message), -1
        if self._deliberation.flush(stamp_ns):
            self._node.diagnostics.count("motions dropped at a takeover")
        waiting = self._deliberation.waiting
        if waiting is not None and waiting.stamp_ns <= stamp_ns:
            self._thinking.withdraw(self._arm.name)
            self._expire(waiting.stamp_ns)
