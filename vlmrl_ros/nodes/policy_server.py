"""``policy_server``: answers every observation with an action; takes new weights between steps."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file
from std_msgs.msg import String, UInt8MultiArray

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.fleet import checked_names
from vlmrl_ros.bridge.parameters import plugin_options, show_options
from vlmrl_ros.bridge.shell import Shell, run
from vlmrl_ros.bridge.weights import Weights, decode
from vlmrl_ros.core import registry
from vlmrl_ros.core.candidates import INSTRUCTION
from vlmrl_ros.core.checkpoint import POLICY_FILE, read_checkpoint
from vlmrl_ros.core.config import option
from vlmrl_ros.core.deliberation import Tick
from vlmrl_ros.core.errors import CheckpointError, ConfigError, UnknownNameError
from vlmrl_ros.core.fitting import check_fit
from vlmrl_ros.core.interfaces import Policy
from vlmrl_ros.core.mixture import Mixture
from vlmrl_ros.core.selection_file import candidates_of
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.thinker import Thinker
from vlmrl_ros.nodes.candidate_policy import CandidatePolicy
from vlmrl_ros.nodes.served_arm import STATUS_NAMES, ServedArm
from vlmrl_ros.nodes.thinking import Thinking
from vlmrl_ros.nodes.thinking_arm import ThinkingArm
from vlmrl_ros.policies.curricula.acting import CurriculumPolicy

ROLE_NAME = "role"
"""In a curriculum ``policy/status`` says besides who acted: see :class:`~vlmrl_ros.core.episode_plan.Role`."""
CANDIDATE_NAME = "candidate"
"""Where candidates are chosen among, ``policy/status`` says besides which one acted, from 0."""
STOP_TIMEOUT_S = 2.0
"""After Ctrl-C the policy has so long to end the thought that it is in."""


@dataclass(frozen=True)
class PolicyServerConfig:
    """Parameters of ``policy_server``; options of the policy are ``<policy>.<option>``."""

    policy: str = option("gaussian", "name of the policy plug-in")
    seed: int = option(0, "the action of a step draws its randomness from (seed, episode, step)", low=0, high=2**31 - 1)
    checkpoint: str = option("", "checkpoint directory to act from; empty: random within the bounds until weights come")
    candidates: tuple[str, ...] = option(
        (),
        "checkpoints, folders of them, skill:<words>, instruction:<sentence> that the policy is told, or one "
        "selection.json: each episode is acted by one of them, drawn from the mixture on policy/selection; empty: "
        "there is one policy",
    )
    weights_root: str = option("", "directory below which weights may be read that come by file URI; empty: none")
    sync: bool = option(False, "act with exactly the weights version that the bridge knew of (lockstep only)")
    curriculum: bool = option(
        False, "act by the plan that feedback bears, as main agent or as explorer: weights that come have both"
    )
    arms: tuple[str, ...] = option(
        (),
        "arms whose observations one policy that thinks (vlm) answers together: their namespaces below that of the "
        "node; empty: one arm, in the node's own",
    )
    max_batch: int = option(8, "a policy that thinks: observations that are answered together", low=1, high=1024)
    hold_policy: str = option("still", "a policy that thinks: the policy plug-in that acts meanwhile")
    hold_checkpoint: str = option("", "checkpoint directory of the hold policy; empty: none")
    deadline_s: float = option(
        10.0,
        "a policy that thinks: how long an observation waits for its answer before the hold policy gives one; 0, for "
        "real time: not at all, and what is decided counts from the next observation on",
        unit="s",
        low=0.0,
        high=3600.0,
    )
    max_age_s: float = option(
        30.0, "a policy that thinks: age of an observation beyond which its answer is dropped", unit="s", low=0.01
    )


class PolicyServer(Shell[PolicyServerConfig]):
    """Lets the plug-in act on every observation; one that thinks does so in a thread of its own."""

    config_type = PolicyServerConfig

    def __init__(self) -> None:
        """Declare the parameters."""
        super().__init__("policy_server")
        self._thinking: Thinking | None = None

    def configure(self) -> None:
        """Find the plug-in, check the checkpoint, listen for the task's spec and for weights."""
        config = self.config
        self._candidates = candidates_of(config.candidates) if config.candidates else {}
        told = any(candidate.kind == INSTRUCTION for candidate in self._candidates.values())
        if self._candidates and (config.sync or config.curriculum or config.arms or (config.checkpoint and not told)):
            raise ConfigError(
                f"candidates is {list(config.candidates)}, which act by themselves; leave out sync, curriculum and "
                "arms, and checkpoint where none is an instruction"
            )
        self._by_mixture: CandidatePolicy | None = None
        self._mixture: Mixture | None = None
        self._spec: TaskSpec | None = None
        self._policy: Policy | None = None
        self._weights: Weights | None = None
        self._ready = 0
        self._weights_root = Path(config.weights_root) if config.weights_root else None
        self._build = registry.load("policies", config.policy)
        self._checkpoint = read_checkpoint(Path(config.checkpoint), POLICY_FILE) if config.checkpoint else None
        self._arms = [
            ServedArm(self, name, partial(self._act_when_due, number))
            for number, name in enumerate(checked_names(config.arms))
        ]
        self._waiting: dict[int, Tick] = {}
        self._thinkers: list[ThinkingArm] = []
        self.listen(UInt8MultiArray, "weights", self._on_weights, qos.LATCHED)
        if self._candidates:
            self.listen(String, "policy/selection", self._on_selection, qos.LATCHED)
        for number, arm in enumerate(self._arms):
            self.listen(String, arm.topic("spec"), partial(self._on_spec, number), qos.LATCHED)

    def close(self) -> None:
        """Let the thought under way end."""
        if self._thinking is not None:
            self._thinking.stop(STOP_TIMEOUT_S)
            self._thinking = None

    def _on_spec(self, number: int, message: String) -> None:
        """A bridge has started (again): build the policy for its task and forget what was open."""
        spec = messages.read_spec(message, self._spec)
        try:
            self._make_policy(spec)
        except (CheckpointError, ConfigError, UnknownNameError) as error:
            self.fail(error)
            return
        self._spec = spec
        self._arms[number].begin(spec)
        self._waiting.pop(number, None)
        if self._by_mixture is not None and self._mixture is not None:
            self._by_mixture.follow(self._mixture)

    def _make_policy(self, spec: TaskSpec) -> None:
        """Make the policy; one that thinks is kept when its bridge starts again, for it has no state."""
        if self._thinking is not None:
            return
        if self._candidates:
            self._choose_among(spec)
            return
        make = partial(self._build, spec, plugin_options(self, self.config.policy))
        made = make()
        if self.config.curriculum and isinstance(made, Thinker):
            raise ConfigError(f"curriculum goes with policies that act at once; policy '{self.config.policy}' thinks")
        self._by_plan = CurriculumPolicy(spec, make) if self.config.curriculum else None
        self._policy = self._by_plan or made
        show_options(self, self.config.policy, self._policy.options)
        if self._checkpoint is not None:
            self._policy.load(_weights_of(self.config.checkpoint, self._checkpoint, spec))
        elif self._weights is not None and not isinstance(self._policy, Thinker):
            self._policy.load(self._weights.variables)
        if isinstance(self._policy, Thinker):
            self._begin_to_think(self._policy, spec)
        elif self.config.arms:
            raise ConfigError(f"arms is {list(self.config.arms)}, for policies that think; '{self.config.policy}' acts")

    def _choose_among(self, spec: TaskSpec) -> None:
        """Let the candidates act, an episode each."""
        told = partial(self._told, spec)
        self._policy = self._by_mixture = CandidatePolicy(spec, self._candidates, self.config.seed, told)
        self._by_plan = None
        for name, reason in self._by_mixture.broken.items():
            self.get_logger().warning(f"candidate '{name}' cannot act: {reason}")
        if self._by_mixture.thinks:
            self._begin_to_think(self._by_mixture, spec)

    def _told(self, spec: TaskSpec) -> Policy:
        """The policy that is told the instructions among the candidates."""
        policy: Policy = self._build(spec, plugin_options(self, self.config.policy))
        show_options(self, self.config.policy, policy.options)
        if self._checkpoint is not None:
            policy.load(_weights_of(self.config.checkpoint, self._checkpoint, spec))
        return policy

    def _begin_to_think(self, policy: Thinker, spec: TaskSpec) -> None:
        config = self.config
        hold = registry.load("policies", config.hold_policy)(spec, plugin_options(self, config.hold_policy))
        if config.hold_checkpoint:
            about = read_checkpoint(Path(config.hold_checkpoint), POLICY_FILE)
            hold.load(_weights_of(config.hold_checkpoint, about, spec))
        self._thinking = Thinking(policy, config.max_batch, self._hand_over)
        limits = (config.deadline_s, config.max_age_s)
        self._thinkers = [
            ThinkingArm(self, arm, self._thinking, hold, limits, config.seed, self._candidate) for arm in self._arms
        ]
        self._thinking.start()
        if self._weights is not None:
            self._thinking.load(self._weights)

    def _on_selection(self, message: String) -> None:
        mixture = Mixture.from_json(message.data)
        if self._by_mixture is not None:
            self._by_mixture.follow(mixture)
        self._mixture = mixture
        self._answer_who_waits()

    def _on_weights(self, message: UInt8MultiArray) -> None:
        weights = decode(message, self._weights_root)
        if self._checkpoint is not None or self._candidates:
            return
        if self._thinking is not None:
            self._thinking.load(weights)
        elif self._policy is not None:
            self._policy.load(weights.variables)
        self._weights = weights
        if self._thinking is None:
            self._use(weights)

    def _hand_over(self, weights: Weights, error: Exception | None) -> None:
        """Called by a thread of the policy that thinks: weights are ready, or refused."""
        if self.executor is not None:
            self.executor.create_task(self._on_loaded, weights, error)

    def _on_loaded(self, weights: Weights, error: Exception | None) -> None:
        if error is None:
            self._use(weights)
            return
        if self.config.sync:
            self.fail(error)  # no other weights will come for the steps that wait for these
            return
        self.diagnostics.count("refused weights")
        self.get_logger().warning(f"refused weights version {weights.version}: {error}", throttle_duration_sec=5.0)

    def _use(self, weights: Weights) -> None:
        self._ready = weights.version
        self.diagnostics.value("weights_version", weights.version)
        self._answer_who_waits()

    def _answer_who_waits(self) -> None:
        for number, tick in list(self._waiting.items()):
            self._act_when_due(number, tick)

    def _act_when_due(self, number: int, tick: Tick) -> None:
        """Act now, or when it has come what is due at this step: in ``sync`` weights, of candidates a mixture."""
        late = self.config.sync and self._ready < tick.feedback.weights_version
        if self._by_mixture is not None:
            late = self._by_mixture.begin(tick.feedback.episode) is None
        if late:
            self._waiting[number] = tick
            return
        self._waiting.pop(number, None)
        if self._thinkers:
            self._thinkers[number].arrive(tick)
        else:
            self._act(self._arms[number], tick)

    def _act(self, arm: ServedArm, tick: Tick) -> None:
        assert self._policy is not None
        started_s = time.perf_counter()
        feedback, who = tick.feedback, self._candidate()
        if self._by_plan is not None:
            who[ROLE_NAME] = self._by_plan.follow(feedback.plan, feedback.step)
        if feedback.step == 0:
            self._policy.reset()
        rng = stream(self.config.seed, "policy", feedback.episode, feedback.step)
        action, info = self._policy.act(tick.observation, rng)
        inference_ms = (time.perf_counter() - started_s) * 1e3
        values = (self._ready, inference_ms, arm.dropped)
        arm.answer(tick.stamp_ns, action, {**dict(zip(STATUS_NAMES, values, strict=True)), **who})
        if "thought" in info:
            arm.think_aloud(info["thought"])
        self.diagnostics.tick()
        self.diagnostics.value("inference_ms", f"{inference_ms:.3f}")

    def _candidate(self) -> dict[str, float]:
        """What ``policy/status`` says of the candidate that acts."""
        return {CANDIDATE_NAME: float(self._by_mixture.arm)} if self._by_mixture is not None else {}


def _weights_of(directory: str, about: Any, spec: TaskSpec) -> Any:
    """The policy's weights in a checkpoint.

    Raises:
        CheckpointError: they were trained on another observation or action.
    """
    check_fit(directory, TaskSpec.from_json(about["task_spec"]), spec)
    return load_file(Path(directory) / POLICY_FILE)


def main() -> None:
    """Entry point."""
    sys.exit(run(PolicyServer, "Answers every observation with an action.", PolicyServerConfig))
