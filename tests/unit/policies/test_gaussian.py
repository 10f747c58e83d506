from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from vlmrl_ros.core.errors import CheckpointError, ConfigError, NonFiniteError, ShapeError, UnknownNameError
from vlmrl_ros.core.spec import CameraSpec, TaskSpec, VectorSpec
from vlmrl_ros.policies.gaussian import build, layer_names
from vlmrl_ros.policies.networks.actor import initial_actor, mode, sample

NOTHING = VectorSpec((), (), np.zeros(0), np.zeros(0))
STATE = {"state": np.array([0.1, -0.05, 0.2], np.float32)}


def weights(seed: int, hidden: tuple[int, ...] = (16, 16)) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    fresh = initial_actor(3, 2, hidden, generator)
    return {name: torch.empty_like(tensor).normal_(0.0, 0.3, generator=generator) for name, tensor in fresh.items()}


def variables(seed: int = 0, ema_seed: int = 1) -> dict[str, np.ndarray]:
    nets = {"actor": weights(seed), "actor_ema": weights(ema_seed)}
    return {f"{net}/{name}": tensor.numpy() for net, parts in nets.items() for name, tensor in parts.items()}


def test_numpy_acts_as_torch_learns(spec: TaskSpec):
    policy = build(spec, {"explore": False})
    policy.load(variables())
    action, _ = policy.act(STATE, np.random.default_rng(0))
    normalised = torch.from_numpy(spec.observation.normalise(STATE["state"]))[None]
    expected = spec.action.denormalise(mode(weights(0), normalised)[0].numpy())
    np.testing.assert_allclose(action, expected, atol=1e-7)
    assert action.dtype == np.float32


def test_exploration_draws_from_the_distribution_that_torch_learns(spec: TaskSpec):
    policy = build(spec, {})
    policy.load(variables())
    rng = np.random.default_rng(0)
    drawn = np.array([policy.act(STATE, rng)[0] for _ in range(4000)])
    normalised = torch.from_numpy(spec.observation.normalise(STATE["state"])).expand(4000, -1)
    noise = torch.randn(4000, 2, generator=torch.Generator().manual_seed(0))
    expected = spec.action.denormalise(sample(weights(0), normalised, noise)[0].numpy())
    np.testing.assert_allclose(drawn.mean(0), expected.mean(0), atol=0.01)
    np.testing.assert_allclose(drawn.std(0), expected.std(0), rtol=0.1)


def test_before_the_first_weights_the_policy_moves_smoothly_at_random_within_the_bounds(spec: TaskSpec):
    policy, rng = build(spec, {}), np.random.default_rng(0)
    actions = np.array([policy.act(STATE, rng)[0] for _ in range(500)])
    normalised = spec.action.normalise(actions)
    assert (actions >= spec.action.low).all()
    assert (actions <= spec.action.high).all()
    assert (normalised.std(0) > 0.3).all()
    assert np.abs(np.diff(normalised, axis=0)).mean() < 0.5 * normalised.std()


def test_the_random_motion_of_an_episode_does_not_depend_on_the_one_before(spec: TaskSpec):
    policy = build(spec, {})

    def episode() -> list[np.ndarray]:
        policy.reset()
        return [policy.act(STATE, np.random.default_rng(step))[0] for step in range(5)]

    first = episode()
    policy.act(STATE, np.random.default_rng(9))
    np.testing.assert_array_equal(episode(), first)


def test_the_option_says_whether_the_newest_or_the_averaged_weights_act(spec: TaskSpec):
    newest, averaged = (build(spec, {"weights": which, "explore": False}) for which in ("actor", "actor_ema"))
    swapped = build(spec, {"weights": "actor_ema", "explore": False})
    newest.load(variables(0, 1))
    averaged.load(variables(0, 1))
    swapped.load(variables(1, 0))
    rng = np.random.default_rng(0)
    assert not np.array_equal(newest.act(STATE, rng)[0], averaged.act(STATE, rng)[0])
    np.testing.assert_array_equal(newest.act(STATE, rng)[0], swapped.act(STATE, rng)[0])


def test_equal_generators_give_equal_actions(spec: TaskSpec):
    policies = [build(spec, {}) for _ in range(2)]
    for policy in policies:
        policy.load(variables())
    first, second = ([p.act(STATE, rng)[0] for rng in [np.random.default_rng(3)] for _ in range(5)] for p in policies)
    np.testing.assert_array_equal(first, second)


def broken(change: str) -> dict[str, np.ndarray]:
    bad = variables()
    if change == "missing":
        del bad["actor/mean/bias"]
    elif change == "extra":
        bad["actor/surprise"] = np.zeros(1, np.float32)
    elif change == "other task":
        bad["actor/hidden_0/weight"] = np.zeros((16, 5), np.float32)
    elif change == "other action":
        bad["actor/mean/weight"] = np.zeros((3, 16), np.float32)
    elif change == "not finite":
        bad["actor/hidden_1/weight"] = np.full((16, 16), np.nan, np.float32)
    else:
        bad = {}
    return bad


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("missing", "expected .*'mean/bias'"),
        ("extra", "surprise"),
        ("other task", r"expected \(16, 3\)"),
        ("other action", r"expected \(2, 16\)"),
        ("not finite", "'hidden_1/weight' or their bias are not finite"),
        ("empty", "weights 'actor/' are"),
    ],
)
def test_weights_that_do_not_fit_are_refused_and_the_old_ones_stay_in_force(spec: TaskSpec, change: str, message: str):
    policy, rng = build(spec, {"explore": False}), np.random.default_rng(0)
    policy.load(variables())
    before = policy.act(STATE, rng)[0]
    with pytest.raises(CheckpointError, match=message):
        policy.load(broken(change))
    np.testing.assert_array_equal(policy.act(STATE, rng)[0], before)


def test_the_names_of_the_variables_are_stable():
    assert layer_names(1) == (
        "hidden_0/weight",
        "hidden_0/bias",
        "mean/weight",
        "mean/bias",
        "log_std/weight",
        "log_std/bias",
    )


def test_bad_observations_are_refused(spec: TaskSpec):
    policy, rng = build(spec, {}), np.random.default_rng(0)
    with pytest.raises(ShapeError, match="observation/state"):
        policy.act({"state": np.zeros(4, np.float32)}, rng)
    with pytest.raises(NonFiniteError, match="not finite in y"):
        policy.act({"state": np.array([0, np.nan, 0], np.float32)}, rng)


def test_bad_options_are_refused(spec: TaskSpec):
    with pytest.raises(UnknownNameError, match="explore, weights"):
        build(spec, {"exploration": True})
    with pytest.raises(ConfigError, match="actor, actor_ema"):
        build(spec, {"weights": "newest"})


def test_acting_does_not_load_torch():
    code = "import sys, vlmrl_ros.policies.gaussian; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0


def test_a_task_without_a_state_is_refused(spec: TaskSpec):
    pixels = TaskSpec("pixels", NOTHING, spec.action, (CameraSpec("wrist", 8, 8),), 0.1, 10)
    with pytest.raises(ConfigError, match="needs a state observation"):
        build(pixels, {})
