"""The protocols that plug-ins fulfil: task, operator, policy, learner, curriculum, device.

See ``docs/architecture.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.episode_plan import EpisodePlan
from vlmrl_ros.core.snapshot import Snapshot
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.core.types import Observation

if TYPE_CHECKING:
    import dm_env

E = TypeVar("E", contravariant=True)
Variables = Mapping[str, npt.NDArray[Any]]
"""Network weights by name, as they travel in safetensors."""


class Task(Protocol):
    """A simulated task. Entry point: ``build(config: Mapping[str, Any]) -> Task`` (group ``vlmrl_ros.tasks``)."""

    spec: TaskSpec
    options: Mapping[str, Any]
    """Every option in force, by name."""

    def reset(self, rng: np.random.Generator) -> dm_env.TimeStep:
        """Begin an episode.

        ``observation`` as :data:`Observation`. All randomness of the episode comes from ``rng``.
        """

    def step(self, action: FloatArray) -> dm_env.TimeStep:
        """Apply float32 (A,) in the units of ``spec.action`` for ``spec.control_dt_s``.

        LAST with discount 0 is a termination, LAST with discount 1 a truncation (dm_env's convention).
        """

    @property
    def success(self) -> bool:
        """The task counts as done in this episode."""

    def scene(self) -> dict[str, float]:
        """What a person sees and the policy may not: true poses and forces, SI units, by name."""

    def joints(self) -> dict[str, float]:
        """Joint positions by name, rad or m, for ``joint_states``; empty where the task has none."""

    def tip(self) -> FloatArray | None:
        """Position of the tip, float32 (3,), m, in base_link, for the workspace limits; None where there is none."""

    def render(self, camera: str, height: int, width: int) -> npt.NDArray[np.uint8]:
        """A frame, uint8 (height, width, 3) RGB, for people (videos, pages).

        Raises:
            RenderError: no OpenGL backend.
        """

    def close(self) -> None:
        """Free renderers and windows."""


class ContextualTask(Task, Protocol):
    """A task whose ``spec.context`` a curriculum may change. Without :meth:`set_context` it is the full task."""

    def set_context(self, value: float, extra_steps: int = 0) -> None:
        """Say what the next episodes are about.

        Args:
            value: in the unit of ``spec.context``.
            extra_steps: control steps that they last beyond ``spec.horizon``.

        Raises:
            RangeError: beyond the range of ``spec.context``.
        """


@dataclass(frozen=True)
class Glance:
    """What a person has noticed at one step.

    Attributes:
        scene: see :meth:`Task.scene`.
        step: within the episode.
        last: the episode ends here.
        success: the task is done.
        intervening: the person holds control now (their hand was on the joystick in the step that led here).
        wrong: they judge the policy's action wrong; only known where a reference says what is good.
        said: the words that the policy has just begun to carry out; empty where it has said nothing new, or is not
            listened to.
    """

    scene: Mapping[str, float]
    step: int
    last: bool
    success: bool
    intervening: bool
    wrong: bool = False
    said: str = ""


@dataclass(frozen=True)
class Intent:
    """What a person wants at one step.

    Attributes:
        takeover: hold control.
        action: where to move, float32 (A,), units of the spec.
        advises: without holding control they say what they would do: the expert's label of DAgger.
    """

    takeover: bool
    action: FloatArray
    advises: bool = False


class Operator(Protocol):
    """A scripted person. Entry point: ``build(spec, config: Mapping) -> Operator`` (group ``vlmrl_ros.operators``)."""

    options: Mapping[str, Any]
    """Every option in force, by name."""

    def reset(self, rng: np.random.Generator, demonstrate: bool) -> None:
        """Begin an episode. With ``demonstrate`` the person drives from the first step to the last."""

    def intent(self, glance: Glance) -> Intent:
        """Decide at one step, the last one of the episode included."""


class Policy(Protocol):
    """Acts. Entry point: ``build(spec, config: Mapping) -> Policy`` (group ``vlmrl_ros.policies``)."""

    options: Mapping[str, Any]
    """Every option in force, by name."""

    def act(self, observation: Observation, rng: np.random.Generator) -> tuple[FloatArray, Mapping[str, Any]]:
        """One action, float32 (A,) within the bounds of the spec, and information.

        That may hold ``thought``, and ``ends`` where the episode is to end.
        """

    def reset(self) -> None:
        """An episode begins: what it does no longer depends on the one before."""

    def load(self, variables: Variables) -> None:
        """Take new weights.

        Raises:
            CheckpointError: they do not fit the spec; the old weights stay in force.
        """


class Encoder(Protocol):
    """Sees: a torch module. Entry point: ``build(height, width, config: Mapping, generator) -> Encoder``.

    ``height`` and ``width`` of the frames in pixels; ``generator`` draws the weights (group ``vlmrl_ros.encoders``).
    """

    options: Mapping[str, Any]
    """Every option in force, by name."""

    tokens: int
    width: int

    def encode(self, image: Any) -> Any:
        """Frames, uint8 tensor (B, H, W, 3), RGB, to float32 tensor (B, ``tokens``, ``width``).

        Raises:
            ShapeError: frames of another size than the encoder was built for.
        """


class Learner(Protocol[E]):
    """Learns from experience ``E``. Made by the ``Builder`` of its plug-in (group ``vlmrl_ros.learners``)."""

    samples_per_update: int
    """Items drawn by one :meth:`update`; with the samples-per-insert limit it sets the pace."""

    evaluation_options: Mapping[str, Any]
    """Options of the policy plug-in with which its weights act alone, for example without exploration."""

    def add(self, item: E) -> None:
        """Keep one item of experience."""

    @property
    def ready(self) -> bool:
        """There is enough data for :meth:`update`."""

    def update(self) -> Mapping[str, float]:
        """One round of gradient steps; returns metrics by name."""

    def variables(self) -> Variables:
        """The policy's weights, fit for ``Policy.load``; of outcomes a ``mixture`` over the candidates."""

    def snapshot(self) -> Snapshot:
        """The whole state (networks, optimisers, temperature, counters, replay) as parts of a checkpoint."""

    def restore(self, directory: Path) -> None:
        """Read the files of a :meth:`snapshot`.

        Raises:
            CheckpointError: missing or damaged files.
        """


class Builder(Protocol):
    """Entry point of a learner plug-in: the class itself is registered."""

    config_type: type[Any]
    """Frozen dataclass of the learner's options.

    Where it learns from transitions, it has ``samples_per_insert`` and ``policy`` (name of the policy plug-in).
    """

    experience: type[Any]
    """What it learns from: ``Transition``; ``Outcome`` of a whole policy; of text tasks ``TextEpisode`` or ``Turn``."""

    @staticmethod
    def build(spec: Any, config: Any, rng: np.random.Generator) -> Learner[Any]:
        """Make the learner.

        Args:
            spec: ``TaskSpec`` of transitions, ``Candidates`` of outcomes, ``TextSpec`` of episodes of text,
                ``TextTaskSpec`` of turns.
            config: an instance of ``config_type``.
            rng: all randomness comes from it.
        """


class Curriculum(Protocol):
    """Which context comes next, and how its episodes begin.

    Entry point: ``build(spec, config: Mapping) -> Curriculum`` (group ``vlmrl_ros.curricula``).
    """

    options: Mapping[str, Any]
    """Every option in force, by name; ``beta``, ``discount`` and ``window`` are among them."""

    contexts: tuple[float, ...]
    """Of the stages, from easy to full."""

    stage: int
    """Number of the stage, from 0."""

    @property
    def solved(self) -> float:
        """Share of the stages that were solved, 0 to 1."""

    def plan(self, rng: np.random.Generator) -> EpisodePlan:
        """The next episode; all its randomness comes from ``rng``."""

    def record(self, success: float) -> bool:
        """Take the success, 0 to 1, of a plain episode of this stage; True when another stage begins with it."""

    def state(self) -> Mapping[str, Any]:
        """All that changes, fit for JSON."""

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from a :meth:`state`.

        Raises:
            ValueError, KeyError, TypeError: it is none of this curriculum.
        """


@dataclass(frozen=True)
class JoyState:
    """One reading of a device, as ``sensor_msgs/Joy``: axes float32 (N,) in [-1, 1], buttons int32 (M,) 0 or 1."""

    axes: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    buttons: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))


class Device(Protocol):
    """An input device. Entry point: ``build(config: Mapping) -> Device`` (group ``vlmrl_ros.devices``)."""

    def read(self) -> JoyState:
        """The newest state; never blocks.

        Raises:
            DeviceError: the device is gone.
        """

    def close(self) -> None:
        """Release the device."""
