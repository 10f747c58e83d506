"""The plug-in ``lm_mc``."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.text_episode import TextEpisode
from vlmrl_ros.core.text_spec import TextSpec
from vlmrl_ros.policies.language.losses import conservative_loss, monte_carlo_loss
from vlmrl_ros.policies.learners.language.config import ValueConfig
from vlmrl_ros.policies.learners.language.learner import Metrics
from vlmrl_ros.policies.learners.language.values import ValueLearner


class LmMc(ValueLearner):
    """One Q head, which learns what came of each token that was said."""

    def _begin(self) -> None:
        super()._begin()
        self._expect_returns()

    def _value_step(self) -> Metrics:
        critic, batch = self.critic.module, self._drawn()
        values = batch.spread(critic.least(batch.chosen(critic.trunk)))
        q = monte_carlo_loss(values, batch.token, batch.to_go, batch.weight)
        conservative = conservative_loss([values], batch.token, batch.weight)
        norm = self.critic.descend(q + self._values.cql_weight * conservative, self._rate)
        return {"q_loss": q.detach(), "conservative_loss": conservative.detach(), "gradient_norm": norm}


class Builder:
    """Entry point of the learner plug-in ``lm_mc``."""

    config_type = ValueConfig
    experience = TextEpisode

    @staticmethod
    def build(spec: TextSpec, config: ValueConfig, rng: np.random.Generator) -> LmMc:
        """Learn returns of the data."""
        return LmMc("lm_mc", spec, config, rng, heads=1, state=False)
