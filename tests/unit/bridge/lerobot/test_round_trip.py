from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes.bags import SEEING, SPEC, same, with_frames, write_bag
from fakes.steps import episode

from vlmrl_ros.bridge.bags.reader import read_steps, read_streams
from vlmrl_ros.bridge.lerobot.exporting import export_bags
from vlmrl_ros.bridge.lerobot.importing import import_dataset
from vlmrl_ros.core.errors import BagError

LENGTH = 12


def lived() -> list:
    """A takeover that ends in success, and a failure with odd rewards and lengths."""
    first = episode(0, LENGTH, (3, 4, 5), success=True, reward=1.0 / 3.0)
    second = episode(1, 7, reward=-0.1)
    last = second[-1]
    second[-1] = replace(last, feedback=replace(last.feedback, terminated=True, truncated=False, weights_version=9))
    return with_frames([*first, *second])


def test_what_was_exported_comes_back_as_it_was_byte_for_byte(tmp_path):
    steps = lived()
    write_bag(tmp_path / "bags", steps[: LENGTH + 1], SEEING)
    write_bag(tmp_path / "bags", steps[LENGTH + 1 :], SEEING)
    exported = export_bags([tmp_path / "bags"], tmp_path / "set")
    assert (exported.episodes, exported.frames, exported.alone) == (2, len(steps), 0)
    imported = import_dataset(tmp_path / "set", tmp_path / "back")
    assert (imported.episodes, imported.steps, imported.own) == (2, len(steps), True)
    spec, found = read_steps([tmp_path / "back"])
    assert spec.to_json() == SEEING.to_json()
    assert all(same(a, b) for a, b in zip(found, steps, strict=True))


def test_runs_that_know_nothing_of_each_other_stay_apart(tmp_path):
    for run in ("first", "second"):
        write_bag(tmp_path / run, episode(0, 5))
        write_bag(tmp_path / run, episode(1, 4))
    export_bags([tmp_path / "first", tmp_path / "second"], tmp_path / "set")
    import_dataset(tmp_path / "set", tmp_path / "back")
    _, streams = read_streams([tmp_path / "back"])
    found = [[step.feedback.episode for step in stream] for stream in streams]
    assert found == [[0] * 6 + [1] * 5] * 2


def test_a_missing_step_makes_two_episodes_and_a_step_alone_is_left_out(tmp_path):
    steps = episode(0, 10)
    write_bag(tmp_path / "bags", [*steps[:4], *steps[5:9], steps[10]])
    exported = export_bags([tmp_path / "bags"], tmp_path / "set")
    assert (exported.episodes, exported.frames, exported.alone) == (2, 8, 1)


def test_video_brings_the_frames_back_nearly_and_everything_else_exactly(tmp_path):
    smooth = np.linspace(0, 255, 64 * 48 * 3, dtype=np.uint8).reshape(48, 64, 3)
    spec = replace(SPEC, cameras=(replace(SEEING.cameras[0], height=48, width=64),))
    steps = [
        replace(s, observation={**s.observation, "wrist": np.roll(smooth, 3 * i, 0)}) for i, s in enumerate(lived())
    ]
    write_bag(tmp_path / "bags", steps[: LENGTH + 1], spec)
    write_bag(tmp_path / "bags", steps[LENGTH + 1 :], spec)
    export_bags([tmp_path / "bags"], tmp_path / "set", video=True)
    assert (tmp_path / "set/videos/observation.images.wrist/chunk-000/file-000.mp4").stat().st_size > 1000
    import_dataset(tmp_path / "set", tmp_path / "back")
    found = list(read_steps([tmp_path / "back"])[1])
    for mine, theirs in zip(steps, found, strict=True):
        shown, seen = (step.observation["wrist"].astype(int) for step in (mine, theirs))
        assert np.abs(shown - seen).mean() < 12.0, "the frame of this very step"
        assert same(replace(mine, observation={}), replace(theirs, observation={}))


@pytest.mark.parametrize(
    ("what", "message"),
    [("exists", "exists already"), ("nothing", "no bags in"), ("rate", "a control step of 0.3 s")],
)
def test_what_cannot_be_exported_is_refused_and_leaves_nothing(tmp_path, what, message):
    bags, target = tmp_path / "bags", tmp_path / "set"
    bags.mkdir()
    if what != "nothing":
        write_bag(bags, episode(0, 3), replace(SPEC, control_dt_s=0.3) if what == "rate" else SPEC)
    if what == "exists":
        target.mkdir()
    with pytest.raises(BagError, match=message):
        export_bags([bags], target)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted({"bags"} | ({"set"} if what == "exists" else set()))


def test_a_folder_that_holds_something_is_not_imported_into(tmp_path):
    write_bag(tmp_path / "bags", episode(0, 3))
    export_bags([tmp_path / "bags"], tmp_path / "set")
    with pytest.raises(BagError, match="is not empty"):
        import_dataset(tmp_path / "set", tmp_path / "bags")
