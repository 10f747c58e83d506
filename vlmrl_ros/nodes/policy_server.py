"""``policy_server``: answers every observation with an action; takes new weights between steps."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import String, UInt8MultiArray

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.parameters import plugin_options, show_options
from vlmrl_ros.bridge.shell import Shell, run
from vlmrl_ros.bridge.weights import Weights, decode
from vlmrl_ros.core import registry
from vlmrl_ros.core.candidates import find_candidates
from vlmrl_ros.core.checkpoint import POLICY_FILE, read_checkpoint
from vlmrl_ros.core.config import option
from vlmrl_ros.core.errors import CheckpointError, ConfigError, UnknownNameError
from vlmrl_ros.core.interfaces import Policy
from vlmrl_ros.core.join import PartJoin
from vlmrl_ros.core.mixture import Mixture
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.types import Feedback
from vlmrl_ros.nodes.candidate_policy import CandidatePolicy
from vlmrl_ros.policies.curricula.acting import CurriculumPolicy

STATUS_NAMES = ["version", "inference_ms", "dropped"]
ROLE_NAME = "role"
"""In a curriculum ``policy/status`` says besides who acted: see :class:`~vlmrl_ros.core.episode_plan.Role`."""

CANDIDATE_NAME = "candidate"
"""Where several checkpoints are chosen among, ``policy/status`` says besides which one acted, from 0."""


@dataclass(frozen=True)
class PolicyServerConfig:
    """Parameters of ``policy_server``; options of the policy are ``<policy>.<option>``."""

    policy: str = option("gaussian", "name of the policy plug-in")
    seed: int = option(0, "the action of a step draws its randomness from (seed, episode, step)", low=0, high=2**31 - 1)
    checkpoint: str = option("", "checkpoint directory to act from; empty: random within the bounds until weights come")
    candidates: tuple[str, ...] = option(
        (),
        "checkpoints, or folders of them: each episode is acted by one of them, drawn from the mixture on "
        "policy/selection; empty: there is one policy",
    )
    weights_root: str = option("", "directory below which weights may be read that come by file URI; empty: none")
    sync: bool = option(False, "act with exactly the weights version that the bridge knew of (lockstep only)")
    curriculum: bool = option(
        False, "act by the plan that feedback bears, as main agent or as explorer: weights that come have both"
    )


@dataclass(frozen=True)
class _Request:
    stamp_ns: int
    observation: dict[str, Any]
    feedback: Feedback


class PolicyServer(Shell[PolicyServerConfig]):
    """Joins the parts of an observation, lets the plug-in act, publishes the answer under the same stamp."""

    config_type = PolicyServerConfig

    def __init__(self) -> None:
        """Declare the parameters."""
        super().__init__("policy_server")

    def configure(self) -> None:
        """Find the plug-in, check the checkpoint, listen for the task's spec and for weights."""
        config = self.config
        if config.candidates and (config.checkpoint or config.sync or config.curriculum):
            raise ConfigError(
                f"candidates is {list(config.candidates)}, which act by themselves; leave out checkpoint, sync and"
                " curriculum"
            )
        self._candidates = find_candidates(config.candidates) if config.candidates else {}
        self._by_mixture: CandidatePolicy | None = None
        self._mixture: Mixture | None = None
        self._spec: TaskSpec | None = None
        self._policy: Policy | None = None
        self._weights: Weights | None = None
        self._waiting: _Request | None = None
        self._answer: JointState | None = None
        self._weights_root = Path(config.weights_root) if config.weights_root else None
        self._build = registry.load("policies", config.policy)
        self._checkpoint = read_checkpoint(Path(config.checkpoint), POLICY_FILE) if config.checkpoint else None
        self._action = self.publisher(JointState, "policy/action", qos.STEP)
        self._thought = self.publisher(String, "policy/thought", qos.STEP)
        self._status = self.publisher(JointState, "policy/status", qos.STEP)
        self.listen(String, "spec", self._on_spec, qos.LATCHED)
        self.listen(UInt8MultiArray, "weights", self._on_weights, qos.LATCHED)
        if self._candidates:
            self.listen(String, "policy/selection", self._on_selection, qos.LATCHED)
        self.listen(JointState, "observation/state", partial(self._on_part, "state"), qos.STEP)
        self.listen(JointState, "feedback", partial(self._on_part, "feedback"), qos.LIVE)

    def _on_spec(self, message: String) -> None:
        """A bridge has started (again): build the policy for its task and forget what was open."""
        spec = messages.read_spec(message, self._spec)
        try:
            self._make_policy(spec)
        except (CheckpointError, UnknownNameError) as error:
            self.fail(error)
            return
        if self._spec is None:
            for camera in spec.cameras:
                topic = f"observation/{camera.name}/image_raw"
                self.listen(Image, topic, partial(self._on_part, camera.name), qos.FRAME)
        self._spec = spec
        self._cameras = {camera.name: camera for camera in spec.cameras}
        self._join = PartJoin(("state", "feedback", *self._cameras))
        self._answer = self._waiting = None
        if self._by_mixture is not None and self._mixture is not None:
            self._by_mixture.take(self._mixture)

    def _make_policy(self, spec: TaskSpec) -> None:
        if self._candidates:
            self._policy = self._by_mixture = CandidatePolicy(spec, self._candidates, self.config.seed)
            self._by_plan = None
            for name, reason in self._by_mixture.broken.items():
                self.get_logger().warning(f"candidate '{name}' cannot act: {reason}")
            return
        make = partial(self._build, spec, plugin_options(self, self.config.policy))
        self._by_plan = CurriculumPolicy(spec, make) if self.config.curriculum else None
        self._policy = self._by_plan or make()
        show_options(self, self.config.policy, self._policy.options)
        if self._checkpoint is not None:
            trained = TaskSpec.from_json(self._checkpoint["task_spec"])
            if (trained.observation.names, trained.action.names) != (spec.observation.names, spec.action.names):
                text = f"checkpoint '{self.config.checkpoint}' was trained on '{trained.task}', not on '{spec.task}'"
                raise CheckpointError(f"{text}: observation or action differ")
            self._policy.load(load_file(Path(self.config.checkpoint) / POLICY_FILE))
        elif self._weights is not None:
            self._policy.load(self._weights.variables)

    def _on_selection(self, message: String) -> None:
        mixture = Mixture.from_json(message.data)
        if self._by_mixture is not None:
            self._by_mixture.take(mixture)
        self._mixture = mixture
        if self._waiting is not None:
            self._act_when_due(self._waiting)

    def _on_weights(self, message: UInt8MultiArray) -> None:
        weights = decode(message, self._weights_root)
        if self._checkpoint is not None or self._candidates:
            return
        if self._policy is not None:
            self._policy.load(weights.variables)
        self._weights = weights
        self.diagnostics.value("weights_version", weights.version)
        if self._waiting is not None:
            self._act_when_due(self._waiting)

    def _on_part(self, part: str, message: Any) -> None:
        if self._spec is None or not self.active:
            return
        stamp_ns = messages.stamp_of(message)
        if part == "state":
            value: Any = messages.read_vector(message, self._spec.observation, "observation/state")
            if self._answer is not None and stamp_ns == messages.stamp_of(self._answer):
                self._action.publish(self._answer)  # the bridge asks again: the answer was lost on the way
                return
        elif part == "feedback":
            value = messages.read_feedback(message)
        else:
            value = messages.read_image(message, self._cameras[part])
        for stamp, parts in self._join.put(stamp_ns, part, value):
            feedback = parts.pop("feedback")
            self._act_when_due(_Request(stamp, parts, feedback))
        self.diagnostics.join(self._join)

    def _act_when_due(self, request: _Request) -> None:
        """Act now, or when it has come what is due at this step: in ``sync`` weights, of candidates a mixture."""
        version = self._weights.version if self._weights else 0
        late = self.config.sync and version < request.feedback.weights_version
        if self._by_mixture is not None:
            late = self._by_mixture.begin(request.feedback.episode) is None
        if late:
            self._waiting = request
            return
        self._waiting = None
        self._act(request, version)

    def _act(self, request: _Request, version: int) -> None:
        started_s = time.perf_counter()
        feedback, status = request.feedback, {}
        if self._by_plan is not None:
            status[ROLE_NAME] = self._by_plan.follow(feedback.plan, feedback.step)
        if self._by_mixture is not None:
            status[CANDIDATE_NAME] = self._by_mixture.begin(feedback.episode)
        rng = stream(self.config.seed, "policy", feedback.episode, feedback.step)
        action, info = self._policy.act(request.observation, rng)
        inference_ms = (time.perf_counter() - started_s) * 1e3
        stamp_ns = request.stamp_ns
        self._answer = messages.named_vector(stamp_ns, self._spec.action.names, action, "base_link")
        self._action.publish(self._answer)
        values = [version, inference_ms, self._join.dropped, *status.values()]
        self._status.publish(messages.named_vector(stamp_ns, [*STATUS_NAMES, *status], values))
        if "thought" in info:
            self._thought.publish(String(data=json.dumps(info["thought"])))
        self.diagnostics.tick()
        self.diagnostics.value("inference_ms", f"{inference_ms:.3f}")


def main() -> None:
    """Entry point."""
    sys.exit(run(PolicyServer, "Answers every observation with an action.", PolicyServerConfig))
