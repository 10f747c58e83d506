"""Tasks that are played by text, and the learner of turns that learns from that: what decides how a run goes on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vlmrl_ros.core.checkpoint import LEARNER_FOLDER
from vlmrl_ros.core.errors import NonFiniteError
from vlmrl_ros.core.side_by_side import SideBySide, Speak, alone, evaluation_seeds, live, outcomes, training_seeds
from vlmrl_ros.core.snapshot import Part
from vlmrl_ros.core.spoken import Utterance
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.text import TextObservation, TextTask
from vlmrl_ros.core.text_training import Lived, state_in, state_parts
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.nodes.turn_plan import TurnPlan
from vlmrl_ros.nodes.turn_task import Shown
from vlmrl_ros.policies.vlm.decoding import Decoder

IMITATES = "vlm_sft"
"""The learner that is shown what to say; the others say it themselves."""


class TurnTraining:
    """Plays with the newest weights until the learner has enough, then has it learn."""

    def __init__(self, plan: TurnPlan, learner: Any, tasks: Sequence[TextTask]) -> None:
        """Take the parts; :meth:`begin` deals the first episodes.

        Args:
            plan: what to do.
            learner: the plug-in, of turns.
            tasks: each its own object.
        """
        self.learner, self._plan, self._tasks = learner, plan, tasks
        self._shown = Shown(plan.task, stream(plan.config.seed, "shown"))
        self.log: list[Lived] = []
        self.updates = self.turns = 0
        self._dealt = 0
        """Episodes that have begun."""
        self.metrics: Mapping[str, float] = {}
        """Of the newest update."""

    def begin(self) -> None:
        """Deal the first episodes, or the next ones of a run that goes on."""
        seeds = training_seeds(self._plan.config.seed, -(-self._dealt // self._plan.alike), self._plan.alike)
        self._table = SideBySide(self._tasks, seeds)
        self._dealt += len(self._tasks)
        self._returns = [0.0] * len(self._tasks)
        self._decoder = Decoder(self.learner.model, self.learner.processor, self._plan.config.max_new_tokens)

    def round(self, stopped: Callable[[], bool]) -> bool:
        """Play a turn in each task or more, and make an update; False where it was stopped before.

        Raises:
            VlmrlError: a reward that is none, a prompt that the model cannot read, or a learner that refuses.
        """
        speak = self._speak()
        move = partial(self._table.carry_out, play=alone)
        while not stopped():
            for (turn,) in live(self._table, speak, move, 1):
                self._take(turn)
            if self.learner.ready:
                self.metrics = self.learner.update()
                self.updates += 1
                return True
        return False

    def judge(self, temperature: float) -> list[tuple[float, bool]]:
        """Return and success of each episode of the evaluation; those under way in the tasks are given up."""
        config = self._plan.config
        seeds = evaluation_seeds(config.eval_episodes)
        table = SideBySide(self._tasks[: config.eval_episodes], seeds)
        return list(outcomes(table, self._drawn("evaluation", temperature)))

    def _speak(self) -> Speak:
        if self._plan.config.learner == IMITATES:
            return lambda observations: self._shown(self._table.tasks)
        return self._drawn("speaking", self._plan.temperature)

    def _drawn(self, role: str, temperature: float) -> Speak:
        """The model; what it says until the next update depends on no other one."""
        seed = self._plan.config.seed
        rngs = [stream(seed, role, self.updates, arm) for arm in range(len(self._tasks))]

        def speak(observations: Sequence[TextObservation]) -> list[Utterance]:
            return self._decoder.decode(observations, temperature, rngs[: len(observations)])

        return speak

    def _take(self, turn: Turn) -> None:
        if not math.isfinite(turn.reward):
            raise NonFiniteError(f"reward of {turn.utterance.text[:80]!r} is {turn.reward}; valid: finite ones")
        self.learner.add(turn)
        self.turns += 1
        self._returns[turn.arm] += turn.reward
        if turn.last:
            self.log.append(Lived(self.turns, self._returns[turn.arm], turn.success, self.updates))
            self._returns[turn.arm] = 0.0
            self._dealt += 1

    def of_late(self) -> str:
        """How the newest tenth of the episodes went, for people."""
        recent = self.log[-math.ceil(len(self.log) / 10) :]
        return f"mean return {np.mean([one.task_return for one in recent]):.3f} of the last {len(recent)} episodes"

    def snapshot(self) -> dict[str, Part]:
        """All that decides how the run goes on, as parts of a checkpoint; episodes under way are left out."""
        plain = {
            **{name: getattr(self, name) for name in ("updates", "turns")},
            "dealt": self._dealt,
            "metrics": dict(self.metrics),
            "log": [astuple(one) for one in self.log],
        }
        return state_parts(plain, self.learner.snapshot())

    def restore(self, checkpoint: Path) -> None:
        """Go on from the files of a :meth:`snapshot`, before :meth:`begin`.

        Raises:
            CheckpointError: missing or damaged files, or another learner's.
        """
        with state_in(checkpoint) as plain:
            self.updates, self.turns, self._dealt = (int(plain[name]) for name in ("updates", "turns", "dealt"))
            self.metrics = dict(plain["metrics"])
            self.log = [Lived(*row) for row in plain["log"]]
        self.learner.restore(checkpoint / LEARNER_FOLDER)
