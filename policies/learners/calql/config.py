"""Options of Cal-QL."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.policies.learners.sac.config import SacConfig


@dataclass(frozen=True)
class CalqlConfig(SacConfig):
    """Conservative Q-learning with calibrated values."""

    entropy_backup: bool = option(False, "the target counts the entropy of the next action; not with max_backup")
    calibrate: str = option(
        "always",
        "when the values of the policy's actions are held at the return or above: always; only while offline, or only "
        "once online; never (CQL)",
        choices=("always", "offline", "online", "never"),
    )
    cql_weight: float = option(5.0, "weight of the conservative penalty while offline", low=0.0)
    cql_weight_online: float = option(5.0, "its weight once the robot has lived through an episode of its own", low=0.0)
    lagrange_gap: float = option(
        0.0, "above 0: the penalty that its weight, which then adapts, aims at; 0: the weight is fixed", low=0.0
    )
    cql_temperature: float = option(1.0, "temperature of the soft maximum over actions", low=1e-6)
    sampled_actions: int = option(10, "actions drawn of each kind at each state", low=1)
    importance_sampling: bool = option(
        True, "weight each action by its density; otherwise the data's action joins the soft maximum"
    )
    max_backup: bool = option(True, "the target takes the best of sampled_actions; otherwise one sampled action")
