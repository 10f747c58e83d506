from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from fakes.replays import CAMERAS, WIDTHS, assert_frames_fit_their_rows, fill, frame, observation

from vlmrl_ros.core.errors import ConfigError, NonFiniteError
from vlmrl_ros.core.replay import FramePair, Layout, Replay
from vlmrl_ros.core.snapshot import save_snapshot
from vlmrl_ros.core.spec import CameraSpec


def test_columns_lie_side_by_side_and_split_into_views():
    layout = Layout({"state": 3, "reward": 1, "return_to_go": 1})
    rows = np.arange(10, dtype=np.float32).reshape(2, 5)
    parts = layout.split(rows)
    assert layout.width == 5
    np.testing.assert_array_equal(parts["return_to_go"], [[4], [9]])
    assert all(np.shares_memory(part, rows) for part in parts.values())


def test_every_row_comes_back_as_it_was_put_in():
    replay = Replay(WIDTHS, capacity=50)
    fill(replay, episodes=5, length=10)
    slots = replay.draw(2000, np.random.default_rng(0))
    seen = {(int(e), int(s)) for e, s, _ in replay.rows(slots)}
    assert seen == {(e, s) for e in range(5) for s in range(10)}


def test_the_oldest_rows_give_way_when_the_ring_is_full():
    replay = Replay(WIDTHS, capacity=20)
    fill(replay, episodes=5, length=10)
    assert len(replay) == 20
    episodes = set(replay.rows(replay.draw(500, np.random.default_rng(0)))[:, 0])
    assert episodes == {3.0, 4.0}


def test_equal_generators_draw_equal_rows():
    replay = Replay(WIDTHS, capacity=64)
    fill(replay, episodes=3, length=10)
    first, second = (replay.rows(replay.draw(32, np.random.default_rng(5))) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_rows_can_be_written_into_a_given_array():
    replay = Replay(WIDTHS, capacity=64)
    fill(replay, episodes=3, length=10)
    out = np.zeros((32, 3), np.float32)
    slots = replay.draw(32, np.random.default_rng(5))
    assert replay.rows(slots, out=out) is out
    np.testing.assert_array_equal(out, replay.rows(slots))


def test_frames_belong_to_their_rows():
    replay = Replay(WIDTHS, 100, CAMERAS)
    fill(replay, episodes=5, length=10)
    assert_frames_fit_their_rows(replay)


@pytest.mark.parametrize("length", [1, 3, 10], ids="episodes of {} steps".format)
def test_frames_belong_to_their_rows_after_many_turns_of_the_ring(length: int):
    replay = Replay(WIDTHS, 37, CAMERAS)
    fill(replay, episodes=200 // length, length=length)
    assert 37 // 2 <= len(replay) <= 37
    assert_frames_fit_their_rows(replay)


def test_a_frame_that_two_transitions_share_is_stored_once():
    replay = Replay(WIDTHS, 1000, CAMERAS)
    fill(replay, episodes=2, length=100)
    frame_bytes = sum(3 * c.height * c.width for c in CAMERAS)
    row_bytes = 3 * 4 + 2 * 8
    assert replay.nbytes == 2 * 101 * frame_bytes + 200 * row_bytes


def test_a_missing_step_starts_a_new_chain_of_frames():
    replay = Replay(WIDTHS, 100, CAMERAS)
    for step in (0, 1, 5, 6):
        pair = FramePair(observation(0, step), observation(0, step + 1), 0, step)
        replay.add({"state": [0, step], "reward": 0.0}, pair)
    assert_frames_fit_their_rows(replay)


def test_a_bad_frame_does_not_spoil_the_chain():
    replay = Replay(WIDTHS, 100, CAMERAS)
    fill(replay, episodes=1, length=3)
    bad = observation(0, 4) | {"front": np.zeros((5, 5, 3), np.uint8)}
    with pytest.raises(ConfigError, match="camera 'front' must be uint8"):
        replay.add({"state": [0, 3], "reward": 0.0}, FramePair(observation(0, 3), bad, 0, 3))
    replay.add({"state": [0, 3], "reward": 0.0}, FramePair(observation(0, 3), observation(0, 4), 0, 3))
    assert len(replay) == 4
    assert_frames_fit_their_rows(replay)


def test_a_full_ring_with_two_128_px_cameras_takes_at_most_1_1_times_the_raw_frames():
    cameras = (CameraSpec("wrist", 128, 128), CameraSpec("front", 128, 128))
    widths = {"state": 18, "action": 3, "reward": 1, "bootstrap": 1, "next_state": 18}
    replay = Replay(widths, 300, cameras)
    values = {name: np.zeros(width) for name, width in widths.items()}
    for episode in range(6):
        for step in range(80):
            before, after = (observation(episode, k, cameras) for k in (step, step + 1))
            replay.add(values, FramePair(before, after, episode, step))
    raw_frames = len(replay) * 2 * 128 * 128 * 3
    assert len(replay) == 300
    assert replay.nbytes <= 1.1 * raw_frames


def test_memory_is_not_touched_before_it_is_used():
    cameras = (CameraSpec("wrist", 128, 128),)
    before = resident_bytes()
    replay = Replay(WIDTHS, 100_000, cameras)
    for step in range(20):
        pair = FramePair(observation(0, step, cameras), observation(0, step + 1, cameras), 0, step)
        replay.add({"state": [0, step], "reward": 0.0}, pair)
    assert resident_bytes() - before < 50e6


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_a_value_that_is_not_finite_is_refused_and_named():
    replay = Replay(WIDTHS, 10)
    with pytest.raises(NonFiniteError, match="reward"):
        replay.add({"state": [0, 0], "reward": float("nan")})
    assert len(replay) == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"state": [0, 0]}, "expected state, reward"),
        ({"state": [0, 0, 0], "reward": 0.0}, "column 'state' holds 2 floats"),
    ],
)
def test_a_row_that_does_not_fit_is_refused(values: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        Replay(WIDTHS, 10).add(values)


def test_a_replay_with_cameras_refuses_a_transition_without_frames():
    with pytest.raises(ConfigError, match="wrist, front"):
        Replay(WIDTHS, 10, CAMERAS).add({"state": [0, 0], "reward": 0.0})


def test_sampling_and_insertion_keep_their_budget():
    widths = {"state": 18, "action": 3, "reward": 1, "bootstrap": 1, "next_state": 18}
    replay = Replay(widths, 10_000)
    values = {name: np.zeros(width, np.float32) for name, width in widths.items()}
    insert_s = best_of(5, lambda: [replay.add(values) for _ in range(1000)]) / 1000
    slots, out = replay.draw(256, np.random.default_rng(0)), np.empty((256, 41), np.float32)
    sample_s = best_of(20, lambda: replay.rows(slots, out=out))
    assert insert_s < 50e-6
    assert sample_s < 50e-6  # the bar of 15 us is the benchmark's; this machine may be busy


def best_of(times: int, work) -> float:
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def arm_observation(arm: int, episode: int, step: int) -> dict[str, np.ndarray]:
    return {c.name: frame(c, 100 * arm + episode, step) for c in CAMERAS}


def fill_from_arms(replay: Replay, order: list[int], length: int) -> None:
    """Transitions of several arms, whose episodes and steps bear the same numbers, in the given order of arms."""
    done: dict[int, int] = {}
    for arm in order:
        count = done[arm] = done.get(arm, -1) + 1
        episode, step = divmod(count, length)
        ends = [arm_observation(arm, episode, step + more) for more in (0, 1)]
        replay.add({"state": [100 * arm + episode, step], "reward": 0.0}, FramePair(*ends, episode, step, arm))


def test_two_arms_in_turn_never_share_a_frame_but_each_shares_its_own():
    replay = Replay(WIDTHS, 1000, CAMERAS)
    fill_from_arms(replay, [0, 1] * 200, length=100)
    assert_frames_fit_their_rows(replay)
    frame_bytes = sum(3 * c.height * c.width for c in CAMERAS)
    assert replay.nbytes == 4 * 101 * frame_bytes + 400 * (3 * 4 + 2 * 8)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("capacity", [5, 100])
def test_frames_of_arms_in_any_order_fit_their_rows_when_the_ring_goes_round(seed: int, capacity: int):
    rng = np.random.default_rng(seed)
    order = [arm for _ in range(60) for arm in [int(rng.integers(3))] * int(rng.integers(1, 12))]
    replay = Replay(WIDTHS, capacity, CAMERAS)
    fill_from_arms(replay, order, length=9)
    assert len(replay) > 0.6 * capacity
    assert_frames_fit_their_rows(replay)


def test_a_restored_replay_of_two_arms_grows_as_the_saved_one(tmp_path: Path):
    saved, restored = Replay(WIDTHS, 200, CAMERAS), Replay(WIDTHS, 200, CAMERAS)
    order = [0, 1, 1] * 70
    fill_from_arms(saved, order, length=20)
    save_snapshot(tmp_path, saved.snapshot())
    restored.restore(tmp_path)
    for replay in (saved, restored):
        ends = [arm_observation(1, 7, step) for step in (0, 1)]
        replay.add({"state": [107, 0], "reward": 0.0}, FramePair(*ends, 7, 0, 1))
        assert_frames_fit_their_rows(replay)
    assert (restored.nbytes, len(restored)) == (saved.nbytes, len(saved))
    draws = [replay.rows(replay.draw(50, np.random.default_rng(1))) for replay in (saved, restored)]
    np.testing.assert_array_equal(*draws)
