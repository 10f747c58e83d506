"""What every learner must do. A new learner adds one line to ``BUILDERS``."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.unit.policies.conftest import episode
from vlmrl_ros.core.config import from_mapping, options
from vlmrl_ros.core.errors import CheckpointError, ConfigError
from vlmrl_ros.core.interfaces import Learner
from vlmrl_ros.core.preload import preload
from vlmrl_ros.core.snapshot import save_snapshot
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.types import Transition
from vlmrl_ros.policies.gaussian import build as build_gaussian
from vlmrl_ros.policies.learners.awac.builder import Builder as Awac
from vlmrl_ros.policies.learners.bc.builder import Builder as Bc
from vlmrl_ros.policies.learners.calql.builder import Builder as Calql
from vlmrl_ros.policies.learners.cql.builder import Builder as Cql
from vlmrl_ros.policies.learners.dagger.builder import Builder as Dagger
from vlmrl_ros.policies.learners.hg_dagger.builder import Builder as HgDagger
from vlmrl_ros.policies.learners.hil_serl.builder import Builder as HilSerl
from vlmrl_ros.policies.learners.iql.builder import Builder as Iql
from vlmrl_ros.policies.learners.rlif.builder import Builder as Rlif
from vlmrl_ros.policies.learners.rlpd.builder import Builder as Rlpd
from vlmrl_ros.policies.learners.sac.builder import Builder as Sac

IMITATION = {"bc": Bc, "hg_dagger": HgDagger, "dagger": Dagger}
OFFLINE_TO_ONLINE = {"sac": Sac, "calql": Calql, "cql": Cql, "iql": Iql, "awac": Awac}
BUILDERS = {"rlif": Rlif, "rlpd": Rlpd, "hil_serl": HilSerl, **IMITATION, **OFFLINE_TO_ONLINE}
SMALL = {"batch_size": 32, "hidden": [16, 16], "capacity": 1000, "min_steps": 16, "learning_rate": 1e-2}


@pytest.fixture(params=BUILDERS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def learner_of(name: str, spec: TaskSpec, seed: int = 0, **values: object) -> Learner:
    builder = BUILDERS[name]
    return builder.build(spec, from_mapping(builder.config_type, SMALL | values), np.random.default_rng(seed))


def train(learner: Learner, items: list[Transition], updates: int) -> None:
    for item in items:
        learner.add(item)
    for _ in range(updates):
        learner.update()


def fingerprint(learner: Learner) -> str:
    parts = sorted(learner.variables().items())
    return hashlib.sha256(b"".join(name.encode() + value.tobytes() for name, value in parts)).hexdigest()


def tree_hash(directory: Path) -> str:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in files)).hexdigest()


def test_a_learner_is_ready_once_it_has_a_first_batch(name, spec, transitions):
    learner = learner_of(name, spec)
    assert not learner.ready
    train(learner, transitions(), 0)
    assert learner.ready


def test_an_update_changes_the_weights_and_reports_finite_metrics(name, spec, transitions):
    learner = learner_of(name, spec)
    train(learner, transitions(), 0)
    before = fingerprint(learner)
    metrics = learner.update()
    assert fingerprint(learner) != before
    assert metrics["updates"] == 1.0
    assert all(np.isfinite(value) for value in metrics.values())


def test_the_weights_fit_the_policy_that_the_configuration_names(name, spec, transitions):
    learner = learner_of(name, spec)
    train(learner, transitions(), 3)
    assert options(BUILDERS[name].config_type)["policy"][1] == "gaussian"
    for weights in ("actor", "actor_ema"):
        policy = build_gaussian(spec, {"weights": weights})
        policy.load(learner.variables())
        action, _ = policy.act(transitions()[0].before.observation, np.random.default_rng(0))
        assert action.shape == (spec.action.size,)


def test_published_weights_do_not_change_while_learning_goes_on(name, spec, transitions):
    learner = learner_of(name, spec)
    train(learner, transitions(), 1)
    published = learner.variables()
    copies = {key: value.copy() for key, value in published.items()}
    learner.update()
    for key, value in published.items():
        np.testing.assert_array_equal(value, copies[key])


def test_equal_seeds_and_steps_give_equal_weights_to_the_last_bit(name, spec, transitions):
    first, second, other = (learner_of(name, spec, seed) for seed in (1, 1, 2))
    for learner in (first, second, other):
        torch.rand(3)  # the global generator plays no part
        train(learner, transitions(), 5)
    assert fingerprint(first) == fingerprint(second) != fingerprint(other)


def test_a_restored_learner_goes_on_to_the_same_bit(name, spec, transitions, tmp_path):
    saved, restored = learner_of(name, spec, seed=1), learner_of(name, spec, seed=2)
    items, middle = transitions(), 300 + 7  # within an episode
    train(saved, items[:middle], 5)
    save_snapshot(tmp_path, saved.snapshot())
    restored.restore(tmp_path)
    assert fingerprint(saved) == fingerprint(restored)
    for learner in (saved, restored):
        train(learner, items[middle:], 5)
    assert fingerprint(saved) == fingerprint(restored)
    assert saved.update() == restored.update()


def test_equal_learners_write_equal_checkpoints(name, spec, transitions, tmp_path):
    hashes = []
    for run in ("a", "b"):
        learner = learner_of(name, spec)
        train(learner, transitions(), 3)
        (tmp_path / run).mkdir()
        save_snapshot(tmp_path / run, learner.snapshot())
        hashes.append(tree_hash(tmp_path / run))
    assert hashes[0] == hashes[1]


def test_a_checkpoint_holds_no_pickles(name, spec, transitions, tmp_path):
    learner = learner_of(name, spec)
    train(learner, transitions(), 1)
    save_snapshot(tmp_path, learner.snapshot())
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} == {".safetensors", ".json", ".npy"}


def test_a_missing_checkpoint_is_refused(name, spec, tmp_path):
    with pytest.raises(CheckpointError, match=str(tmp_path)):
        learner_of(name, spec).restore(tmp_path)


@pytest.mark.parametrize("harm", ["cut", "other kind", "not json"])
def test_a_damaged_checkpoint_is_refused_in_one_line(name, spec, transitions, tmp_path, harm):
    learner = learner_of(name, spec)
    train(learner, transitions(), 1)
    save_snapshot(tmp_path, learner.snapshot())
    tensors, state = tmp_path / "tensors.safetensors", tmp_path / "state.json"
    if harm == "cut":
        tensors.write_bytes(tensors.read_bytes()[:-9])
    elif harm == "other kind":
        state.write_text(json.dumps(json.loads(state.read_text()) | {"kind": "somebody_else"}))
    else:
        state.write_text("{")
    with pytest.raises(CheckpointError, match=f"no usable checkpoint of learner '{name}'") as caught:
        learner_of(name, spec).restore(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_of_another_network_is_refused(name, spec, transitions, tmp_path):
    learner = learner_of(name, spec)
    train(learner, transitions(), 1)
    save_snapshot(tmp_path, learner.snapshot())
    with pytest.raises(CheckpointError, match="of shape"):
        learner_of(name, spec, hidden=[8]).restore(tmp_path)


def test_learning_leaves_torchs_settings_as_they_were(name, spec, transitions):
    settings = torch.get_num_threads(), torch.get_float32_matmul_precision()
    train(learner_of(name, spec), transitions(), 1)
    assert (torch.get_num_threads(), torch.get_float32_matmul_precision()) == settings


def test_frames_of_a_task_with_cameras_survive_a_checkpoint(name, camera_spec, transitions, tmp_path):
    saved, restored = learner_of(name, camera_spec), learner_of(name, camera_spec, seed=3)
    train(saved, transitions(20, camera_spec), 2)
    save_snapshot(tmp_path, saved.snapshot())
    restored.restore(tmp_path)
    again = tmp_path / "again"
    again.mkdir()
    save_snapshot(again, restored.snapshot())
    frames = [path.relative_to(tmp_path) for path in tmp_path.rglob("frames_*.npy") if again not in path.parents]
    assert frames
    assert all((tmp_path / path).read_bytes() == (again / path).read_bytes() for path in frames)


def scrambled(items: list[Transition]) -> list[Transition]:
    """The same steps with other task rewards and successes."""
    rng = np.random.default_rng(99)

    def scramble(step):
        outcome = dataclasses.replace(step.feedback, reward=float(rng.normal() * 100), success=bool(rng.random() < 0.5))
        return dataclasses.replace(step, feedback=outcome)

    return [Transition(scramble(item.before), scramble(item.after), item.demonstration) for item in items]


READS_REWARD = ("rlpd", "hil_serl", *OFFLINE_TO_ONLINE)


@pytest.mark.parametrize(("blind", "name"), [(name not in READS_REWARD, name) for name in BUILDERS])
def test_learners_from_people_do_not_read_the_tasks_reward(blind, name, spec, transitions, tmp_path):
    hashes = []
    for run, items in {"true": transitions(), "scrambled": scrambled(transitions())}.items():
        learner = learner_of(name, spec)
        train(learner, items, 5)
        (tmp_path / run).mkdir()
        save_snapshot(tmp_path / run, learner.snapshot())
        hashes.append((fingerprint(learner), tree_hash(tmp_path / run)))
    assert (hashes[0] == hashes[1]) is blind


def test_data_with_a_persons_failures_are_given_whole_to_who_learns_from_reward_and_returns(name, spec):
    steps = list(episode(spec, 0, np.random.default_rng(0)))
    for k, step in enumerate(steps):
        last = k == len(steps) - 1
        feedback = dataclasses.replace(step.feedback, reward=-1.0 if k else 0.0, success=False, terminated=last)
        steps[k] = dataclasses.replace(step, feedback=dataclasses.replace(feedback, truncated=False))
    learner = learner_of(name, spec, **({"discount": 0.5} if name in OFFLINE_TO_ONLINE else {}))
    preload(learner, [steps], everything=True)
    if name not in OFFLINE_TO_ONLINE:
        assert not learner.ready
        assert all(len(part) == 0 for part in getattr(learner._memory, "parts", {"all": learner._memory}).values())
        return
    offline = learner._memory.parts["offline"]
    rows = learner._memory.layout.split(offline.rows(np.arange(len(offline))))
    assert rows["reward"][:, 0].tolist() == [-1.0] * (len(steps) - 2) + [-2.0], "failing lasts"
    assert rows["return_to_go"][:, 0].tolist() == [-2.0] * (len(steps) - 1)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_a_device_that_is_not_there_is_refused(name, spec):
    with pytest.raises(ConfigError, match="'cuda', but torch sees no CUDA device; valid: auto, cpu"):
        learner_of(name, spec, device="cuda")


def test_more_target_critics_than_critics_are_refused(spec):
    with pytest.raises(ConfigError, match="target_critics is 5; valid: 1 to 4"):
        learner_of("rlif", spec, target_critics=5)


@pytest.mark.parametrize("buffers", ["symmetric", "shared"])
def test_rlif_as_released_has_one_buffer_and_blames_the_last_step_alone(spec, transitions, buffers):
    learner = learner_of("rlif", spec, stored="release", return_steps=1, buffers=buffers)
    train(learner, transitions(), 0)
    assert len(learner._memory.parts["prior"]) == 0
    assert len(learner._memory.parts["online"]) > 0
    with pytest.raises(ConfigError, match="'release', which blames the last step alone, and return_steps is 6; valid"):
        learner_of("rlif", spec, stored="release", buffers=buffers)
