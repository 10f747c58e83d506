"""Options of DAgger."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.policies.learners.bc.config import BcConfig


@dataclass(frozen=True)
class DaggerConfig(BcConfig):
    """As behaviour cloning: the methods differ in the steps they clone."""
