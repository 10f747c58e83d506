from __future__ import annotations

import numpy as np
import torch

from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.policies.learners.hil_serl.builder import Builder as HilSerlBuilder
from vlmrl_ros.policies.learners.hil_serl.config import HilSerlConfig
from vlmrl_ros.policies.learners.labels import (
    driven_by_person,
    nobodys,
    stored_by_release,
    takeover_reward,
    task_reward,
)
from vlmrl_ros.policies.learners.memory import MixedMemory, frames_at_both_ends, transition_values


def memory_of(spec: TaskSpec, items) -> MixedMemory:
    memory = MixedMemory(spec, 1000, takeover_reward, driven_by_person)
    for item in items:
        memory.add(item)
    return memory


def batch_of(memory: MixedMemory, count: int) -> np.ndarray:
    out = np.full((count, memory.layout.width), np.nan, np.float32)
    memory.sample(out, np.random.default_rng(0))
    return out


def rows_of(spec: TaskSpec, items) -> set[bytes]:
    return {transition_values(spec, item, 0.0)["state"].tobytes() for item in items}


def test_half_of_a_batch_is_a_persons_and_half_the_policys(spec, transitions):
    items = transitions()
    memory = memory_of(spec, items)
    states = memory.layout.split(batch_of(memory, 64))["state"]
    person = rows_of(spec, [i for i in items if driven_by_person(i)])
    assert [row.tobytes() in person for row in states] == [True] * 32 + [False] * 32


def test_while_nobody_has_helped_the_whole_batch_is_the_policys(spec, transitions):
    items = [item for item in transitions() if not driven_by_person(item)]
    memory = memory_of(spec, items)
    assert np.isfinite(batch_of(memory, 64)).all()


def test_every_step_is_kept_exactly_once(spec, transitions):
    items = transitions()
    assert len(memory_of(spec, items)) == len(items)


def test_the_executed_action_is_stored_normalised(spec, transitions):
    item = transitions()[0]
    stored = transition_values(spec, item, 0.0)["action"]
    np.testing.assert_allclose(spec.action.denormalise(stored), item.before.executed, atol=1e-7)


def test_frames_are_kept_where_the_task_has_cameras(camera_spec, transitions):
    items = transitions(6, camera_spec)
    memory = memory_of(camera_spec, items)
    part = memory.parts["online"]
    slots = np.arange(len(part))
    policy = [item for item in items if not driven_by_person(item)]
    before, after = part.frames(slots, "wrist"), part.frames(slots, "wrist", after=True)
    np.testing.assert_array_equal(before, [item.before.observation["wrist"] for item in policy])
    np.testing.assert_array_equal(after, [item.after.observation["wrist"] for item in policy])


def test_the_frames_of_a_batch_are_those_of_its_rows_from_both_halves(camera_spec, transitions):
    items = transitions(6, camera_spec)
    memory = memory_of(camera_spec, items)
    rows = np.empty((32, memory.layout.width), np.float32)
    seen = frames_at_both_ends(memory.sample(rows, np.random.default_rng(0)), torch.device("cpu"))
    of_state = {transition_values(camera_spec, item, 0.0)["state"].tobytes(): item for item in items}
    drawn = [of_state[state.tobytes()] for state in memory.layout.split(rows)["state"]]
    assert {driven_by_person(item) for item in drawn} == {True, False}
    for frames, end in zip(seen, ("before", "after"), strict=True):
        np.testing.assert_array_equal(frames["wrist"], [getattr(i, end).observation["wrist"] for i in drawn])


def test_a_shared_buffer_draws_a_persons_steps_as_often_as_they_came(spec, transitions):
    items = transitions()
    memory = MixedMemory(spec, 1000, takeover_reward, nobodys)
    for item in items:
        memory.add(item)
    person = rows_of(spec, [i for i in items if driven_by_person(i)])
    states = memory.layout.split(batch_of(memory, 4096))["state"]
    share = np.mean([row.tobytes() in person for row in states])
    assert abs(share - np.mean([driven_by_person(i) for i in items])) < 0.05


def hil_serl_memory(spec: TaskSpec, items, buffers: str) -> MixedMemory:
    learner = HilSerlBuilder.build(spec, HilSerlConfig(buffers=buffers, capacity=1000), np.random.default_rng(0))
    for item in items:
        learner.add(item)
    return learner._memory


def test_hil_serl_keeps_takeovers_in_both_halves_and_demonstrations_apart(spec, transitions):
    items = transitions()
    memory = hil_serl_memory(spec, items, "symmetric")
    assert len(memory.parts["prior"]) == sum(driven_by_person(item) for item in items)
    assert len(memory.parts["online"]) == sum(not item.demonstration for item in items) < len(items)
    rewards = memory.layout.split(batch_of(memory, 256))["reward"][:, 0]
    assert set(rewards.tolist()) <= {float(np.float32(task_reward(item))) for item in items}, "a takeover costs nothing"


def test_hil_serl_with_one_buffer_keeps_every_step_demonstrations_too(spec, transitions):
    items = transitions()
    memory = hil_serl_memory(spec, items, "shared")
    assert len(memory.parts["prior"]) == 0
    assert len(memory.parts["online"]) == len(items) > sum(not item.demonstration for item in items)


def test_as_released_one_buffer_holds_what_is_kept(spec, transitions):
    items = transitions()
    memory = MixedMemory(spec, 1000, takeover_reward, nobodys, stored_by_release)
    for item in items:
        memory.add(item)
    assert len(memory.parts["prior"]) == 0
    assert len(memory.parts["online"]) == sum(stored_by_release(item) for item in items) < len(items)
