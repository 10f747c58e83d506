"""What a learner from offline data keeps: ended episodes with their returns, those given apart from those lived."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np

from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.replay import Layout, Replay
from vlmrl_ros.core.snapshot import Part, below, json_part
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.core.step_rows import ends, read_steps_part, steps_part
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners.episodic.config import EpisodicConfig
from vlmrl_ros.policies.learners.episodic.returns import returns_to_go, scaled_rewards
from vlmrl_ros.policies.learners.labels import known_before
from vlmrl_ros.policies.learners.memory import Drawn, frame_pair, transition_columns, transition_values

_OPEN = "open_episodes.json"


class EpisodicMemory:
    """Two replays, of what was known before the robot acted and of what it has lived, and batches that mix them.

    The return of a step is known when its episode has ended. Until then its transitions wait and are not drawn.
    """

    def __init__(self, spec: TaskSpec, config: EpisodicConfig) -> None:
        """Reserve both replays."""
        self._spec = spec
        self._config = config
        columns = {**transition_columns(spec), "return_to_go": 1}
        self.layout = Layout(columns)
        self.parts: Mapping[str, Replay] = {
            name: Replay(columns, config.capacity, spec.cameras) for name in ("offline", "online")
        }
        self._open: dict[int, list[Transition]] = {}
        """Consecutive transitions of the episode that each arm is in."""

    def add(self, transition: Transition) -> None:
        """Hold a transition until its episode ends; where a step is missing, what came before counts as truncated."""
        for arm, held in list(self._open.items()):
            # what was lived before the run comes one stream after the other
            other_stream = arm < 0 and arm != transition.arm
            gap = arm == transition.arm and held[-1].after.stamp_ns != transition.before.stamp_ns
            if other_stream or gap:
                self._settle(self._open.pop(arm))
        held = self._open.setdefault(transition.arm, [])
        held.append(transition)
        if transition.after.feedback.last:
            self._settle(self._open.pop(transition.arm))

    def __len__(self) -> int:
        """Transitions that can be drawn, of both kinds."""
        return sum(len(part) for part in self.parts.values())

    @property
    def online(self) -> bool:
        """The robot has lived through an episode of its own."""
        return len(self.parts["online"]) > 0

    def sample(self, out: FloatArray, rng: np.random.Generator) -> Drawn:
        """Fill float32 (count, width) with rows: first those known before, in their share, then those lived.

        While one of them is empty all rows come from the other.

        Returns:
            which they are.
        """
        share = round(self._config.offline_share * len(out))
        counts = {"offline": share, "online": len(out) - share}
        filled = [name for name, part in self.parts.items() if len(part)]
        if len(filled) == 1:
            counts = {filled[0]: len(out)}
        drawn, begin = [], 0
        for name, count in counts.items():
            part = self.parts[name]
            slots = part.draw(count, rng)
            part.rows(slots, out=out[begin : begin + count])
            drawn.append((part, slots))
            begin += count
        return drawn

    def snapshot(self) -> dict[str, Part]:
        """Each replay in its own folder, and the steps of the episodes that have not ended."""
        parts: dict[str, Part] = {}
        for name, replay in self.parts.items():
            parts |= below(name, replay.snapshot())
        shown = {str(arm): [item.demonstration for item in held] for arm, held in sorted(self._open.items())}
        for arm, held in self._open.items():
            parts[_open_file(arm)] = steps_part(ends(held))
        return {**parts, _OPEN: json_part(shown)}

    def restore(self, directory: Path) -> None:
        """Read what :meth:`snapshot` described.

        Raises:
            CheckpointError: missing or damaged files.
        """
        try:
            shown = json.loads((directory / _OPEN).read_text())
            held = {int(arm): _read_open(directory, int(arm), flags) for arm, flags in shown.items()}
        except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"no usable open episodes in {directory}: {error}") from error
        for name, part in self.parts.items():
            part.restore(directory / name)
        self._open = held

    def _settle(self, episode: list[Transition]) -> None:
        """Keep the transitions of an episode with their rewards and returns."""
        rewards, returns = scaled_rewards(episode, self._config), returns_to_go(episode, self._config)
        for transition, reward, ahead in zip(episode, rewards, returns, strict=True):
            values = {**transition_values(self._spec, transition, float(reward)), "return_to_go": float(ahead)}
            part = self.parts["offline" if known_before(transition) else "online"]
            part.add(values, frame_pair(transition) if self._spec.cameras else None)


def _open_file(arm: int) -> str:
    return f"open_episode_{arm}.npy"


def _read_open(directory: Path, arm: int, shown: list[bool]) -> list[Transition]:
    steps = read_steps_part(directory / _open_file(arm))
    return [
        Transition(before, after, bool(demonstration), arm)
        for (before, after), demonstration in zip(pairwise(steps), shown, strict=True)
    ]
