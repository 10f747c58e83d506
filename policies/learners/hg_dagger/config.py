"""Options of HG-DAgger."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.bc.config import BcConfig


@dataclass(frozen=True)
class HgDaggerConfig(BcConfig):
    """As behaviour cloning: the methods differ in the steps they clone."""

    cloned: str = option(
        "person",
        "person: what a person did; all: the policy's own steps too, as the code released with RLIF does",
        choices=("person", "all"),
    )
