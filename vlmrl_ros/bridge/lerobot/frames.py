"""Steps to columns and back. A frame of the data set is a step; ``next.*`` says where its action led."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
import numpy.typing as npt

from vlmrl_ros.bridge.lerobot import layout
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Feedback, Intervention, Source, Step

Columns = Mapping[str, npt.NDArray[Any]]
"""Column to (frames,) or (frames, N)."""
Frames = Mapping[str, Sequence[npt.NDArray[np.uint8]]]
"""Camera to its frames, uint8 (H, W, 3) RGB each."""


def columns_of(steps: Sequence[Step]) -> dict[str, npt.NDArray[Any]]:
    """The columns of an episode, but for frames and for what only counts.

    The last step has no action of its own: its ``next.*`` repeat the end, with a reward of 0. A person's advice and the
    plan of a curriculum are left out.
    """
    feedback = [step.feedback for step in steps]
    after = [*feedback[1:], feedback[-1]]
    rewards = [*(f.reward for f in feedback[1:]), 0.0]
    return {
        layout.STATE: np.stack([step.observation["state"] for step in steps]),
        layout.ACTION: np.stack([step.executed for step in steps]),
        layout.REWARD: np.array(rewards, np.float32),
        layout.DONE: np.array([f.last for f in after]),
        layout.TRUNCATED: np.array([f.truncated for f in after]),
        layout.SUCCESS: np.array([f.success for f in after]),
        layout.HUMAN: np.array([step.intervention.active for step in steps]),
        layout.POLICY_ACTION: np.stack([step.policy_action for step in steps]),
        layout.COMMAND: np.stack([step.command for step in steps]),
        layout.FEEDBACK: np.array([astuple(f)[:-1] for f in feedback], np.float64),
        layout.INTERVENTION: np.array([astuple(step.intervention)[:-1] for step in steps], np.float64),
        layout.STAMP: np.array([step.stamp_ns for step in steps], np.int64),
    }


def own_steps(columns: Columns, frames: Frames, spec: TaskSpec) -> list[Step]:
    """The steps that :func:`columns_of` was given."""
    steps = []
    for index, stamp_ns in enumerate(columns[layout.STAMP]):
        reward, *flags, episode, step, version = columns[layout.FEEDBACK][index].tolist()
        active, edge, punishment, source = columns[layout.INTERVENTION][index].tolist()
        steps.append(
            Step(
                stamp_ns=int(stamp_ns),
                observation=_observation(columns, frames, spec, index),
                feedback=Feedback(reward, *map(bool, flags), int(episode), int(step), int(version)),
                policy_action=columns[layout.POLICY_ACTION][index],
                command=columns[layout.COMMAND][index],
                executed=columns[layout.ACTION][index],
                intervention=Intervention(bool(active), bool(edge), punishment, Source(int(source))),
            )
        )
    return steps


def foreign_steps(columns: Columns, frames: Frames, spec: TaskSpec, episode: int, stamp_ns: int) -> list[Step]:
    """Steps from an episode of somebody else's data set: one more than frames, for the last action leads somewhere.

    What the last action led to is not in the data set, so its observation is repeated, as LeRobot's own replay does.
    Without ``next.success`` the episode counts as a success, without interventions as wholly a person's.

    Args:
        columns: of the episode.
        frames: of the episode.
        spec: of the task.
        episode: its number.
        stamp_ns: of its first step, ns.
    """
    count, dt_ns = len(columns[layout.ACTION]), round(spec.control_dt_s * 1e9)
    rewards = [0.0, *_column(columns, layout.REWARD, count, 0.0).tolist()]
    success = bool(_column(columns, layout.SUCCESS, count, True).any())
    truncated = bool(_column(columns, layout.TRUNCATED, count, False)[-1])
    terminated = bool(_column(columns, layout.DONE, count, False)[-1]) and not truncated
    human = [bool(value) for value in _column(columns, layout.HUMAN, count, True)]
    actions = columns[layout.ACTION].astype(np.float32)
    steps = []
    for step in range(count + 1):
        last, at = step == count, min(step, count - 1)
        edge = human[at] and 0 < step < count and not human[step - 1]
        action = np.zeros_like(actions[0]) if last else actions[step]
        ends = (last and terminated, last and not terminated, last and success)
        source = Source.HUMAN if human[at] else Source.POLICY
        steps.append(
            Step(
                stamp_ns=stamp_ns + step * dt_ns,
                observation=_observation(columns, frames, spec, at),
                feedback=Feedback(rewards[step], *ends, episode, step),
                policy_action=action,
                command=action,
                executed=action,
                intervention=Intervention(human[at], edge, -float(edge), source),
            )
        )
    return steps


def _column(columns: Columns, name: str, count: int, otherwise: float | bool) -> npt.NDArray[Any]:
    return columns.get(name, np.full(count, otherwise)).reshape(-1)


def _observation(columns: Columns, frames: Frames, spec: TaskSpec, index: int) -> dict[str, npt.NDArray[Any]]:
    state = columns[layout.STATE][index] if spec.observation.size else np.zeros(0)
    return {"state": state.astype(np.float32), **{c.name: frames[c.name][index] for c in spec.cameras}}
