"""The shell of a learner that chooses among whole policies: it keeps the outcomes and asks its rule."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vlmrl_ros.core.errors import CheckpointError, ConfigError, NonFiniteError, RangeError
from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.core.snapshot import Part, json_part
from vlmrl_ros.core.types import Candidates, Outcome
from vlmrl_ros.policies.learners.bandit.config import BanditConfig
from vlmrl_ros.policies.learners.bandit.evidence import Evidence, check_delta, evidence_of
from vlmrl_ros.policies.learners.bandit.selection import Selection

Rule = Callable[[Evidence], Selection]
_STATE = "outcomes.json"


class BanditLearner:
    """Learns from outcomes; its variables are a mixture over the candidates.

    Attributes:
        samples_per_update: 1: all outcomes are read in every update.
        evaluation_options: none.
        selection: of the newest update; None before the first.
    """

    samples_per_update = 1
    evaluation_options: Mapping[str, Any] = {}

    def __init__(self, name: str, candidates: Candidates, config: BanditConfig, rule: Rule) -> None:
        """Begin with no outcome.

        Args:
            name: of the plug-in; its checkpoints carry it.
            candidates: the arms.
            config: options.
            rule: decides.

        Raises:
            ConfigError: these are no candidates but a task; or a sigma or delta out of range.
        """
        if not isinstance(candidates, Candidates):
            raise ConfigError(
                f"learner '{name}' chooses among whole policies by their outcomes; it cannot learn the task"
                f" '{getattr(candidates, 'task', candidates)}' from steps"
            )
        arms = len(candidates.names)
        self._name, self._candidates, self._rule = name, candidates, rule
        self._sigma = np.asarray(config.sigma, np.float64)
        self._returns: list[list[float]] = [[] for _ in range(arms)]
        check_delta(config.delta)
        evidence_of(np.zeros(arms), np.ones(arms, np.int64), self._sigma)
        self.selection: Selection | None = None

    def add(self, item: Outcome) -> None:
        """Keep one outcome.

        Raises:
            RangeError: no such arm.
            NonFiniteError: a return that is NaN or infinite.
        """
        if not 0 <= item.arm < len(self._returns):
            raise RangeError(f"outcome of arm {item.arm}; valid: 0 to {len(self._returns) - 1}")
        if not math.isfinite(item.task_return):
            name = self._candidates.names[item.arm]
            raise NonFiniteError(f"return of arm {item.arm} ('{name}') is {item.task_return}; valid: a finite number")
        self._returns[item.arm].append(float(item.task_return))

    @property
    def ready(self) -> bool:
        """Every arm has been tried."""
        return all(self._returns)

    def update(self) -> Mapping[str, float]:
        """Decide on all outcomes so far.

        Raises:
            ConfigError: an arm without trials.
        """
        self.selection = self._rule(self._evidence())
        return {
            "value": self.selection.value,
            "certificate": self.selection.certificate,
            "radius": self.selection.radius,
            "critical_radius": self.selection.critical_radius,
            "arms_in_mixture": float(np.count_nonzero(self.selection.mixture)),
        }

    def variables(self) -> Variables:
        """The mixture, float64 (d,); and the path of the trust region, float64 (J, 3), as in :class:`PathPoint`."""
        if self.selection is None:
            raise ConfigError(f"learner '{self._name}' has decided nothing yet: make an update first")
        path = [(point.radius, point.improvement, point.critical_radius) for point in self.selection.path]
        return {"mixture": self.selection.mixture.copy(), "path": np.array(path, np.float64).reshape(-1, 3)}

    def snapshot(self) -> dict[str, Part]:
        """Every outcome; what is decided follows from them."""
        names = list(self._candidates.names)
        returns = [list(of_arm) for of_arm in self._returns]
        return {_STATE: json_part({"kind": self._name, "names": names, "returns": returns})}

    def restore(self, directory: Path) -> None:
        """Read what :meth:`snapshot` described.

        Raises:
            CheckpointError: missing or damaged, of another learner or of other candidates; nothing changes then.
        """
        try:
            plain = json.loads((directory / _STATE).read_text())
            if (plain["kind"], tuple(plain["names"])) != (self._name, self._candidates.names):
                raise ValueError(f"made by learner '{plain['kind']}' for {len(plain['names'])} candidates or others")
            returns = [[float(value) for value in of_arm] for of_arm in plain["returns"]]
            if len(returns) != len(self._returns) or not all(map(math.isfinite, (v for of in returns for v in of))):
                raise ValueError(f"holds returns of {len(returns)} arms, or one that is not finite")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"no usable checkpoint of learner '{self._name}' in {directory}: {error}") from error
        self._returns, self.selection = returns, None

    def _evidence(self) -> Evidence:
        for arm, of_arm in enumerate(self._returns):
            if not of_arm:
                raise ConfigError(f"arm {arm} ('{self._candidates.names[arm]}') has 0 trials; valid: 1 or more")
        counts = np.array([len(of_arm) for of_arm in self._returns], np.int64)
        return evidence_of(np.array([np.mean(of_arm) for of_arm in self._returns]), counts, self._sigma)
