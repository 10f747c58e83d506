"""The plug-in ``lcb``."""

from __future__ import annotations

from vlmrl_ros.policies.learners.bandit.builder import RuleBuilder
from vlmrl_ros.policies.learners.bandit.rules import lcb


class Builder(RuleBuilder):
    """Entry point of the learner plug-in ``lcb``: the arm with the best lower confidence bound."""

    name = "lcb"
    rule = staticmethod(lcb)
