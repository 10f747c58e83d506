"""The plug-in ``greedy``."""

from __future__ import annotations

from vlmrl_ros.policies.learners.bandit.builder import RuleBuilder
from vlmrl_ros.policies.learners.bandit.rules import greedy


class Builder(RuleBuilder):
    """Entry point of the learner plug-in ``greedy``: the arm with the best mean return."""

    name = "greedy"
    rule = staticmethod(greedy)
