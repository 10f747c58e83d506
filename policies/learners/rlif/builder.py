"""The RLIF plug-in: RLPD's learner, told only of takeovers."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners.labels import Selection, nobodys, others_than, stored_by_release, takeover_reward
from vlmrl_ros.policies.learners.memory import MixedMemory
from vlmrl_ros.policies.learners.rlif.config import RlifConfig
from vlmrl_ros.policies.learners.rlif.memory import MultiStepMemory
from vlmrl_ros.policies.learners.rlpd.builder import RlpdLearner, prior_of


class Builder:
    """Entry point of the learner plug-in ``rlif``."""

    config_type = RlifConfig
    experience = Transition

    @staticmethod
    def build(spec: TaskSpec, config: RlifConfig, rng: np.random.Generator) -> RlpdLearner:
        """Learn from takeovers. Source: Luo et al., RLIF (ICLR 2024), algorithm 1; the multi-step return is ours.

        A step with which the task itself ends is left out, whatever is stored: after a fall nobody takes over any more,
        so it would be worth the most. One that is cut off goes on in its value.

        Raises:
            ConfigError: multi-step returns over steps that the released code does not store.
        """
        if config.stored == "release" and config.return_steps != 1:
            raise ConfigError(
                "rlif.stored is 'release', which blames the last step alone, and return_steps is "
                f"{config.return_steps}; valid with it: 1"
            )
        if config.stored == "all":
            prior, online = _going_on(prior_of(config)), _going_on(others_than(prior_of(config)))
        else:
            prior, online = nobodys, stored_by_release
        if config.return_steps == 1:
            memory = MixedMemory(spec, config.capacity, takeover_reward, prior, online)
        else:
            memory = MultiStepMemory(
                spec, config.capacity, takeover_reward, prior, online, config.return_steps, config.discount
            )
        return RlpdLearner("rlif", spec, config, memory, rng)


def _going_on(selection: Selection) -> Selection:
    """Of the selection what did not end the task."""
    return lambda transition: selection(transition) and not transition.after.feedback.terminated
