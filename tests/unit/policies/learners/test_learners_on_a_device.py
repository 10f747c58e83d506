"""Learners of transitions on a device whose tensors meet no others: what they would do on CUDA."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes.accelerator import NAME, accelerator

from tests.unit.policies.conftest import chain, episode, toy_spec
from tests.unit.policies.learners.test_contract import BUILDERS, learner_of
from vlmrl_ros.core.snapshot import save_snapshot
from vlmrl_ros.core.spec import CameraSpec, TaskSpec
from vlmrl_ros.policies.learners.bc import learning as cloning
from vlmrl_ros.policies.learners.episodic import actor_critic
from vlmrl_ros.policies.learners.rlpd import learning, seeing

SPECS = (toy_spec(), toy_spec((CameraSpec("wrist", 36, 40),)))
CASES = [(name, spec) for spec in SPECS for name in BUILDERS]
CHOOSE_DEVICE = (learning, seeing, actor_critic, cloning)
WAIT_S = 240.0


def drawn_in_memory(rng: np.random.Generator, device: torch.device | None = None) -> torch.Generator:
    """The stand-in has no generators of its own."""
    return torch.Generator().manual_seed(int(rng.integers(2**62)))


def learned(name: str, spec: TaskSpec, checkpoint: Path) -> dict[str, float]:
    """What an update says, and the weights of another learner that goes on from its checkpoint."""
    seeing_options = {"latent": 6} if spec.cameras else {}
    learner, other = (learner_of(name, spec, seed, batch_size=16, **seeing_options) for seed in (0, 1))
    rng = np.random.default_rng(7)
    for number in range(8):
        for item in chain(episode(spec, number, rng), number % 3 == 0):
            learner.add(item)
    learner.update()
    said = learner.update()
    checkpoint.mkdir()
    save_snapshot(checkpoint, learner.snapshot())
    other.restore(checkpoint)
    weights = {name: float(np.linalg.norm(value)) for name, value in other.variables().items() if "about" not in name}
    return {**said, **weights}


def elsewhere(out: Path) -> None:
    torch.set_num_threads(1)
    with accelerator() as device:
        for module in CHOOSE_DEVICE:
            module.device_of, module.torch_generator = lambda name: device, drawn_in_memory
        assert learner_of("rlif", SPECS[0])._rlpd.critics.values.device.type == NAME
        found = [learned(*case, out / f"{row}") for row, case in enumerate(CASES)]
    (out / "found.json").write_text(json.dumps(found))


@pytest.mark.timeout(300)
def test_on_another_device_they_learn_what_they_learn_on_the_cpu(tmp_path):
    child = multiprocessing.get_context("spawn").Process(target=elsewhere, args=(tmp_path,))
    child.start()
    child.join(WAIT_S)
    if child.exitcode is None:
        child.kill()
    assert child.exitcode == 0
    found = json.loads((tmp_path / "found.json").read_text())
    for row, (name, spec) in enumerate(CASES):
        here = learned(name, spec, tmp_path / f"here_{row}")
        assert found[row] == pytest.approx(here, rel=1e-3, abs=1e-3), (name, spec.cameras)
