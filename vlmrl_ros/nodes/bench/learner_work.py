"""The work that ``benchmark learner`` times: one gradient block of ours and of each library it is compared with.

All have the same networks, batches and updates: states of 20, actions of 7, two hidden layers of 256, a squashed
Gaussian actor, an adaptive temperature, targets from the least of all critics with the entropy of the next action,
Adam, target networks that follow at 0.005, and 5,000 transitions to draw from. Each is what its user would call,
draws included: ``train`` of the Stable-Baselines family, the losses of TorchRL with its replay buffer.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from vlmrl_ros.core.spec import TaskSpec, VectorSpec
from vlmrl_ros.core.types import Feedback, Intervention, Source, Step, Transition

STATES, ACTIONS, HIDDEN, BATCH, TRANSITIONS = 20, 7, (256, 256), 256, 5000
CRITIC_UPDATES = 20
"""Updates of the critics in a block."""

Block = Callable[[], Any]


def ours(critics: int, delay: int = CRITIC_UPDATES) -> Block:
    """RLPD; ``delay`` updates of the critics for one of the actor."""
    from vlmrl_ros.policies.learners.rlpd.builder import Builder
    from vlmrl_ros.policies.learners.rlpd.config import RlpdConfig

    config = RlpdConfig(
        hidden=HIDDEN,
        batch_size=BATCH,
        buffers="shared",
        critics=critics,
        target_critics=critics,
        layer_norm=critics > 2,
        critic_updates=delay,
        entropy_backup=True,
        device="cpu",
    )
    learner = Builder.build(_spec(), config, np.random.default_rng(0))
    rng = np.random.default_rng(0)
    for index in range(TRANSITIONS):
        learner.add(_transition(rng, index))
    return lambda: [learner.update() for _ in range(CRITIC_UPDATES // delay)]


def jax(critics: int) -> Block:
    """SAC of sbx-rl: all updates of a block in one compiled call; its own critics, vectorised, also with LayerNorm.

    Flax's LayerNorm has a scale too, and a smaller epsilon; both cost nothing that could be measured.
    """
    from sbx import SAC

    options = {"net_arch": list(HIDDEN), "n_critics": critics, "layer_norm": critics > 2}
    model = _filled(SAC, options, gradient_steps=CRITIC_UPDATES, policy_delay=CRITIC_UPDATES)

    def block() -> None:
        model.train(CRITIC_UPDATES, BATCH)
        model.policy.qf_state.step.block_until_ready()

    return block


def sb3() -> Block:
    """SAC of Stable-Baselines3, which updates the actor with every update of the critics."""
    import torch
    from stable_baselines3 import SAC

    torch.set_num_threads(1)
    model = _filled(SAC, {"net_arch": list(HIDDEN)}, device="cpu")
    return lambda: model.train(CRITIC_UPDATES, BATCH)


def torchrl(delay: int = CRITIC_UPDATES) -> Block:
    """The SAC losses of TorchRL, its soft update and its replay buffer."""
    import torch
    from torchrl.objectives import SoftUpdate

    torch.set_num_threads(1)
    loss, buffer = _torchrl_loss(), _torchrl_buffer()
    follow = SoftUpdate(loss, tau=0.005)
    parts = ("qvalue_network_params", "actor_network_params")
    critics, actor = (torch.optim.Adam(getattr(loss, part).flatten_keys().values(), lr=3e-4) for part in parts)
    temperature = torch.optim.Adam([loss.log_alpha], lr=3e-4)

    def step(optimiser: Any, value: Any) -> None:
        optimiser.zero_grad()
        value.backward()
        optimiser.step()

    def block() -> None:
        for index in range(1, CRITIC_UPDATES + 1):
            batch = buffer.sample()
            step(critics, loss.qvalue_v2_loss(batch)[0])
            follow.step()
            if index % delay == 0:
                value, about = loss.actor_loss(batch)
                step(actor, value)
                step(temperature, loss.alpha_loss(about["log_prob"]).mean())

    return block


def _torchrl_loss() -> Any:
    import torch
    from tensordict.nn import NormalParamExtractor, TensorDictModule
    from torch.nn import ReLU, Sequential
    from torchrl.data import Bounded
    from torchrl.modules import MLP, ProbabilisticActor, TanhNormal, ValueOperator
    from torchrl.objectives import SACLoss

    shape = {"num_cells": list(HIDDEN), "activation_class": ReLU}
    net = Sequential(MLP(in_features=STATES, out_features=2 * ACTIONS, **shape), NormalParamExtractor())
    spec = Bounded(-1.0, 1.0, (ACTIONS,))
    module = TensorDictModule(net, in_keys=["observation"], out_keys=["loc", "scale"])
    actor = ProbabilisticActor(module, in_keys=["loc", "scale"], spec=spec, distribution_class=TanhNormal)
    critic = ValueOperator(
        MLP(in_features=STATES + ACTIONS, out_features=1, **shape), in_keys=["observation", "action"]
    )
    loss = SACLoss(actor, critic, num_qvalue_nets=2, loss_function="l2", action_spec=spec)
    loss.make_value_estimator(gamma=0.99)
    torch.manual_seed(0)
    return loss


def _torchrl_buffer() -> Any:
    from tensordict import TensorDict
    from torch import rand, zeros
    from torchrl.data import LazyTensorStorage, TensorDictReplayBuffer

    def states() -> Any:
        return rand(TRANSITIONS, STATES) * 2 - 1

    ends = {name: zeros(TRANSITIONS, 1).bool() for name in ("done", "terminated")}
    ahead = {"observation": states(), "reward": zeros(TRANSITIONS, 1), **ends}
    steps = {"observation": states(), "action": rand(TRANSITIONS, ACTIONS) * 2 - 1, "next": ahead}
    buffer = TensorDictReplayBuffer(storage=LazyTensorStorage(TRANSITIONS), batch_size=BATCH)
    buffer.extend(TensorDict(steps, [TRANSITIONS]))
    return buffer


def _filled(algorithm: Any, policy: dict[str, Any], **options: Any) -> Any:
    """A model of the Stable-Baselines family, with transitions to draw from."""
    import gymnasium
    from stable_baselines3.common.logger import configure

    class Space(gymnasium.Env):
        observation_space = gymnasium.spaces.Box(-1.0, 1.0, (STATES,), np.float32)
        action_space = gymnasium.spaces.Box(-1.0, 1.0, (ACTIONS,), np.float32)

    model = algorithm("MlpPolicy", Space(), buffer_size=TRANSITIONS, batch_size=BATCH, policy_kwargs=policy, **options)
    model.set_logger(configure(None, []))
    rng, nothing = np.random.default_rng(0), np.zeros(1)
    for _ in range(TRANSITIONS):
        state, following = rng.uniform(-1, 1, (2, 1, STATES))
        model.replay_buffer.add(state, following, rng.uniform(-1, 1, (1, ACTIONS)), nothing, nothing, [{}])
    return model


def _spec() -> TaskSpec:
    def vector(name: str, size: int) -> VectorSpec:
        return VectorSpec(tuple(f"{name}{i}" for i in range(size)), ("1",) * size, -np.ones(size), np.ones(size))

    return TaskSpec("bench", vector("s", STATES), vector("a", ACTIONS), (), 0.1, 100)


def _transition(rng: np.random.Generator, number: int) -> Transition:
    action = rng.uniform(-1, 1, ACTIONS).astype(np.float32)
    nobody = Intervention(False, False, 0.0, Source.POLICY)
    states = rng.uniform(-1, 1, (2, STATES)).astype(np.float32)
    about = Feedback(0.0, False, False, False, number, 0)
    before, after = (
        Step(step, {"state": state}, dataclasses.replace(about, step=step), action, action, action, nobody)
        for step, state in enumerate(states)
    )
    return Transition(before, after)


WORK: dict[str, Callable[[], Block]] = {
    "ours.c2": lambda: ours(2),
    "ours.c10": lambda: ours(10),
    "ours_actor_each.c2": lambda: ours(2, delay=1),
    "jax.c2": lambda: jax(2),
    "jax.c10": lambda: jax(10),
    "sb3.c2": sb3,
    "torchrl.c2": torchrl,
    "torchrl_actor_each.c2": lambda: torchrl(delay=1),
}


def main() -> None:
    """Build the work that the argument names; for each number on the standard input run so many blocks.

    Prints the CPU seconds of each such run, of all threads of the process.
    """
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # one core, before a library counts them
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print goes to the log
    block = WORK[sys.argv[1]]()
    for line in sys.stdin:
        started_s = time.process_time()
        for _ in range(int(line)):
            block()
        answers.write(f"{time.process_time() - started_s}\n")


if __name__ == "__main__":
    main()
