"""From steps to batches: what a learner keeps of a transition, and how it mixes its own steps with a person's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vlmrl_ros.core.replay import FramePair, Layout, Replay, Slots
from vlmrl_ros.core.snapshot import Part, below
from vlmrl_ros.core.spec import CameraSpec, FloatArray, TaskSpec
from vlmrl_ros.core.types import Transition, state_of
from vlmrl_ros.policies.learners.eyes import Frames
from vlmrl_ros.policies.learners.labels import Reward, Selection, others_than


def transition_columns(spec: TaskSpec) -> dict[str, int]:
    """Columns of a transition; states and actions are normalised by the spec."""
    state, action = spec.observation.size, spec.action.size
    return {"state": state, "action": action, "reward": 1, "bootstrap": 1, "next_state": state}


def transition_values(
    spec: TaskSpec, transition: Transition, reward: float, action: FloatArray | None = None
) -> dict[str, FloatArray | float]:
    """The row of a transition: the action that was really executed, or the one to clone; the label as its reward."""
    return {
        "state": spec.observation.normalise(state_of(transition.before.observation)),
        "action": spec.action.normalise(transition.before.executed if action is None else action),
        "reward": reward,
        "bootstrap": transition.bootstrap,
        "next_state": spec.observation.normalise(state_of(transition.after.observation)),
    }


def frame_pair(transition: Transition) -> FramePair:
    """The frames at both ends."""
    before, after = transition.before, transition.after
    feedback = before.feedback
    return FramePair(before.observation, after.observation, feedback.episode, feedback.step, transition.arm)


Drawn = list[tuple[Replay, Slots]]
"""Transitions drawn from each replay."""


def frames_at(drawn: Drawn, after: bool, device: torch.device) -> Frames:
    """What the cameras saw at one end of the transitions that were drawn."""
    ends = np.cumsum([len(slots) for _, slots in drawn])

    def seen(camera: CameraSpec) -> Tensor:
        frames = torch.empty(int(ends[-1]), camera.height, camera.width, 3, dtype=torch.uint8)
        for (part, slots), end in zip(drawn, ends, strict=True):
            part.frames(slots, camera.name, after, out=frames.numpy()[end - len(slots) : end])
        return frames.to(device)

    return {camera.name: seen(camera) for camera in drawn[0][0].cameras}


def frames_at_both_ends(drawn: Drawn, device: torch.device) -> tuple[Frames, Frames]:
    """What they saw before and after."""
    return frames_at(drawn, False, device), frames_at(drawn, True, device)


class MixedMemory:
    """Two replays, a person's steps and the policy's own, and batches that take half from each.

    Source: Ball et al., RLPD (2023), "symmetric sampling".
    """

    def __init__(
        self, spec: TaskSpec, capacity: int, reward: Reward, prior: Selection, online: Selection | None = None
    ) -> None:
        """Reserve both replays.

        Args:
            spec: names, bounds and cameras.
            capacity: transitions in each.
            reward: label of a transition.
            prior: which transitions belong to the person's half.
            online: which belong to the policy's half; None: all others.
        """
        self._spec = spec
        self._reward = reward
        self._belongs = {"prior": prior, "online": online or others_than(prior)}
        columns = transition_columns(spec)
        self.layout = Layout(columns)
        self.parts: Mapping[str, Replay] = {
            "prior": Replay(columns, capacity, spec.cameras),
            "online": Replay(columns, capacity, spec.cameras),
        }

    def add(self, transition: Transition) -> None:
        """Label a transition and keep it where it belongs: in one half, in both or in none."""
        values = transition_values(self._spec, transition, self._reward(transition))
        self._keep(transition, values, frame_pair(transition) if self._spec.cameras else None)

    def _keep(self, transition: Transition, values: Mapping[str, FloatArray | float], frames: FramePair | None) -> None:
        for half, part in self.parts.items():
            if self._belongs[half](transition):
                part.add(values, frames)

    def __len__(self) -> int:
        """Transitions in both halves."""
        return sum(len(part) for part in self.parts.values())

    def sample(self, out: FloatArray, rng: np.random.Generator) -> Drawn:
        """Fill float32 (count, width) with rows: the first half from the person's, the second from the policy's own.

        While one of them is empty all rows come from the other.

        Returns:
            which they are.
        """
        drawn = []
        filled = [part for part in self.parts.values() if len(part)]
        share = len(out) // len(filled)
        for index, part in enumerate(filled):
            rows = out[index * share : len(out) if index == len(filled) - 1 else (index + 1) * share]
            slots = part.draw(len(rows), rng)
            part.rows(slots, out=rows)
            drawn.append((part, slots))
        return drawn

    def snapshot(self) -> dict[str, Part]:
        """Each half in its own folder."""
        parts: dict[str, Part] = {}
        for half, replay in self.parts.items():
            parts |= below(half, replay.snapshot())
        return parts

    def restore(self, directory: Path) -> None:
        """Read what :meth:`snapshot` described.

        Raises:
            CheckpointError: missing or damaged files.
        """
        for name, part in self.parts.items():
            part.restore(directory / name)
