"""Options of CQL."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.calql.config import CalqlConfig


@dataclass(frozen=True)
class CqlConfig(CalqlConfig):
    """Cal-QL without its calibration: the methods differ in nothing else."""

    calibrate: str = option(
        "never",
        "when the values of the policy's actions are held at the return or above: never; the others are Cal-QL",
        choices=("always", "offline", "online", "never"),
    )
