"""``scripted_operator``.

Watches the topics like a person and presses the joystick. CI runs the very path that a human uses.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from sensor_msgs.msg import JointState, Joy
from std_msgs.msg import String

from vlmrl_ros.bridge import joy_messages, learner_messages, messages, qos
from vlmrl_ros.bridge.parameters import plugin_options, show_options
from vlmrl_ros.bridge.shell import Shell, run
from vlmrl_ros.bridge.thought_messages import read_thought
from vlmrl_ros.core import registry
from vlmrl_ros.core.config import option, to_mapping
from vlmrl_ros.core.errors import CheckpointError, ShapeError
from vlmrl_ros.core.grip import Grip
from vlmrl_ros.core.interfaces import Glance, Operator
from vlmrl_ros.core.join import PartJoin
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.types import Feedback
from vlmrl_ros.nodes.onlooker import OF_REFERENCES, Onlooker, find_judgement, look_on
from vlmrl_ros.teleop.mapping import JoyMapping
from vlmrl_ros.teleop.profile import load_profile

if TYPE_CHECKING:
    from vlmrl_ros.policies.reference import JudgementConfig


@dataclass(frozen=True)
class ScriptedOperatorConfig:
    """Parameters of ``scripted_operator``; options of the plug-in are ``operator.<option>``."""

    operator: str = option("peg_insert", "name of the operator plug-in")
    profile: str = option("scripted", "joystick profile that is pressed; the one that teleop reads")
    seed: int = option(0, "episode n draws its randomness from (seed, n)", low=0, high=2**31 - 1)
    demonstrations: int = option(15, "successful episodes that the operator drives alone at first", low=0, high=100_000)
    continues: bool = option(
        False, "go on with a run: wait for learner/status, which says how many demonstrations have been shown"
    )
    reference: str = option(
        "",
        f"checkpoint whose critics tell a person with operator.trigger judged what is wrong, of {OF_REFERENCES}; how "
        "strict they are: judgement.<option>",
    )


class ScriptedOperator(Shell[ScriptedOperatorConfig]):
    """Shows how it is done, then takes over when the policy errs."""

    config_type = ScriptedOperatorConfig

    def __init__(self) -> None:
        """Declare the parameters."""
        super().__init__("scripted_operator")

    def configure(self) -> None:
        """Find the plug-in, the profile and the reference; listen for the task's spec, the feedback and the scene."""
        self._spec: TaskSpec | None = None
        self._operator: Operator | None = None
        self._shown = 0
        self._knows_shown = not self.config.continues
        self._episode = -1
        self._demonstrating = False
        self._holding = False
        self._grip = Grip()
        self._pressed: Joy | None = None
        self._build = registry.load("operators", self.config.operator)
        self._profile = load_profile(self.config.profile)
        self._judgement = self._judging()
        self._onlooker: Onlooker | None = None
        self._arrived: tuple[int, dict[str, Any]] | None = None
        self._joy = self.publisher(Joy, "joy", qos.JOY)
        self.listen(String, "spec", self._on_spec, qos.LATCHED)
        self.listen(JointState, "learner/status", self._on_learner, qos.STEP)
        self._said: tuple[int, str] | None = None
        if plugin_options(self, "operator").get("trigger") == "heard":  # before those at which they press
            self.listen(String, "policy/thought", self._on_thought, qos.STEP)
        self.listen(JointState, "feedback", partial(self._on_part, "feedback"), qos.LIVE)
        self.listen(JointState, "scene", partial(self._on_part, "scene"), qos.STEP)
        self.listen(JointState, "intervention", self._on_intervention, qos.STEP)

    def _judging(self) -> JudgementConfig | None:
        """How strictly the person judges what the policy does, which they then listen to; None where they do not."""
        judges = plugin_options(self, "operator").get("trigger") == "judged"
        judgement = find_judgement(self.config.reference, judges, plugin_options(self, "judgement"))
        if judgement is not None:
            show_options(self, "judgement", to_mapping(judgement))
            self.listen(JointState, "observation/state", partial(self._on_part, "state"), qos.STEP)
            if judgement.judged == "proposed":
                self.listen(JointState, "policy/action", partial(self._on_part, "policy_action"), qos.STEP)
            else:
                self.listen(JointState, "executed", self._on_executed, qos.STEP)
        return judgement

    def _on_spec(self, message: String) -> None:
        spec = messages.read_spec(message, self._spec)
        operator = self._build(spec, plugin_options(self, "operator"))
        show_options(self, "operator", operator.options)
        self._mapping = JoyMapping(self._profile, spec.action)
        try:
            self._onlooker = look_on(self.config.reference, spec, self._judgement, self.config.seed)
        except CheckpointError as error:
            self.fail(error)  # not the message is wrong: nobody could judge this task
            return
        self._join = PartJoin(("feedback", "scene", *(self._onlooker.parts if self._onlooker else ())))
        self._operator = operator
        self._pressed = self._arrived = None
        self._scene_names: frozenset[str] = frozenset()
        self._episode = -1
        self._spec = spec

    def _on_learner(self, message: JointState) -> None:
        """The learner knows of demonstrations that were shown before this process was there."""
        self._shown = max(self._shown, learner_messages.read_place(message).demonstrations)
        self._knows_shown = True

    def _on_intervention(self, message: JointState) -> None:
        """Like a person they see whether the arm follows their hand."""
        self._grip.see(messages.stamp_of(message), messages.read_intervention(message).source)

    def _on_part(self, part: str, message: JointState) -> None:
        if self._operator is None or not self.active or not self._knows_shown:
            return
        value, stamp_ns = self._read(part, message), messages.stamp_of(message)
        if self._pressed is not None and stamp_ns == messages.stamp_of(self._pressed):
            self._joy.publish(self._pressed)  # asked again
            return
        for arrived in self._join.put(stamp_ns, part, value):
            self._arrived = arrived
            self._press_when_seen()
        self.diagnostics.join(self._join)

    def _read(self, part: str, message: JointState) -> Any:
        assert self._spec is not None
        if part == "feedback":
            return messages.read_feedback(message)
        if part == "scene":
            return self._read_scene(message)
        vector = self._spec.observation if part == "state" else self._spec.action
        return messages.read_vector(message, vector, part)

    def _read_scene(self, message: JointState) -> dict[str, float]:
        """A scene has the same components throughout a task: another under the stamp of a step is no bridge's."""
        scene = messages.read_scene(message)
        if self._scene_names and scene.keys() != self._scene_names:
            raise ShapeError(f"scene has {', '.join(scene)[:200]}; expected {', '.join(sorted(self._scene_names))}")
        return scene

    def _on_thought(self, message: String) -> None:
        """Hear what the policy begins to do; a text that names nothing is heard as it is."""
        spoken = read_thought(message)
        if spoken is not None:
            self._said = spoken.stamp_ns, spoken.said.action or spoken.utterance.text or "nothing"

    def _on_executed(self, message: JointState) -> None:
        if self._onlooker is not None and self._spec is not None and self.active:
            action = messages.read_vector(message, self._spec.action, "executed")
            self._onlooker.hear_executed(messages.stamp_of(message), action)
            self._press_when_seen()

    def _press_when_seen(self) -> None:
        """Act at the step that has arrived, once all is there that the person judges by."""
        if self._arrived is None:
            return
        stamp_ns, parts = self._arrived
        feedback, onlooker, wrong = parts["feedback"], self._onlooker, False
        if feedback.episode != self._episode:
            self._begin(stamp_ns, feedback)
        if onlooker is not None:
            if onlooker.waits(feedback, self._holding):
                return
            wrong = onlooker.finds_wrong(stamp_ns, parts, self._holding)
        self._arrived = None
        self._press(stamp_ns, feedback, parts["scene"], wrong)

    def _press(self, stamp_ns: int, feedback: Feedback, scene: dict[str, float], wrong: bool) -> None:
        said = ""
        if self._said is not None and self._said[0] < stamp_ns:  # of this step it is heard at the next one
            (_, said), self._said = self._said, None
        glance = Glance(scene, feedback.step, feedback.last, feedback.success, self._holding, wrong, said)
        try:
            intent = self._operator.intent(glance)
        except KeyError as error:
            raise ShapeError(f"scene lacks {error}; it has {', '.join(scene)[:200]}") from error
        self._scene_names = frozenset(scene)
        intent = replace(intent, takeover=self._grip.press(stamp_ns, intent.takeover))
        self._holding = intent.takeover
        self._pressed = joy_messages.joy_message(stamp_ns, self._mapping.to_joy(intent))
        self._joy.publish(self._pressed)
        self.diagnostics.tick()
        if feedback.last and self._demonstrating and feedback.success:
            self._shown += 1
            self.diagnostics.value("demonstrations", self._shown)

    def _begin(self, stamp_ns: int, feedback: Feedback) -> None:
        """Take up an episode; one that is seen from its middle on is no demonstration."""
        self._episode = feedback.episode
        self._demonstrating = feedback.step == 0 and self._shown < self.config.demonstrations
        self._operator.reset(stream(self.config.seed, "operator", feedback.episode), self._demonstrating)
        self._holding = False
        if self._said is not None and self._said[0] < stamp_ns:
            self._said = None


def main() -> None:
    """Entry point."""
    sys.exit(run(ScriptedOperator, "A scripted person at the joystick.", ScriptedOperatorConfig))
