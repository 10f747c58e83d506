from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tests.fakes.steps import episode
from tests.unit.policies.conftest import toy_spec
from vlmrl_ros.core.errors import CheckpointError, ConfigError
from vlmrl_ros.core.snapshot import save_snapshot
from vlmrl_ros.core.spec import CameraSpec, TaskSpec, VectorSpec
from vlmrl_ros.core.types import Step, Transition
from vlmrl_ros.policies.learners.labels import driven_by_person, takeover_reward
from vlmrl_ros.policies.learners.memory import MixedMemory
from vlmrl_ros.policies.learners.rlif.builder import Builder
from vlmrl_ros.policies.learners.rlif.config import RlifConfig
from vlmrl_ros.policies.learners.rlif.memory import MultiStepMemory

STEPS, DISCOUNT = 4, 0.9
SPEC = TaskSpec(
    "numbers",
    VectorSpec(("episode", "step", "half"), ("1",) * 3, np.full(3, -100.0), np.full(3, 100.0)),
    VectorSpec(("x", "n"), ("1",) * 2, np.full(2, -100.0), np.full(2, 100.0)),
    (),
    0.1,
    50,
)


def chained(steps: list[Step], arm: int = 0, demonstration: bool = False) -> list[Transition]:
    return [Transition(before, after, demonstration, arm) for before, after in pairwise(steps)]


def memory_of(items: list[Transition], spec: TaskSpec = SPEC, steps: int = STEPS) -> MultiStepMemory:
    memory = MultiStepMemory(spec, 1000, takeover_reward, driven_by_person, None, steps, DISCOUNT)
    for item in items:
        memory.add(item)
    return memory


def rows(memory: MixedMemory, half: str = "online") -> dict[int, dict[str, float]]:
    """What is kept of the transition that begins at each step."""
    part = memory.parts[half]
    columns = part.layout.split(part.rows(np.arange(len(part))))
    begin, end = (np.rint(columns[name][:, 1] * 100).astype(int) for name in ("state", "next_state"))
    values = zip(begin, columns["reward"][:, 0], columns["bootstrap"][:, 0], end, strict=True)
    return {int(k): {"reward": float(r), "bootstrap": float(b), "end": int(e)} for k, r, b, e in values}


def test_the_penalty_of_a_takeover_reaches_the_steps_before_it_however_late_it_came():
    kept = rows(memory_of(chained(episode(0, 12, human=range(8, 11)))))
    rewards = [kept[k]["reward"] for k in range(8)]
    np.testing.assert_allclose(rewards, [0, 0, 0, 0, *(-(DISCOUNT**k) for k in (3, 2, 1, 0))], rtol=1e-6)


def test_a_return_ends_after_its_steps_or_where_the_policy_loses_control():
    kept = rows(memory_of(chained(episode(0, 12, human=range(8, 11)))))
    assert [kept[k]["end"] for k in range(8)] == [4, 5, 6, 7, 8, 8, 8, 8]
    bootstraps = [kept[k]["bootstrap"] for k in range(8)]
    np.testing.assert_allclose(bootstraps, DISCOUNT ** np.array([3, 3, 3, 3, 3, 2, 1, 0]), rtol=1e-6)


def test_a_persons_steps_keep_returns_of_one_step():
    items = [*chained(episode(0, 12, human=range(8, 11))), *chained(episode(1, 5, range(6)), demonstration=True)]
    memory = memory_of(items)
    columns = memory.layout.split(memory.parts["prior"].rows(np.arange(3 + 5)))
    np.testing.assert_allclose(columns["next_state"][:, 1] - columns["state"][:, 1], 0.01, rtol=1e-4)
    np.testing.assert_array_equal(columns["bootstrap"], 1.0)


def test_every_step_is_kept_once_and_the_last_ones_of_an_episode_too():
    kept = rows(memory_of(chained(episode(0, 9))))
    assert sorted(kept) == list(range(9))
    assert kept[8] == {"reward": 0.0, "bootstrap": 1.0, "end": 9}


def test_what_is_not_known_yet_is_held_back():
    memory = memory_of(chained(episode(0, 9))[:6])
    assert sorted(rows(memory)) == [0, 1, 2]


def test_a_termination_is_not_bootstrapped_beyond():
    kept = rows(memory_of(chained(fallen(5))))
    assert [kept[k]["bootstrap"] > 0 for k in range(5)] == [True, False, False, False, False]


def fallen(count: int) -> list[Step]:
    """An episode of the policy's with which the task ends."""
    steps = episode(0, count)
    end = replace(steps[-1].feedback, terminated=True, truncated=False)
    return [*steps[:-1], replace(steps[-1], feedback=end)]


def rlif_memory(**options) -> MixedMemory:
    config = RlifConfig(hidden=(8,), discount=DISCOUNT, **options)
    memory = Builder.build(SPEC, config, np.random.default_rng(0))._memory
    for item in [*chained(fallen(5)), *chained(fallen(5), demonstration=True)]:
        memory.add(item)
    return memory


@pytest.mark.parametrize("options", [{"return_steps": 1}, {"return_steps": STEPS}])
def test_rlif_leaves_out_the_step_with_which_the_task_ends_for_after_it_nobody_takes_over(options):
    memory = rlif_memory(**options)
    kept = rows(memory), rows(memory, "prior")
    assert [sorted(half) for half in kept] == [[0, 1, 2, 3]] * 2
    assert [half[3]["end"] for half in kept] == [4, 4]
    assert all(row["bootstrap"] > 0 and row["reward"] == 0 for half in kept for row in half.values())


def test_rlif_can_blame_an_end_as_a_takeover_at_every_step_from_then_on():
    memory = rlif_memory(return_steps=STEPS, ends="blamed")
    for_ever = -1 / (1 - DISCOUNT)
    kept = [rows(memory)[k] for k in range(1, 5)]
    np.testing.assert_allclose([row["reward"] for row in kept], for_ever * DISCOUNT ** np.arange(4)[::-1], rtol=1e-6)
    assert {row["bootstrap"] for row in kept} == {0.0}
    assert rows(memory, "prior")[4] == {"reward": pytest.approx(for_ever), "bootstrap": 0.0, "end": 5}


@pytest.mark.parametrize(("ends", "last"), [("left_out", 3), ("blamed", 4)])
def test_as_released_an_end_is_kept_where_it_is_blamed(ends, last):
    memory = rlif_memory(return_steps=1, stored="release", ends=ends)
    assert max(rows(memory)) == last


def test_an_end_cannot_be_blamed_for_ever_by_a_value_that_does_not_end():
    with pytest.raises(ConfigError, match=r"discount is 1\.0; valid: below 1\.0"):
        Builder.build(SPEC, RlifConfig(ends="blamed", discount=1.0), np.random.default_rng(0))


def test_no_return_goes_over_a_missing_step():
    items = chained(episode(0, 12, human=range(9, 11)))
    kept = rows(memory_of(items[:6] + items[7:]))
    assert [kept[k]["end"] for k in (3, 4, 5, 7, 8)] == [6, 6, 6, 9, 9]
    assert [kept[k]["reward"] for k in (4, 5)] == [0.0, 0.0]


def test_arms_that_take_turns_have_returns_of_their_own():
    first, second = chained(episode(0, 9), arm=0), chained(episode(0, 9, human=range(5, 9)), arm=1)
    mixed = memory_of([item for pair in zip(first, second, strict=True) for item in pair])
    assert sum(row["reward"] != 0 for row in [*rows(memory_of(second)).values()]) == STEPS
    part = mixed.parts["online"]
    reward = part.layout.split(part.rows(np.arange(len(part))))["reward"]
    assert (reward != 0).sum() == STEPS


def test_what_was_lived_before_the_run_is_kept_to_the_end_of_each_stream():
    cut, following = chained(episode(0, 12), arm=-1)[:7], chained(episode(0, 5), arm=-2)
    memory = memory_of([*cut, *following])
    assert len(memory) == len(cut) + len(following)


def test_one_step_is_the_labelling_of_the_paper():
    items = chained(episode(0, 12, human=range(8, 11)))
    plain = MixedMemory(SPEC, 1000, takeover_reward, driven_by_person)
    for item in items:
        plain.add(item)
    assert rows(memory_of(items, steps=1)) == rows(plain)


@pytest.mark.parametrize("cut", [3, 6, 9, 14])
def test_a_restored_memory_goes_on_as_if_nothing_had_been(cut, tmp_path):
    items = chained(episode(0, 12, human=range(8, 10)), arm=2) + chained(episode(1, 7), arm=2)
    save_snapshot(tmp_path, memory_of(items[:cut]).snapshot())
    restored = memory_of([])
    restored.restore(tmp_path)
    for item in items[cut:]:
        restored.add(item)
    whole = memory_of(items)
    for half in ("online", "prior"):
        assert rows(restored, half) == rows(whole, half)


def test_a_damaged_hold_is_refused(tmp_path):
    save_snapshot(tmp_path, memory_of(chained(episode(0, 9))[:6]).snapshot())
    (tmp_path / "held_0.npy").write_bytes(b"x")
    with pytest.raises(CheckpointError, match="no usable held steps"):
        memory_of([]).restore(tmp_path)


def test_both_ends_of_a_return_keep_their_own_frames(transitions):
    spec = toy_spec((CameraSpec("wrist", 4, 6),))
    items = transitions(6, spec)
    memory = memory_of(items, spec)
    ends = {}
    for arrived in items:
        ends[arrived.before.observation["state"].tobytes()] = arrived.before.observation["wrist"]
        ends[arrived.after.observation["state"].tobytes()] = arrived.after.observation["wrist"]
    frames_of = {spec.observation.normalise(np.frombuffer(k, np.float32)).tobytes(): v for k, v in ends.items()}
    for part in memory.parts.values():
        slots = np.arange(len(part))
        columns = part.layout.split(part.rows(slots))
        for name, after in (("state", False), ("next_state", True)):
            expected = [frames_of[np.ascontiguousarray(row).tobytes()] for row in columns[name]]
            np.testing.assert_array_equal(part.frames(slots, "wrist", after=after), expected)


def test_frames_are_shared_while_the_policy_acts_on():
    spec = toy_spec((CameraSpec("wrist", 4, 6),))
    image = {"wrist": np.zeros((4, 6, 3), np.uint8)}
    steps = [replace(s, observation={**s.observation, **image}) for s in episode(0, 48)]
    memory = memory_of(chained(steps), spec)
    bare = len(memory.parts["online"]) * (memory.layout.width * 4 + 16)
    frames = (memory.parts["online"].nbytes - bare) / image["wrist"].nbytes
    assert frames <= len(steps) + 3 * STEPS
