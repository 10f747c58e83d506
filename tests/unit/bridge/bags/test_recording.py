from __future__ import annotations

import errno
import threading
from io import FileIO
from pathlib import Path

import pytest
from fakes.bags import SPEC, TOPICS, raw_steps, write_bag
from fakes.processes import wait_until
from fakes.steps import episode

from vlmrl_ros.bridge.bags.layout import bag_file, episode_folder, episodes, is_closed
from vlmrl_ros.bridge.bags.reader import read_steps
from vlmrl_ros.bridge.bags.recording import Recording
from vlmrl_ros.core.errors import BagError
from vlmrl_ros.core.types import Feedback

LENGTH = 10
ROOM = 2**20


class Disk:
    """A real disk that can be slow or full for a while."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.full = threading.Event()
        self.ready.set()

    def open(self, path: Path, mode: str) -> FileIO:
        disk = self

        class File(FileIO):
            def write(self, data) -> int:
                disk.ready.wait()
                if disk.full.is_set():
                    super().write(data[: len(data) // 2])
                    raise OSError(errno.ENOSPC, "No space left on device")
                return super().write(data)

        return File(path, mode)


class Made:
    """A recording and what it says."""

    def __init__(self, directory: Path, disk: Disk | None = None, room: int = ROOM, **asked) -> None:
        self.written: list[int] = []
        self.problems: list[str] = []
        opener = {"opener": disk.open} if disk else {}
        self.ended: list[Feedback] = []
        self.recording = Recording(directory, TOPICS, room, **asked, **opener)
        self.recording.start(self.written.append, self.ended.append, self.problems.append)

    def put(self, raws) -> list[bool]:
        return [self.recording.put(raw) for raw in raws]

    def wait_for(self, count: int) -> None:
        wait_until(lambda: len(self.written) >= count, f"{count} steps on the disk")


@pytest.fixture
def disk():
    made = Disk()
    yield made
    made.full.clear()
    made.ready.set()


def steps_in(directory: Path) -> list[tuple[int, int]]:
    return [(s.feedback.episode, s.feedback.step) for s in read_steps([directory])[1]]


def test_only_episodes_that_succeed_are_kept_where_that_is_asked_for(tmp_path):
    made = Made(tmp_path, only_success=True)
    lived = [episode(0, 4), episode(1, 5, success=True), episode(2, 3), episode(3, 2, success=True), episode(4, 6)[:3]]
    made.put([raw for steps in lived for raw in raw_steps(steps)])
    made.wait_for(sum(map(len, lived)))
    made.recording.stop(5.0)
    assert {number for number, _ in steps_in(tmp_path)} == {1, 3}, "nor one that was cut off"
    assert [(end.episode, end.success) for end in made.ended] == [(0, False), (1, True), (2, False), (3, True)]
    assert (made.recording.kept, made.recording.discarded) == (2, 2)


def test_nothing_is_kept_beyond_the_episodes_that_are_wanted(tmp_path):
    made = Made(tmp_path, only_success=True, enough=2)
    outcomes = [True, False, True, True, True]
    made.put([raw for number, won in enumerate(outcomes) for raw in raw_steps(episode(number, 4, success=won))])
    wait_until(lambda: made.recording.complete, "the second success")
    made.recording.stop(5.0)
    assert {number for number, _ in steps_in(tmp_path)} == {0, 2}
    assert [end.episode for end in made.ended] == [0, 1, 2]


def test_each_episode_has_a_bag_of_its_own_that_is_closed_with_its_last_step(tmp_path):
    made = Made(tmp_path)
    made.put([*raw_steps(episode(0, LENGTH)), *raw_steps(episode(1, 3)), *raw_steps(episode(2, LENGTH)[:4])])
    made.wait_for(LENGTH + 1 + 4 + 4)
    wait_until(lambda: is_closed(episode_folder(tmp_path, 1)), "the end of the second bag")
    assert [is_closed(folder) for folder in episodes(tmp_path)] == [True, True, False]
    made.recording.stop(5.0)
    assert [is_closed(folder) for folder in episodes(tmp_path)] == [True, True, True]
    assert (made.recording.steps, made.recording.dropped, made.problems) == (19, 0, [])
    assert len(steps_in(tmp_path)) == 19
    assert read_steps([episode_folder(tmp_path, 1)])[0].to_json() == SPEC.to_json(), "each bag says what it holds"


def test_a_recording_goes_on_in_the_episode_in_which_the_one_before_was_killed(tmp_path):
    raws = raw_steps(episode(4, LENGTH))
    write_bag(tmp_path, raws[:5], closed=False)
    made = Made(tmp_path)
    assert made.recording.newest_ns == raws[4].stamp_ns
    assert made.recording.found == [f"closed '{episode_folder(tmp_path, 4)}', which its recorder had left open"]
    made.put(raws[5:])
    made.recording.stop(5.0)
    assert [folder.name for folder in episodes(tmp_path)] == ["episode_000004"]
    whole = write_bag(tmp_path / "whole", raws)
    assert bag_file(episode_folder(tmp_path, 4)).read_bytes() == bag_file(whole).read_bytes()


def test_an_episode_that_was_cut_off_keeps_its_bag_when_the_next_one_begins(tmp_path):
    made = Made(tmp_path)
    made.put([*raw_steps(episode(0, LENGTH)[:4]), *raw_steps(episode(1, 3))])
    made.recording.stop(5.0)
    assert steps_in(tmp_path) == [(0, k) for k in range(4)] + [(1, k) for k in range(4)]


def test_an_episode_whose_number_is_taken_gets_the_next_one(tmp_path):
    write_bag(tmp_path, episode(7, 3))
    made = Made(tmp_path)
    made.put(raw_steps(episode(2, 3)))
    made.recording.stop(5.0)
    assert [folder.name for folder in episodes(tmp_path)] == ["episode_000007", "episode_000008"]


def test_a_slow_disk_delays_nobody_and_what_finds_no_room_is_counted_and_said(tmp_path, disk):
    raws = raw_steps(episode(0, 200))
    made = Made(tmp_path, disk, room=50 * raws[0].nbytes)
    made.put(raws[:5])
    made.wait_for(5)
    disk.ready.clear()
    taken = made.put(raws[5:150])
    assert 50 <= sum(taken) <= 52, "the queue has its room, one step is in the thread's hands"
    assert made.recording.dropped == len(taken) - sum(taken)
    assert made.problems == ["the disk is too slow for the recording: steps are dropped"]
    disk.ready.set()
    made.wait_for(5 + sum(taken))
    wait_until(lambda: made.problems[-1] == "", "the all-clear")
    assert all(made.put(raws[150:170]))
    made.recording.stop(5.0)
    kept = [k for k, ok in enumerate([True] * 5 + taken + [True] * 20) if ok]
    assert steps_in(tmp_path) == [(0, k) for k in kept]


def test_a_full_disk_is_said_and_recording_resumes_with_all_that_the_queue_held(tmp_path, disk):
    raws = raw_steps(episode(0, LENGTH))
    made = Made(tmp_path, disk)
    made.put(raws[:4])
    made.wait_for(4)
    disk.full.set()
    made.put(raws[4:8])
    wait_until(lambda: made.problems, "a word about it")
    assert made.problems[0] == f"recording waits: '{tmp_path}' cannot be written: No space left on device"
    assert steps_in(tmp_path) == [(0, k) for k in range(4)], "what was written is readable meanwhile"
    disk.full.clear()
    made.wait_for(8)
    wait_until(lambda: made.problems[-1] == "", "the all-clear")
    made.put(raws[8:])
    made.recording.stop(5.0)
    assert steps_in(tmp_path) == [(0, k) for k in range(LENGTH + 1)]
    assert made.recording.dropped == 0


def test_a_disk_that_stays_full_does_not_keep_the_recorder_from_ending(tmp_path, disk):
    made = Made(tmp_path, disk)
    raws = raw_steps(episode(0, LENGTH))
    made.put(raws[:4])
    made.wait_for(4)
    disk.full.set()
    made.put(raws[4:])
    made.recording.stop(5.0)
    assert (made.recording.steps, made.recording.dropped) == (4, len(raws) - 4)
    assert steps_in(tmp_path) == [(0, k) for k in range(4)]
    assert Recording(tmp_path, TOPICS, ROOM).newest_ns == raws[3].stamp_ns


def test_a_directory_that_cannot_be_written_is_refused_by_name(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BagError, match=r"bags cannot be written to '.*file/bags': Not a directory"):
        Recording(tmp_path / "file" / "bags", TOPICS, ROOM)


def test_a_recording_of_nothing_leaves_nothing_and_takes_nothing_away(tmp_path):
    (tmp_path / "runs").mkdir()
    Made(tmp_path / "runs" / "run" / "bags").recording.stop(5.0)
    assert [*tmp_path.rglob("*")] == [tmp_path / "runs"]
