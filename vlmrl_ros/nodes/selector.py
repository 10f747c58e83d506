"""``selector``: tries every candidate in the running loop, decides which mixture is deployed, and watches it act.

Or deploys a mixture that was decided before.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sensor_msgs.msg import JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import messages, qos
from vlmrl_ros.bridge.parameters import plugin_options, show_options
from vlmrl_ros.bridge.shell import Shell, run
from vlmrl_ros.core.candidates import CHECKPOINT, find_candidates
from vlmrl_ros.core.config import option
from vlmrl_ros.core.errors import CheckpointError, ConfigError, ShapeError
from vlmrl_ros.core.join import PartJoin
from vlmrl_ros.core.mixture import Mixture
from vlmrl_ros.core.selection_file import read_selection
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Feedback, Intervention
from vlmrl_ros.nodes.candidate_policy import try_checkpoint
from vlmrl_ros.nodes.decision import Question, decide
from vlmrl_ros.nodes.output import check_output, writing
from vlmrl_ros.nodes.policy_server import CANDIDATE_NAME
from vlmrl_ros.nodes.selection_report import Report
from vlmrl_ros.nodes.trials import EpisodeWatch, Trial, Trials

LOST_S = 2.0
"""An episode that begins although nobody has planned it: after so long the end of the one before was lost."""


@dataclass(frozen=True)
class SelectorConfig:
    """Parameters of ``selector``; options of the learner are ``<learner>.<option>``."""

    candidates: tuple[str, ...] = option(
        (), "checkpoints, folders of them, skill:<words> or instruction:<sentence> to choose among: 2 or more"
    )
    selection: str = option(
        "", "selection.json of a decision to deploy, without trials and in place of candidates; empty: none"
    )
    policy: str = option("", "what instructions are told to, for selection.json: a checkpoint or a policy plug-in")
    learner: str = option("trust", "learner plug-in of outcomes that chooses: trust, lcb, greedy, uniform")
    trials: int = option(1, "autonomous episodes of each candidate", low=1, high=100_000)
    incumbent: str = option(
        "",
        "candidate that is deployed now, by its name (step_<n>): it stays unless the certificate of the choice is "
        "above its own; empty: none is",
    )
    incumbent_trials: int = option(
        0, "episodes of the incumbent, whose certificate is loose after few; 0: as many as others", low=0, high=100_000
    )
    outcome: str = option(
        "success",
        "what a trial counts for: its success, 0 or 1, or its return, whose noise <learner>.sigma must be given",
        choices=("success", "task_return"),
    )
    failure_return: float = option(
        0.0,
        "what a trial counts for whose candidate cannot be loaded: the least return that there is; where a trial was "
        "worth less, that counts",
    )
    episodes: int = option(20, "episodes that are then acted by the mixture and judged; 0: none", low=0, high=10**9)
    output: str = option("selection", "directory for selection.json and selection.png")
    seed: int = option(0, "of the rule's own draws", low=0, high=2**31 - 1)


class Selector(Shell[SelectorConfig]):
    """Says on ``policy/selection`` who acts next, and believes ``policy/status`` on who did."""

    config_type = SelectorConfig

    def __init__(self) -> None:
        """Declare the parameters."""
        super().__init__("selector")

    def configure(self) -> None:
        """Find the candidates, check the rule, listen to the loop."""
        config = self.config
        self._selected = read_selection(Path(config.selection)) if config.selection else None
        self._candidates = self._selected.candidates if self._selected else find_candidates(config.candidates)
        self._names = tuple(self._candidates)
        self._output = Path(config.output)
        check_output(self._output)
        self._report = Report(self._output, self._candidates, self._selected.plain if self._selected else None)
        if self._selected is None:
            self._prepare_trials()
        self._spec: TaskSpec | None = None
        self._watch = EpisodeWatch()
        self._deployed: list[Trial] = []
        self._decided = self._selected is not None
        self._begun, self._planned, self._unplanned = -1, -1, False
        self._selection = self.publisher(String, "policy/selection", qos.LATCHED)
        self.listen(String, "spec", self._on_spec, qos.LATCHED)
        self.listen(JointState, "feedback", partial(self._on_part, "feedback"), qos.STEP)
        self.listen(JointState, "intervention", partial(self._on_part, "intervention"), qos.STEP)
        self.listen(JointState, "policy/status", partial(self._on_part, "candidate"), qos.STEP)
        self.steady_timer(LOST_S, self._miss)

    def _prepare_trials(self) -> None:
        config = self.config
        options = plugin_options(self, config.learner)
        if config.outcome == "task_return" and "sigma" not in options:
            raise ConfigError(
                f"outcome is task_return, whose noise nobody knows: give {config.learner}.sigma, its standard deviation"
                " or a bound, for example half of the range"
            )
        self._question = Question(config.learner, options, self._names, config.incumbent, config.seed)
        self._question.make()
        show_options(self, config.learner, self._question.in_force)
        more = max(config.trials, config.incumbent_trials)
        self._trials = Trials([more if name == config.incumbent else config.trials for name in self._names])

    def _on_spec(self, message: String) -> None:
        first, self._spec = self._spec is None, messages.read_spec(message, self._spec)
        self._join = PartJoin(("feedback", "intervention", "candidate"))
        if not first:
            return
        broken = self._broken(self._spec)
        if broken and (self._selected is not None or len(broken) == len(self._names)):
            what = "no candidate can be loaded" if self._selected is None else "what is deployed cannot be loaded"
            self.fail(CheckpointError(f"{what}: {'; '.join(broken.values())}"))
            return
        if self._selected is not None:
            self._say(self._selected.mixture)
            return
        for name, reason in broken.items():
            self.get_logger().error(f"candidate '{name}' cannot be loaded and counts as failed: {reason}")
            self._trials.fail(self._names.index(name), self.config.failure_return)
        self._report.broken = broken
        self._plan(0)

    def _broken(self, spec: TaskSpec) -> dict[str, str]:
        """What is wrong with each checkpoint that cannot be loaded; of others the policy server makes sure."""
        return {
            name: found
            for name, candidate in self._candidates.items()
            if candidate.kind == CHECKPOINT and isinstance(found := try_checkpoint(candidate, spec), str)
        }

    def _on_part(self, part: str, message: Any) -> None:
        if self._spec is None:
            return
        if part == "feedback":
            value: Any = messages.read_feedback(message)
            self._begun = value.episode
        elif part == "intervention":
            value = messages.read_intervention(message)
        else:
            value = self._acted(message)
        for _, parts in self._join.put(messages.stamp_of(message), part, value):
            self._judge(**parts)
        self.diagnostics.join(self._join)

    def _acted(self, message: JointState) -> int:
        """The candidate that acted.

        Raises:
            ShapeError: the policy server knows of no candidates, or of others.
        """
        found = messages.read_values(message, "policy/status").get(CANDIDATE_NAME, -1.0)
        if found not in range(len(self._names)):
            raise ShapeError(f"policy/status says candidate {found:g}; valid: 0 to {len(self._names) - 1}")
        return int(found)

    def _judge(self, feedback: Feedback, intervention: Intervention, candidate: int) -> None:
        if self.done.done():
            return
        self.diagnostics.tick()
        trial = self._watch.see(feedback, intervention, candidate)
        if not feedback.last:
            return
        if trial is None:
            self.diagnostics.count(f"episodes left out: {self._watch.left_out}")
        elif self._decided:
            self._deployed.append(trial)
        else:
            self._count(trial)
        self._go_on(feedback.episode + 1)

    def _count(self, trial: Trial) -> None:
        value = float(trial.success) if self.config.outcome == "success" else trial.task_return
        self._trials.returns[trial.arm].append(value)
        text = f"{self._names[trial.arm]}: {self.config.outcome} {value:g} after {trial.steps} steps"
        self.get_logger().info(f"{text}, {self._trials.open} trials to go")
        self.diagnostics.value("trials", self._trials.done)

    def _go_on(self, episode: int) -> None:
        """An episode has ended: say who acts in the next one, decide, or end."""
        if not self._decided:
            self._plan(episode)
        if self._decided and len(self._deployed) >= self.config.episodes:
            self._finish()

    def _plan(self, episode: int) -> None:
        """Say who is tried in an episode; when nobody is left to be tried, decide."""
        arm = self._trials.next()
        if arm is None:
            self._decide()
            return
        self._planned = episode
        self._say(Mixture.of_one(self._names, arm, episode))

    def _decide(self) -> None:
        returns = self._fair_returns()
        loaded = [name not in self._report.broken for name in self._names]
        decision = decide(self._question, returns, loaded)
        self._decided = True
        self._say(Mixture(self._names, tuple(map(float, decision.deployed))))
        about = {"outcome": self.config.outcome, "policy": self.config.policy}
        with writing(self._output, self.fail):
            self._report.decided(self._question, decision, returns, about)

    def _fair_returns(self) -> list[list[float]]:
        """Returns of all trials; one that failed to begin is worth no more than any that began."""
        least = min([self.config.failure_return, *(min(of_arm) for of_arm in self._trials.returns)])
        return [
            [least] * len(of_arm) if name in self._report.broken else of_arm
            for name, of_arm in zip(self._names, self._trials.returns, strict=True)
        ]

    def _say(self, mixture: Mixture) -> None:
        self._selection.publish(String(data=mixture.to_json()))

    def _miss(self) -> None:
        """An episode waits to begin, and the end of the one before will not come any more: it is no trial."""
        waits = not self._decided and self._begun > self._planned
        if waits and self._unplanned:
            self.diagnostics.count("episodes left out: their end was lost")
            self._plan(self._begun)
        self._unplanned = waits

    def _finish(self) -> None:
        with writing(self._output, self.fail):
            path = self._report.ended(self._deployed)
            self.get_logger().info(f"selection: {path}")
            self.finish()


def main() -> None:
    """Entry point."""
    sys.exit(run(Selector, "Tries candidates and says which mixture of them is deployed.", SelectorConfig))
