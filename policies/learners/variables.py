"""The policy's weights as they leave a learner."""

from __future__ import annotations

from vlmrl_ros.core.interfaces import Variables
from vlmrl_ros.policies.networks.flat import FlatParameters

ACTING_ALONE = {"explore": False, "weights": "actor_ema"}
"""Options of the policy ``gaussian`` under which these weights are judged: the mode of the averaged actor."""


def policy_variables(actor: FlatParameters, actor_ema: FlatParameters) -> Variables:
    """Copies of the newest weights and of their moving average, named as the policy ``gaussian`` expects them."""
    nets = {"actor": actor, "actor_ema": actor_ema}
    return {
        f"{net}/{name}": tensor.cpu().numpy().copy()
        for net, flat in nets.items()
        for name, tensor in flat.frozen.items()
    }
