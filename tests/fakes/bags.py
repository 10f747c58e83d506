"""Bags written by hand: the steps of ``fakes.steps`` as the recorder would have put them on the disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from vlmrl_ros.bridge.bags.beside import BESIDE
from vlmrl_ros.bridge.bags.compose import Recorded, describe_step_topics, spec_message, step_messages
from vlmrl_ros.bridge.bags.definitions import describe
from vlmrl_ros.bridge.bags.layout import episode_folder
from vlmrl_ros.bridge.bags.raw import RawStep
from vlmrl_ros.bridge.bags.writer import BagWriter
from vlmrl_ros.core.spec import CameraSpec, TaskSpec, VectorSpec
from vlmrl_ros.core.types import Step

OBSERVATION = VectorSpec(("episode", "step", "half"), ("1",) * 3, np.zeros(3), np.full(3, 100.0))
ACTION = VectorSpec(("a", "b"), ("m/s",) * 2, np.full(2, -20.0), np.full(2, 20.0))
SPEC = TaskSpec("toy", OBSERVATION, ACTION, (), 0.1, 10)
SEEING = replace(SPEC, cameras=(CameraSpec("wrist", 6, 8),))
TOPICS = describe_step_topics(SEEING)


def with_frames(steps: Iterable[Step], spec: TaskSpec = SEEING) -> list[Step]:
    """The steps with a frame of noise from each camera, another one at each step."""
    seen = []
    for step in steps:
        rng = np.random.default_rng(step.stamp_ns)
        frames = {c.name: rng.integers(0, 256, (c.height, c.width, 3), np.uint8) for c in spec.cameras}
        seen.append(replace(step, observation={**step.observation, **frames}))
    return seen


def raw_step(step: Step, spec: TaskSpec = SPEC, namespace: str = "/") -> RawStep:
    """A step as the recorder hands it to its thread."""
    own = step_messages(Recorded(step), spec, namespace)
    return RawStep(step.stamp_ns, step.feedback, tuple(own), (spec_message(spec, step.stamp_ns, namespace),))


def raw_steps(steps: Iterable[Step], spec: TaskSpec = SPEC, namespace: str = "/") -> list[RawStep]:
    """See :func:`raw_step`. The padding in CDR bytes is arbitrary, so equal steps differ when they are made twice."""
    return [raw_step(step, spec, namespace) for step in steps]


def write_bag(
    directory: Path,
    steps: Iterable[Step | RawStep],
    spec: TaskSpec = SPEC,
    *,
    namespace: str = "/",
    closed: bool = True,
) -> Path:
    """Write one episode; returns its folder."""
    raws = [step if isinstance(step, RawStep) else raw_step(step, spec, namespace) for step in steps]
    bag = BagWriter(episode_folder(directory, raws[0].feedback.episode))
    beside = {f"{namespace}{name}": describe(f"{namespace}{name}", *about) for name, about in BESIDE.items()}
    topics = {**describe_step_topics(spec, namespace), **beside}
    for raw in raws:
        bag.write([*(() if bag.messages else raw.heads), *raw.messages], topics)
    if closed:
        bag.close()
    else:
        bag.abandon()
    return bag.folder


def same(one: Step, other: Step) -> bool:
    """All of two steps is equal, byte for byte and dtype for dtype."""
    arrays = [
        (s.policy_action, s.command, s.executed, *(s.observation[k] for k in sorted(s.observation)))
        for s in (one, other)
    ]
    equal = all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(*arrays, strict=True))
    rest = [(s.stamp_ns, s.feedback, s.intervention, s.observation.keys()) for s in (one, other)]
    return equal and rest[0] == rest[1]
