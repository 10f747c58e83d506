"""Options of the command ``vlm_train``, and what a run of it is to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vlmrl_ros.core import registry
from vlmrl_ros.core.config import from_mapping, option, options, to_mapping
from vlmrl_ros.core.errors import ConfigError, UnknownNameError
from vlmrl_ros.core.text import TextTask
from vlmrl_ros.nodes.plan import MAY_DIFFER
from vlmrl_ros.policies.vlm.config import NONE

if TYPE_CHECKING:
    from vlmrl_ros.policies.vlm.tiny import TinyConfig

LEARNERS = ("vlm_ppo", "vlm_gigpo", "vlm_sft")
"""``vlm_kto`` is none of them: it learns from takeovers, and nobody takes over here."""


@dataclass(frozen=True)
class VlmTrainConfig:
    """Options of ``vlm_train``."""

    learner: str = option("vlm_ppo", "learner plug-in", choices=LEARNERS)
    updates: int = option(20, "updates, after which the run ends", low=1, high=10**6)
    num_envs: int = option(16, "tasks that are played at once", low=1, high=1024)
    seed: int = option(0, "of everything random", low=0, high=10**5)
    max_new_tokens: int = option(96, "longest answer", low=1, high=4096)
    checkpoint_every: int = option(10, "updates between two checkpoints", low=1, high=10**6)
    keep_checkpoints: int = option(3, "newest checkpoints that are kept", low=1, high=10**6)
    eval_episodes: int = option(
        100, "fresh episodes at the end, greedy and as many sampled; 0: none", low=0, high=1_000_000
    )
    resume: bool = option(False, "go on with the run in the directory, which was stopped or killed")


@dataclass(frozen=True)
class TurnPlan:
    """What a run is to do.

    Attributes:
        task: its name.
        make: makes one.
        config: of the command.
        learner: options of the plug-in, an instance of its ``config_type``.
        tiny: size of the model ``tiny``.
    """

    task: str
    make: Callable[[], TextTask]
    config: VlmTrainConfig
    learner: Any
    tiny: TinyConfig

    def identity(self) -> dict[str, Any]:
        """What makes it this run and no other."""
        name = self.config.learner
        own = {f"{name}.{key}": value for key, value in to_mapping(self.learner).items() if key not in MAY_DIFFER}
        tiny = {f"tiny.{key}": value for key, value in to_mapping(self.tiny).items()}
        about = {"task": self.task, "learner": name, "seed": self.config.seed, "num_arms": 1}
        return {**about, "options": {**own, **tiny}, "task_spec": {"task": self.task}}

    def settings(self) -> dict[str, Any]:
        """Every value in force, for ``config.yaml``."""
        own = {self.config.learner: to_mapping(self.learner), "tiny": to_mapping(self.tiny)}
        return {"vlm_train": {"task": self.task, **to_mapping(self.config), **own}}

    @property
    def alike(self) -> int:
        """Episodes that begin alike, one after the other: a group of ``vlm_gigpo``."""
        return int(getattr(self.learner, "group_size", 1))

    @property
    def temperature(self) -> float:
        """At which answers are drawn; that of who only imitates is the default of the others."""
        return float(getattr(self.learner, "temperature", 0.7))


def learner_options(config: VlmTrainConfig, given: Mapping[str, Any]) -> Any:
    """Options of the learner as they are here: rewards are the task's, and rates fall to the end, which is known.

    Raises:
        VlmrlError: an unknown option, a bad value, or one that means nothing here.
    """
    kind = registry.load("learners", config.learner).config_type
    known = {name: row for name, row in options(kind).items() if name != "policy"}
    for name in given:
        if name not in known:
            raise UnknownNameError(f"option of {config.learner}", name, known)
    if given.get("reward", "task") != "task":
        raise ConfigError(f"reward is '{given['reward']}', and nobody takes over here; valid: task")
    if given.get("quantisation", NONE) != NONE:
        raise ConfigError(f"quantisation is '{given['quantisation']}', and the model is written whole; valid: {NONE}")
    if "steps_per_update" in known:
        made = from_mapping(kind, given, config.learner)
        return made if "steps" in given else dataclasses.replace(made, steps=config.updates * made.steps_per_update)
    from vlmrl_ros.policies.vlm.surrogate import UtteranceConfig  # loads torch

    ends = {"updates": config.updates, "last_rate": UtteranceConfig.last_rate}
    return from_mapping(kind, {**ends, **given, "reward": "task"}, config.learner)
