"""A memory that gives the policy's steps multi-step returns, so that a late takeover still reaches what caused it.

People react late: between the step that made them take over and their hand on the stick the policy goes on, and what it
does meanwhile need not be wrong. With a penalty on the last step alone the cause is reached only through the values of
the steps between, which look like steps that nobody minds. A return over more steps than the reaction takes reaches it
at once, whatever the delay, and needs no estimate of it. The rest is Watkins and Sutton's multi-step return, cut where
the policy loses control. Documented in ``docs/reaction.md``.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.replay import FramePair
from vlmrl_ros.core.snapshot import Part, json_part
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.core.step_rows import ends, read_steps_part, steps_part
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners.labels import Reward, Selection, driven_by_person
from vlmrl_ros.policies.learners.memory import MixedMemory, transition_values

_HELD = "held.json"


class _Held(NamedTuple):
    """A transition and its row with a return of one step."""

    transition: Transition
    values: dict[str, FloatArray | float]


class MultiStepMemory(MixedMemory):
    """Holds the policy's newest steps of each arm back until their return is known.

    A row of the policy spans up to ``steps`` consecutive transitions: the discounted sum of their rewards, the state
    after the last of them, and the discount up to it, beyond that of one step, as a part of ``bootstrap``. It is
    shorter where a takeover or the episode ends the policy's control. A person's steps keep returns of one step.
    """

    def __init__(
        self,
        spec: TaskSpec,
        capacity: int,
        reward: Reward,
        prior: Selection,
        online: Selection | None,
        steps: int,
        discount: float,
    ) -> None:
        """Reserve both replays.

        Args:
            spec: see :class:`MixedMemory`, as the next four.
            capacity: transitions in each half.
            reward: label of a transition.
            prior: the person's half.
            online: the policy's half.
            steps: most transitions in a return.
            discount: of the value one step later.
        """
        super().__init__(spec, capacity, reward, prior, online)
        self._steps = steps
        self._discount = discount
        self._held: dict[int, list[_Held]] = {}
        """Consecutive transitions of the policy of each arm, fewer than ``steps``."""

    def add(self, transition: Transition) -> None:
        """Keep a person's transition; hold the policy's until enough has followed it."""
        for arm, waiting in self._held.items():
            if arm < 0 and arm != transition.arm:  # lived before the run, where one stream follows the other
                self._settle(waiting)
        held, newest = self._held.setdefault(transition.arm, []), self._valued(transition)
        if held and held[-1].transition.after.stamp_ns != transition.before.stamp_ns:
            self._settle(held)
        kept = any(belongs(transition) for belongs in self._belongs.values())
        if driven_by_person(transition) or not kept:  # neither is part of a return of the policy
            self._settle(held)
            self._store([newest])
            return
        held.append(newest)
        if transition.took_over or transition.after.feedback.last:
            self._settle(held)
        elif len(held) == self._steps:
            self._store(held)
            del held[0]

    def snapshot(self) -> dict[str, Part]:
        """Both halves, and the steps of the transitions that are held."""
        held = {arm: [each.transition for each in items] for arm, items in sorted(self._held.items()) if items}
        parts = {_file_of(arm): steps_part(ends(items)) for arm, items in held.items()}
        return {**super().snapshot(), **parts, _HELD: json_part(list(held))}

    def restore(self, directory: Path) -> None:
        """Read what :meth:`snapshot` described.

        Raises:
            CheckpointError: missing or damaged files.
        """
        try:
            arms = [int(arm) for arm in json.loads((directory / _HELD).read_text())]
            held = {arm: _read(directory / _file_of(arm), arm) for arm in arms}
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"no usable held steps in {directory}: {error}") from error
        super().restore(directory)
        self._held = {arm: [self._valued(transition) for transition in items] for arm, items in held.items()}

    def _valued(self, transition: Transition) -> _Held:
        """What cannot be a row is refused here, before it is held."""
        values = transition_values(self._spec, transition, self._reward(transition))
        return _Held(transition, values)

    def _settle(self, held: list[_Held]) -> None:
        """Nothing of the policy's follows: keep what is held, each with the return that it has."""
        while held:
            self._store(held)
            del held[0]

    def _store(self, span: list[_Held]) -> None:
        """Keep the first of consecutive transitions with the return over all of them."""
        first, last = span[0].transition, span[-1].transition
        weights = self._discount ** np.arange(len(span))
        values = {
            **span[0].values,
            "reward": float(weights @ [float(each.values["reward"]) for each in span]),
            "bootstrap": float(weights[-1]) * last.bootstrap,
            "next_state": span[-1].values["next_state"],
        }
        self._keep(first, values, self._frames(first, last, len(span)) if self._spec.cameras else None)

    def _frames(self, first: Transition, last: Transition, length: int) -> FramePair:
        """The frames at both ends, so numbered that the replay finds those that it has.

        Every n-th transition of an arm ends where the next but n begins, so these share frames like the steps of an arm
        of their own; a person's are one more. A shorter return ends elsewhere and shares nothing.
        """
        feedback, n = first.before.feedback, self._steps
        own, step = first.arm * (n + 1) + feedback.step % n, feedback.step // n
        if driven_by_person(first):
            own, step = first.arm * (n + 1) + n, feedback.step
        elif length < n:
            step = -2  # no step comes after it
        return FramePair(first.before.observation, last.after.observation, feedback.episode, step, own)


def _file_of(arm: int) -> str:
    return f"held_{arm}.npy"


def _read(path: Path, arm: int) -> list[Transition]:
    return [Transition(before, after, arm=arm) for before, after in pairwise(read_steps_part(path))]
