"""A whole training run in one process: the loop of the nodes without ROS, in lockstep and sync, so that many runs fit.

Task, limits, operator, joystick, arbiter, policy, training and learner are the very parts that the nodes wire.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors.numpy import save

from vlmrl_ros.core import registry
from vlmrl_ros.core.arbiter import Arbiter
from vlmrl_ros.core.checkpoint import LEARNER_FOLDER, POLICY_FILE
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.episode import Arrival, Episodes
from vlmrl_ros.core.episode_log import takeovers_per_episode
from vlmrl_ros.core.interfaces import Glance, Learner, Operator, Policy, Variables
from vlmrl_ros.core.run_directory import write_whole
from vlmrl_ros.core.safety import SafetyFilter
from vlmrl_ros.core.snapshot import Part, below, save_snapshot
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.training import Training
from vlmrl_ros.core.types import Step
from vlmrl_ros.nodes.bench.alone import Alone, policy_alone
from vlmrl_ros.nodes.bench.figures import Figures
from vlmrl_ros.nodes.bench.remembered import with_defaults
from vlmrl_ros.nodes.evaluator import FRESH_SEED_OFFSET
from vlmrl_ros.nodes.rollout import EVALUATION_SEED_OFFSET
from vlmrl_ros.policies.evaluation.theory import Theory
from vlmrl_ros.policies.expert import Expert, ExpertConfig, seen
from vlmrl_ros.policies.reference import Judge, JudgementConfig
from vlmrl_ros.sim.load import build as build_task
from vlmrl_ros.teleop.mapping import JoyMapping, load_profile


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What is taught, by whom, to which learner; the defaults are those of the launch file.

    Attributes:
        learner: name of the plug-in.
        learner_options: deviations from its defaults.
        task: name of the task, and of its operator.
        task_options: deviations from its defaults.
        expert: checkpoint of a policy that stands for the person instead, as of
            :class:`~vlmrl_ros.policies.reference.Reference`; empty: the task's scripted operator.
        operator_options: deviations from the operator's defaults.
        seed: of all randomness.
        steps: transitions to learn from, without demonstrations.
        demonstrations: successful ones, shown at first.
        publish_every: steps between two versions of the weights.
        judge_every: steps between two evaluations.
        judge_from: steps before the first of them.
        judged_by: what tells good weights: ``success``, or ``value``, the discounted sum of the task's rewards.
        episodes: of each evaluation.
        final_episodes: fresh ones in which the best weights are judged at the end.
        discount: of the task's rewards, where they are summed.
        reference: checkpoint of a reference, where the operator's trigger is ``judged``; see :meth:`Classroom.save`.
        judgement: deviations from the defaults of :class:`~vlmrl_ros.policies.reference.JudgementConfig`.
    """

    learner: str = "rlif"
    learner_options: Mapping[str, Any] = field(default_factory=dict)
    task: str = "peg_insert"
    task_options: Mapping[str, Any] = field(default_factory=dict)
    expert: str = ""
    operator_options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    steps: int = 5000
    demonstrations: int = 15
    publish_every: int = 10
    judge_every: int = 500
    judge_from: int = 0
    judged_by: str = "success"
    episodes: int = 50
    final_episodes: int = 100
    discount: float = 0.97
    reference: str = ""
    judgement: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What came of a lesson.

    Attributes:
        success: of the best weights, in fresh episodes.
        value: their mean discounted sum of the task's rewards in these.
        evaluations: success, or value, on the way, in order, each ``judge_every`` steps after the last.
        takeovers_first: takeovers an episode over the first tenth of the steps; NaN where no episode ended in it.
        takeovers_last: the same over the last tenth.
        human_share: of the steps, without demonstrations.
        metrics: of the last update.
        wall_s: how long it took, s.
        theory: delta, beta and epsilon over the newest steps, where the operator judges by a reference; see
            :meth:`~vlmrl_ros.policies.evaluation.theory.Theory.terms`.
    """

    success: float
    value: float
    evaluations: tuple[float, ...]
    takeovers_first: float
    takeovers_last: float
    human_share: float
    metrics: Mapping[str, float]
    wall_s: float
    theory: Mapping[str, float] = field(default_factory=dict)


def take(lesson: Lesson, name: str, work: Path) -> Outcome:
    """The outcome of a lesson; one that its file in the work directory holds already is not taken again."""
    path = work / f"{name}.json"
    asked = json.loads(json.dumps(asdict(lesson)))
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        if with_defaults(found["lesson"], Lesson) == asked:
            return Outcome(**{**found["outcome"], "evaluations": tuple(found["outcome"]["evaluations"])})
    outcome = Classroom(lesson).teach()
    write_whole(path, json.dumps({"lesson": asked, "outcome": asdict(outcome)}, indent=1) + "\n")
    return outcome


class Classroom:
    """The parts of the loop, and one step after the other."""

    def __init__(self, lesson: Lesson) -> None:
        """Build every part.

        Raises:
            VlmrlError: an unknown plug-in, or a bad option.
        """
        self._lesson = lesson
        self._task = build_task(lesson.task, lesson.task_options)
        self._exam = build_task(lesson.task, lesson.task_options)
        spec = self._task.spec
        self._episodes = Episodes(self._task, SafetyFilter(spec.action, spec.control_dt_s), lesson.seed)
        self._operator = _person(lesson, spec)
        self._joystick = JoyMapping(load_profile("scripted"), spec.action)
        self._arbiter = Arbiter(spec.action, spec.control_dt_s)
        builder = registry.load("learners", lesson.learner)
        options = from_mapping(builder.config_type, lesson.learner_options, f"learner {lesson.learner}")
        self._learner: Learner = builder.build(spec, options, stream(lesson.seed, "learner"))
        self.training = Training(self._learner, options.samples_per_insert)
        self._build_policy = registry.load("policies", options.policy)
        self._policy: Policy = self._build_policy(spec, {})
        judgement = from_mapping(JudgementConfig, lesson.judgement, "judgement")
        reference = Path(lesson.reference)
        self._critic = Judge(reference, spec, judgement, lesson.seed) if lesson.reference else None
        discount = getattr(options, "discount", lesson.discount)
        self._theory = Theory(discount, self._critic.reference.gap) if self._critic else None
        self.newest: Step | None = None
        """The step that was learned from last."""
        self._holding = False
        self._demonstrating = False
        self._shown = 0
        self._published = False

    def teach(self) -> Outcome:
        """Teach to the end of the episode in which the steps are done, then judge."""
        started_s = time.monotonic()
        judged: list[tuple[float, Variables]] = []
        arrival = self.begin()
        while not (self.training.steps >= self._lesson.steps and arrival.feedback.step == 0):
            before = self.training.steps
            arrival = self.step(arrival)
            if self._is_due(before, self.training.steps):
                variables = dict(self._learner.variables())
                alone = self._judge(variables, self._lesson.episodes)
                judged.append((getattr(alone, self._lesson.judged_by), variables))
        outcome = self._outcome(judged, time.monotonic() - started_s)
        self._task.close()
        self._exam.close()
        return outcome

    def _is_due(self, before: int, steps: int) -> bool:
        every = self._lesson.judge_every
        return steps >= self._lesson.judge_from and steps // every > before // every

    def begin(self) -> Arrival:
        """Where the first episode begins."""
        return self._episodes.begin()

    def save(self, directory: Path) -> None:
        """Leave policy and learner in an empty directory, as in a checkpoint, for example as a reference."""
        variables = dict(self._learner.variables())
        policy = Part(lambda: lambda: [save(variables)])
        save_snapshot(directory, {POLICY_FILE: policy, **below(LEARNER_FOLDER, self._learner.snapshot())})

    def step(self, arrival: Arrival) -> Arrival:
        """One tick of the loop: everybody answers the arrival, the task steps, the learner learns."""
        feedback = arrival.feedback
        rng = stream(self._lesson.seed, "policy", feedback.episode, feedback.step)
        if feedback.step == 0:
            self._policy.reset()
        proposal, _ = self._policy.act(arrival.observation, rng)
        self._press(arrival, self._is_wrong(arrival, proposal))
        decision = self._arbiter.step(arrival.stamp_ns, proposal, arrival.stamp_ns, first=feedback.step == 0)
        applied, following = self._episodes.advance(arrival, decision.command, decision.mark)
        step = Step(
            stamp_ns=arrival.stamp_ns,
            observation=arrival.observation,
            feedback=feedback,
            policy_action=proposal,
            command=decision.command,
            executed=applied.action,
            intervention=decision.intervention,
        )
        if self._theory is not None:
            self._theory.see(self.newest, step)
        self.newest = step
        self._learn(step)
        return following

    def _is_wrong(self, arrival: Arrival, proposal: FloatArray) -> bool:
        """The person's judgement of what the policy does, where they have a reference."""
        if self._critic is None:
            return False
        if self._critic.config.judged == "proposed":
            return self._critic.is_wrong(arrival.observation, proposal, arrival.feedback)
        before = self.newest
        if arrival.feedback.step == 0 or before is None or self._holding:
            return False
        return self._critic.is_wrong(before.observation, before.executed, arrival.feedback)

    def _press(self, arrival: Arrival, wrong: bool) -> None:
        """The operator looks, and presses the joystick; as the node ``scripted_operator`` does."""
        feedback = arrival.feedback
        if feedback.step == 0:
            self._demonstrating = self._shown < self._lesson.demonstrations
            self._operator.reset(stream(self._lesson.seed, "operator", feedback.episode), self._demonstrating)
            self._holding = False
        scene = (
            {**arrival.scene, **seen(self._task.spec, arrival.observation)} if self._lesson.expert else arrival.scene
        )
        glance = Glance(scene, feedback.step, feedback.last, feedback.success, self._holding, wrong)
        intent = self._operator.intent(glance)
        self._holding = intent.takeover
        self._arbiter.hear(self._joystick.read(self._joystick.to_joy(intent)), arrival.stamp_ns)
        self._shown += feedback.last and self._demonstrating and feedback.success

    def _learn(self, step: Step) -> None:
        before = self.training.steps
        self.training.digest(step)
        steps, every = self.training.steps, self._lesson.publish_every
        if self.training.updates and (not self._published or steps // every > before // every):
            self._published = True
            self._policy.load(self._learner.variables())

    def _judge(self, variables: Variables, episodes: int, fresh: bool = False) -> Alone:
        """The policy alone, in episodes that training never meets."""
        lesson = self._lesson
        policy: Policy = self._build_policy(self._task.spec, dict(self._learner.evaluation_options))
        policy.load(variables)
        seed = EVALUATION_SEED_OFFSET + lesson.seed + (FRESH_SEED_OFFSET if fresh else 0)
        return policy_alone(self._exam, policy, episodes, lesson.discount, seed)

    def _outcome(self, judged: list[tuple[float, Variables]], wall_s: float) -> Outcome:
        """Best are the weights whose evaluation is best together with the one before it, the later ones of several.

        So they are the later of two, also where the earlier did better; before the first evaluation stands a 0. It is
        the rule of the learner's checkpoints, :func:`~vlmrl_ros.nodes.evaluator.best_of`.
        """
        success = [value for value, _ in judged]
        pairs = [before + now for before, now in zip([0.0, *success], success, strict=False)]
        best = max(range(len(pairs)), key=lambda index: (pairs[index], index))
        records, steps = self.training.log.online(), self.training.steps
        final = self._judge(judged[best][1], self._lesson.final_episodes, fresh=True)
        return Outcome(
            success=final.success,
            value=final.value,
            evaluations=tuple(success),
            takeovers_first=takeovers_per_episode(records, 0, steps // 10),
            takeovers_last=takeovers_per_episode(records, steps - steps // 10, steps),
            human_share=sum(r.human_steps for r in records) / max(1, sum(r.steps for r in records)),
            metrics=dict(self.training.metrics),
            wall_s=wall_s,
            theory=self._theory.terms() if self._theory is not None else {},
        )


def epsilon(name: str, outcomes: Sequence[Outcome]) -> Figures:
    """``<name>.epsilon``, mean over seeds, of lessons whose operator judges by a reference; else nothing."""
    found = [outcome.theory["epsilon"] for outcome in outcomes if "epsilon" in outcome.theory]
    return {f"{name}.epsilon": sum(found) / len(found)} if len(found) == len(outcomes) else {}


def _person(lesson: Lesson, spec: TaskSpec) -> Operator:
    """Who teaches."""
    if lesson.expert:
        config = from_mapping(ExpertConfig, lesson.operator_options, "expert")
        return Expert(Path(lesson.expert), spec, config)
    operator: Operator = registry.load("operators", lesson.task)(spec, lesson.operator_options)
    return operator
