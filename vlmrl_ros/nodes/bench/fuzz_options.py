"""Nodes under test that listen to more when they are configured so: to a curriculum's plans, or in order to judge."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from std_msgs.msg import String

from vlmrl_ros.bridge import messages
from vlmrl_ros.core.episode_plan import Announcement, EpisodePlan
from vlmrl_ros.core.errors import VlmrlError
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.nodes.bench.fuzz_patient import Patient
from vlmrl_ros.nodes.bench.recording import Recording
from vlmrl_ros.nodes.bench.references import write_reference

START_TIMEOUT_S = 10.0
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
        """Activate, and begin the first episode as the learner says.

        Raises:
            VlmrlError: it does not begin.
        """
        super().bring_up()
        for topic in ("curriculum/plan", "learner/status"):
            self.feed(topic, self.recording[topic][0])
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while self.node.diagnostics.steps == 0:
            self._executor.spin_once(timeout_sec=0.05)
            if time.monotonic() > deadline_s:
                raise VlmrlError(f"{self.name} began no episode within {START_TIMEOUT_S:g} s")

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


OPTIONS: Mapping[str, type[Patient]] = {
    "sim_bridge+curriculum": PlannedBridgePatient,
    "scripted_operator+executed": ActionJudge,
    "scripted_operator+proposed": ProposalJudge,
}
