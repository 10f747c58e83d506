from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from vlmrl_ros.core.checkpoint import checkpoints_in, read_checkpoint
from vlmrl_ros.core.checkpoint_writer import MOST_WAITING, CheckpointWriter
from vlmrl_ros.core.snapshot import Part


class State:
    """Something that changes: a list of which whole pairs are fixed files and the rest is written anew."""

    def __init__(self):
        self.values: list[int] = []
        self.copied: list[str] = []

    def parts(self) -> dict[str, Part]:
        whole = len(self.values) // 2 * 2
        found = {f"pair_{k}": self._part(f"pair_{k}", k, k + 2) for k in range(0, whole, 2)}
        return {**found, "tail": self._part("tail", whole, len(self.values), fixed=False)}

    def _part(self, name: str, begin: int, end: int, fixed: bool = True) -> Part:
        def copy():
            self.copied.append(name)
            taken = bytes(self.values[begin:end])
            return lambda: [taken]

        return Part(copy, fixed)


class Gate:
    """A part whose writing waits until it is let through."""

    def __init__(self):
        self.reached, self._open = threading.Event(), threading.Event()

    def part(self) -> Part:
        def content():
            self.reached.set()
            assert self._open.wait(30)
            return [b"late"]

        return Part(lambda: content)

    def open(self):
        self._open.set()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "checkpoints"
    made.mkdir()
    return made


@pytest.fixture
def writer(folder):
    made = CheckpointWriter(folder)
    yield made
    made.close()


def written(folder: Path) -> list[str]:
    return [path.name for path in checkpoints_in(folder)]


def test_what_is_written_is_the_state_at_the_call_whatever_changes_after_it(writer):
    state, gate = State(), Gate()
    state.values = [1, 2, 3]
    writer.submit(1, {"gate": gate.part(), **state.parts()}, {})
    assert gate.reached.wait(30)
    state.values[:] = [7, 7, 7]
    gate.open()
    (outcome,) = writer.collect(wait=True)
    assert (outcome.stored.path / "pair_0").read_bytes() == bytes([1, 2])
    assert (outcome.stored.path / "tail").read_bytes() == bytes([3])


def test_only_what_is_not_on_disk_yet_is_copied_and_the_rest_is_shared(writer):
    state = State()
    state.values = [1, 2, 3, 4, 5]
    writer.submit(1, state.parts(), {})
    (first,) = writer.collect(wait=True)
    state.copied.clear()
    state.values += [6, 7]
    writer.submit(2, state.parts(), {})
    (second,) = writer.collect(wait=True)
    assert state.copied == ["pair_4", "tail"]
    assert os.path.samefile(first.stored.path / "pair_2", second.stored.path / "pair_2")
    assert read_checkpoint(second.stored.path)["sha256"] == second.stored.sha256


def test_the_hash_does_not_depend_on_where_earlier_checkpoints_fell(tmp_path):
    hashes = set()
    for number, stops in enumerate([(7,), (2, 7), (1, 3, 5, 7)]):
        state, writer = State(), CheckpointWriter(tmp_path / str(number))
        for stop in stops:
            state.values = list(range(stop))
            writer.submit(stop, state.parts(), {})
        hashes.add(writer.collect(wait=True)[-1].stored.combined_sha256)
        writer.close()
    assert len(hashes) == 1


def test_while_one_is_written_the_next_waits_and_then_no_more_are_taken(writer, folder):
    gate = Gate()
    writer.submit(1, {"gate": gate.part()}, {})
    assert gate.reached.wait(30)
    assert not writer.full
    writer.submit(2, State().parts(), {})
    assert MOST_WAITING == 2
    assert writer.full
    assert writer.collect() == []
    gate.open()
    assert [outcome.step for outcome in writer.collect(wait=True)] == [1, 2]
    assert written(folder) == ["step_1", "step_2"]


def test_a_disk_that_takes_no_more_is_told_of_and_the_next_one_is_whole_again(writer, folder):
    state = State()
    state.values = [1, 2, 3, 4]
    writer.submit(1, state.parts(), {})
    writer.collect(wait=True)
    away = folder.with_name("away")
    folder.rename(away)
    folder.write_text("a file where the folder was")
    state.values += [5, 6]
    writer.submit(2, state.parts(), {})
    (failed,) = writer.collect(wait=True)
    assert failed.stored is None
    assert failed.error.startswith("checkpoint of step 2 could not be written: ")
    folder.unlink()
    away.rename(folder)
    state.copied.clear()
    writer.submit(3, state.parts(), {})
    (outcome,) = writer.collect(wait=True)
    assert "pair_4" in state.copied, "it never came to the disk"
    assert "pair_2" not in state.copied
    assert read_checkpoint(outcome.stored.path)["step"] == 3
    assert written(folder) == ["step_1", "step_3"]


def test_only_the_newest_and_those_asked_for_are_kept(writer, folder):
    for step in (1, 2, 3, 4):
        writer.submit(step, State().parts(), {})
        writer.collect(wait=True)
    writer.keep(frozenset({"step_2"}))
    writer.submit(5, State().parts(), {})
    writer.collect(wait=True)
    assert written(folder) == ["step_2", "step_4", "step_5"]


def test_a_file_that_a_deleted_checkpoint_had_too_stays(writer, folder):
    state = State()
    state.values = [1, 2, 3]
    for step in (1, 2):
        writer.submit(step, state.parts(), {})
        writer.collect(wait=True)
    writer.keep(frozenset())
    writer.submit(3, state.parts(), {})
    (outcome,) = writer.collect(wait=True)
    assert written(folder) == ["step_2", "step_3"]
    assert read_checkpoint(outcome.stored.path)["step"] == 3


def test_closing_finishes_what_is_under_way(folder):
    writer, gate = CheckpointWriter(folder), Gate()
    writer.submit(1, {"gate": gate.part()}, {})
    threading.Timer(0.05, gate.open).start()
    writer.close()
    assert written(folder) == ["step_1"]


def test_a_run_that_goes_on_shares_the_files_of_the_checkpoint_it_began_with(folder):
    state, first = State(), CheckpointWriter(folder)
    state.values = [1, 2, 3]
    first.submit(1, state.parts(), {})
    (outcome,) = first.collect(wait=True)
    first.close()
    second = CheckpointWriter(folder, outcome.stored)
    state.values += [4, 5]
    second.submit(2, state.parts(), {})
    (after,) = second.collect(wait=True)
    second.close()
    assert os.path.samefile(outcome.stored.path / "pair_0", after.stored.path / "pair_0")
