"""Nodes under test that listen to more when they are configured so: to a curriculum's plans, or in order to judge."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sensor_msgs.msg import JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import messages
from vlmrl_ros.core.episode_plan import Announcement, EpisodePlan
from vlmrl_ros.core.mixture import Mixture
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.nodes.bench.fuzz_patient import Patient
from vlmrl_ros.nodes.bench.recording import Recording
from vlmrl_ros.nodes.bench.references import write_reference
from vlmrl_ros.nodes.policy_server import CANDIDATE_NAME

BETA = 1.0
"""The person who judges never errs."""


class PlannedBridgePatient(Patient):
    """``sim_bridge`` whose episodes begin as a curriculum says, in one of them."""

    def more_samples(self) -> Recording:
        """A plan, and the status of a learner that says where the run is."""
        place = {"version": 0.0, "finished": 0.0, "episode": -1.0, "last": 0.0, "demonstrations": 0.0}
        status = messages.named_vector(0, list(place), list(place.values()))
        return {"curriculum/plan": [self._plan(0)], "learner/status": [status]}

    def bring_up(self) -> None:
        """Activate, and begin the first episode as the learner says."""
        super().bring_up()
        for topic in ("curriculum/plan", "learner/status"):
            self.feed(topic, self.recording[topic][0])
        self.until_a_step()

    def work(self) -> None:
        """Announce a plan as the learner does, then feed the rest of the step."""
        self.feed("curriculum/plan", self._plan(self.next_ns("")))
        super().work()

    def _plan(self, after_ns: int) -> String:
        return String(data=Announcement(after_ns, self.step, EpisodePlan(context=1.0)).to_json())


class JudgePatient(Patient):
    """``scripted_operator`` who judges what the policy does by a reference."""

    judged: str
    """What of it: see ``judgement.judged``."""

    def more_parameters(self, work: Path) -> dict[str, Any]:
        """An untrained reference: it judges as firmly as any."""
        spec = TaskSpec.from_json(self.recording["spec"][-1].data)
        reference = write_reference(work / "reference", spec)
        return {"reference": str(reference), "judgement.judged": self.judged, "judgement.beta": BETA}


class ActionJudge(JudgePatient):
    """Of what was done."""

    judged = "executed"


class ProposalJudge(JudgePatient):
    """Of what is proposed."""

    judged = "proposed"


class ChoosingPatient(Patient):
    """A node that knows two candidates."""

    def candidates(self, work: Path) -> dict[str, Any]:
        """Their checkpoints, of policies that have learned nothing."""
        spec = TaskSpec.from_json(self.recording["spec"][-1].data)
        return {"candidates": [str(write_reference(work / name, spec)) for name in ("one", "other")]}


class CandidatesPatient(ChoosingPatient):
    """``policy_server`` that acts by one of two candidates."""

    def more_parameters(self, work: Path) -> dict[str, Any]:
        """See :meth:`candidates`."""
        return self.candidates(work)

    def more_samples(self) -> Recording:
        """A mixture."""
        return {"policy/selection": [String(data=Mixture.of_one(("one/step_0", "other/step_0"), 0).to_json())]}

    def bring_up(self) -> None:
        """Activate, and say who acts."""
        super().bring_up()
        self.feed("policy/selection", self.recording["policy/selection"][0])


class SelectorPatient(ChoosingPatient):
    """``selector`` in the middle of its trials."""

    def more_parameters(self, work: Path) -> dict[str, Any]:
        """See :meth:`candidates`; it never decides."""
        return {**self.candidates(work), "trials": 10**5, "output": str(work / "selection")}

    def more_samples(self) -> Recording:
        """The status of a policy server with candidates."""
        return {"policy/status": [self._status(0)]}

    def work(self) -> None:
        """Feed the step, and who acted in it."""
        self.feed("policy/status", self._status(self.next_ns("")))
        super().work()

    def _status(self, stamp_ns: int) -> JointState:
        return messages.named_vector(stamp_ns, [CANDIDATE_NAME], [0.0])


OPTIONS: Mapping[str, type[Patient]] = {
    "policy_server+candidates": CandidatesPatient,
    "selector": SelectorPatient,
    "sim_bridge+curriculum": PlannedBridgePatient,
    "scripted_operator+executed": ActionJudge,
    "scripted_operator+proposed": ProposalJudge,
}
