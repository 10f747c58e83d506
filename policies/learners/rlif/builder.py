"""The RLIF plug-in: RLPD's learner, told only of takeovers."""

from __future__ import annotations

import numpy as np

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.learners.labels import (
    Selection,
    blame_of_ends,
    ended,
    nobodys,
    others_than,
    stored_by_release,
    takeover_reward,
)
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

        Raises:
            ConfigError: multi-step returns over steps that the released code does not store, or ends that are blamed
                for ever by a value that does not end.
        """
        if config.stored == "release" and config.return_steps != 1:
            raise ConfigError(
                "rlif.stored is 'release', which blames the last step alone, and return_steps is "
                f"{config.return_steps}; valid with it: 1"
            )
        if config.ends == "blamed" and config.discount == 1.0:
            raise ConfigError("rlif.ends is 'blamed' by -1 / (1 - discount), and discount is 1.0; valid: below 1.0")
        reward = takeover_reward if config.ends == "left_out" else blame_of_ends(config.discount)
        prior, online = _stored(config)
        if config.return_steps == 1:
            memory = MixedMemory(spec, config.capacity, reward, prior, online)
        else:
            memory = MultiStepMemory(spec, config.capacity, reward, prior, online, config.return_steps, config.discount)
        return RlpdLearner("rlif", spec, config, memory, rng)


def _stored(config: RlifConfig) -> tuple[Selection, Selection]:
    """The person's half and the policy's; see :class:`~.config.RlifConfig`."""
    blamed = config.ends == "blamed"
    if config.stored == "release":
        return nobodys, lambda transition: stored_by_release(transition) or (blamed and ended(transition))
    prior = prior_of(config)
    online = others_than(prior)
    if blamed:
        return prior, online
    return _going_on(prior), _going_on(online)


def _going_on(selection: Selection) -> Selection:
    """Of the selection what did not end the task."""
    return lambda transition: selection(transition) and not ended(transition)
