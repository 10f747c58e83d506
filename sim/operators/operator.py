"""A scripted person: sees the scene, takes over when the policy goes wrong, drives imperfectly, gives back.

Every task's operator is this class with two functions of its own: what the scene costs, and where to drive.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vlmrl_ros.core.config import option, to_mapping
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.interfaces import Glance, Intent
from vlmrl_ros.core.spec import FloatArray, TaskSpec
from vlmrl_ros.sim.operators.trigger import StallWindow

Scene = Mapping[str, float]
Array = npt.NDArray[np.float64]


def tip_offset(scene: Scene) -> Array:
    """From where the hand should be to where it is, float64 (3,), m."""
    return np.array([scene["tip_x"], scene["tip_y"], scene["tip_z"]])


@dataclass(frozen=True)
class OperatorConfig:
    """Options of every scripted operator. A fixed bias of the aim defeats cloning; zero-mean error averages out."""

    trigger: str = option(
        "progress",
        "progress: when the policy stalls or is in danger; random: at a rate, until success; never; judged: when its "
        "action is judged wrong; blind: at the rate, also after success, so that takeovers say nothing at all; heard: "
        "when it says what is wrong, in words (tabletop, vlm.words: skills)",
        choices=("progress", "random", "never", "judged", "blind", "heard"),
    )
    attention: float = option(
        1.0, "share of what is said wrong that they notice, with trigger heard", unit="1", low=0.0, high=1.0
    )
    takeover_rate: float = option(
        0.1, "chance of a takeover at a policy step, with trigger random or blind", unit="1", low=0.0, high=1.0
    )
    reaction_steps: int = option(
        0,
        "control steps from the decision to take over until the hand has taken hold; the policy acts meanwhile",
        low=0,
        high=100,
    )
    advises: bool = option(False, "say at every step what they would do, also while the policy acts, as DAgger needs")
    hold_steps: int = option(6, "control steps of a takeover", low=1)
    patience_steps: int = option(5, "policy steps without progress before a takeover", low=1)
    progress_mm: float = option(2.0, "what counts as progress over the patience window", unit="mm", low=0.0)
    force_limit_n: float = option(40.0, "wrist force at which the person takes over at once", unit="N", low=0.0)
    gain_per_s: float = option(8.0, "proportional gain of the person's control", unit="1/s", low=0.0)
    action_noise: float = option(
        0.2, "standard deviation of the person's action, as a share of its bound", unit="1", low=0.0
    )
    aim_noise_mm: float = option(
        1.5, "standard deviation of the aim, drawn per episode on each axis", unit="mm", low=0.0
    )


class ScriptedOperator(ABC):
    """The person behind the protocol :class:`~vlmrl_ros.core.interfaces.Operator`. Acts on the scene alone."""

    def __init__(self, spec: TaskSpec, config: OperatorConfig, bias_mm: tuple[float, float, float]) -> None:
        """Get to know the task and the person.

        Args:
            spec: of the task, for the bounds of the action.
            config: the habits of the person.
            bias_mm: fixed error of their aim on each axis, mm.

        Raises:
            ConfigError: they are to listen, and do not know what is right to say in this task.
        """
        if config.trigger == "heard" and type(self).objects is ScriptedOperator.objects:
            raise ConfigError(
                f"operator.trigger is 'heard', which goes with words; task '{spec.task}' has none for them"
            )
        self._bias_mm = np.array(bias_mm)
        self._spec = spec
        self._config = config
        self.options = to_mapping(config)
        self._window = StallWindow(config.patience_steps, config.progress_mm / 1000)
        self.reset(np.random.default_rng(0), demonstrate=False)

    def reset(self, rng: np.random.Generator, demonstrate: bool) -> None:
        """Begin an episode with a new aim; all randomness of the episode comes from ``rng``."""
        self._rng = rng
        self._demonstrate = demonstrate
        self._hold = 0
        self._until_hold: int | None = None
        self._window.clear()
        self._aim = (self._bias_mm + self._config.aim_noise_mm * rng.normal(size=3)) / 1000

    def intent(self, glance: Glance) -> Intent:
        """Decide whether to hold control, and where to drive. Only the blind take control after success."""
        takeover = self._demonstrate or self._wants_control(glance)
        if not (takeover or self._config.advises):
            return Intent(False, np.zeros(self._spec.action.size, np.float32))
        return Intent(takeover, self._drive(glance.scene), advises=not takeover)

    @abstractmethod
    def cost(self, scene: Scene) -> float:
        """How far the task is from done, m; the person expects it to fall."""

    @abstractmethod
    def in_danger(self, scene: Scene) -> bool:
        """The arm is far from where it should be."""

    @abstractmethod
    def wish(self, scene: Scene, aim: Array) -> Array:
        """The action without noise, float64 (A,), in the units of the spec, unclipped.

        Args:
            scene: what the person sees.
            aim: float64 (3,), by how much the person misjudges the goal in this episode, m.
        """

    def objects(self, scene: Scene, said: str) -> bool:
        """Whether it is wrong to say this here; for operators who know words."""
        raise NotImplementedError

    def _wants_control(self, glance: Glance) -> bool:
        if glance.success and self._config.trigger != "blind":
            self._hold, self._until_hold = 0, None
            return False
        if self._hold > 0:
            self._hold -= 1
            return True
        if glance.intervening:
            self._window.clear()
        self._window.add(self.cost(glance.scene))
        if self._until_hold is None and self._is_triggered(glance):
            self._until_hold = self._config.reaction_steps
        return self._takes_hold()

    def _takes_hold(self) -> bool:
        """The hand takes hold so many steps after the decision; what happens meanwhile does not change a mind."""
        if self._until_hold is None:
            return False
        if self._until_hold > 0:
            self._until_hold -= 1
            return False
        self._hold, self._until_hold = self._config.hold_steps - 1, None
        return True

    def _is_triggered(self, glance: Glance) -> bool:
        if self._config.trigger in ("random", "blind"):
            return bool(self._rng.random() < self._config.takeover_rate)
        if self._config.trigger == "never":
            return False
        if self._config.trigger == "judged":
            return glance.wrong
        if self._config.trigger == "heard":
            attends = bool(glance.said) and self._rng.random() < self._config.attention
            return attends and self.objects(glance.scene, glance.said)
        scene = glance.scene
        return scene["force"] > self._config.force_limit_n or self.in_danger(scene) or self._window.stalled

    def _drive(self, scene: Scene) -> FloatArray:
        bounds = self._spec.action
        noise = self._config.action_noise * bounds.high * self._rng.normal(size=bounds.size)
        return np.clip(self.wish(scene, self._aim) + noise, bounds.low, bounds.high).astype(np.float32)

    def _towards(self, error_m: Array) -> Array:
        """Velocity that closes an error (3,), limited to the bounds before noise is added, m/s."""
        most = self._spec.action.high[:3]
        return np.asarray(np.clip(self._config.gain_per_s * error_m, -most, most), np.float64)
