"""The plug-in ``uniform``."""

from __future__ import annotations

from vlmrl_ros.policies.learners.bandit.builder import RuleBuilder
from vlmrl_ros.policies.learners.bandit.rules import uniform


class Builder(RuleBuilder):
    """Entry point of the learner plug-in ``uniform``: every arm alike."""

    name = "uniform"
    rule = staticmethod(uniform)
