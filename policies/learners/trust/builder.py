"""The plug-in ``trust``."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.types import Candidates, Outcome
from vlmrl_ros.policies.learners.bandit.evidence import Evidence
from vlmrl_ros.policies.learners.bandit.learner import BanditLearner
from vlmrl_ros.policies.learners.bandit.selection import Selection
from vlmrl_ros.policies.learners.trust.config import TrustConfig
from vlmrl_ros.policies.learners.trust.learning import check_draws, trust


class Builder:
    """Entry point of the learner plug-in ``trust``."""

    config_type = TrustConfig
    experience = Outcome

    @staticmethod
    def build(spec: Candidates, config: TrustConfig, rng: np.random.Generator) -> BanditLearner:
        """A mixture that is certainly better than the best known one.

        Every update draws the same noise, so that what is decided depends on the outcomes and the seed alone.

        Raises:
            ConfigError: as :class:`BanditLearner`; or too few draws for delta and the number of radii.
        """
        seed = int(rng.integers(2**62))

        def rule(evidence: Evidence) -> Selection:
            return trust(evidence, config, np.random.default_rng(seed))

        learner = BanditLearner("trust", spec, config, rule)
        check_draws(config)
        return learner
