"""What LeRobot's own reader asks of a data set of version 3.0 (``src/lerobot/datasets`` of huggingface/lerobot)."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes.bags import SEEING, with_frames, write_bag
from fakes.steps import episode

from vlmrl_ros.bridge.bags.reader import read_steps
from vlmrl_ros.bridge.lerobot.exporting import export_bags
from vlmrl_ros.bridge.lerobot.importing import import_dataset
from vlmrl_ros.core.errors import BagError

LENGTHS = (12, 7)
NEEDED = {"codebase_version", "fps", "features", "total_episodes", "total_frames", "total_tasks", "chunks_size"}
NEEDED |= {"data_files_size_in_mb", "video_files_size_in_mb", "data_path", "video_path", "robot_type", "splits"}


@pytest.fixture(scope="module")
def lived():
    return [with_frames(episode(number, length, (2, 3), success=True)) for number, length in enumerate(LENGTHS)]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, lived):
    root = tmp_path_factory.mktemp("lerobot")
    for steps in lived:
        write_bag(root / "bags", steps, SEEING)
    export_bags([root / "bags"], root / "set", task="push the block")
    return root / "set"


@pytest.fixture(scope="module")
def info(dataset):
    return json.loads((dataset / "meta/info.json").read_text())


def read(dataset, name):
    return pq.read_table(dataset / name)


def test_info_says_all_that_a_data_set_of_this_version_says(info):
    assert info.keys() == NEEDED
    assert (info["codebase_version"], info["fps"], info["splits"]) == ("v3.0", 10, {"train": "0:2"})
    assert (info["total_episodes"], info["total_frames"], info["total_tasks"]) == (2, sum(LENGTHS) + 2, 1)
    assert all(isinstance(f["shape"], list) and "/" not in name for name, f in info["features"].items())


def test_the_table_has_the_declared_columns_in_their_types(dataset, info):
    table = read(dataset, info["data_path"].format(chunk_index=0, file_index=0))
    assert table.column_names == list(info["features"])
    for name, feature in info["features"].items():
        kind, size = table.schema.field(name).type, feature["shape"][0]
        if feature["dtype"] == "image":
            assert kind == pa.struct([("bytes", pa.binary()), ("path", pa.string())])
            continue
        scalar = pa.from_numpy_dtype(np.dtype(feature["dtype"]))
        assert kind == (scalar if size == 1 else pa.list_(scalar, size))
    assert table["index"].to_pylist() == list(range(len(table)))
    assert table["episode_index"].to_pylist() == [0] * 13 + [1] * 8
    frames = np.array(table["frame_index"])
    assert np.allclose(np.array(table["timestamp"]), frames / 10, atol=1e-4)


def test_an_episode_is_a_row_group_and_its_record_says_where_it_is(dataset):
    assert pq.ParquetFile(dataset / "data/chunk-000/file-000.parquet").num_row_groups == 2
    rows = read(dataset, "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    assert [(row["dataset_from_index"], row["dataset_to_index"], row["length"]) for row in rows] == [
        (0, 13, 13),
        (13, 21, 8),
    ]
    for index, row in enumerate(rows):
        assert row["episode_index"] == index
        assert row["tasks"] == ["push the block"]
        places = [f"{where}/{part}_index" for where in ("data", "meta/episodes") for part in ("chunk", "file")]
        assert [row[place] for place in places] == [0, 0, 0, 0]


def test_tasks_are_indexed_by_their_text_as_pandas_stores_it(dataset):
    table = read(dataset, "meta/tasks.parquet")
    about = json.loads(table.schema.metadata[b"pandas"])
    assert about["index_columns"] == ["task"]
    assert table.to_pydict() == {"task_index": [0], "task": ["push the block"]}


def test_statistics_are_those_of_the_numbers_and_of_the_pixels(dataset, info, lived):
    stats = json.loads((dataset / "meta/stats.json").read_text())
    assert stats.keys() == info["features"].keys()
    steps = [step for steps in lived for step in steps]
    states = np.stack([step.observation["state"] for step in steps])
    for name, expected in (("min", states.min(0)), ("max", states.max(0)), ("mean", states.mean(0))):
        assert np.allclose(stats["observation.state"][name], expected)
    assert np.allclose(stats["observation.state"]["std"], states.std(0), atol=1e-6)
    pixels = np.stack([step.observation["wrist"] for step in steps]) / 255.0
    seen = stats["observation.images.wrist"]
    assert np.shape(seen["mean"]) == (3, 1, 1)
    assert np.allclose(np.ravel(seen["mean"]), pixels.mean((0, 1, 2)))
    assert seen["count"] == [len(steps)]


def test_next_says_where_an_action_led_and_a_person_is_marked(dataset, lived):
    table = read(dataset, "data/chunk-000/file-000.parquet").slice(0, 13)
    assert table["next.done"].to_pylist() == [False] * 11 + [True] * 2
    assert table["next.success"].to_pylist() == [False] * 11 + [True] * 2
    assert table["complementary_info.is_intervention"].to_pylist() == [i in (2, 3) for i in range(13)]
    first = cv2.imdecode(np.frombuffer(table["observation.images.wrist"][0]["bytes"].as_py(), np.uint8), 1)
    assert (first[..., ::-1] == lived[0][0].observation["wrist"]).all()


def foreign(dataset, tmp_path):
    """The same data as somebody else would have recorded it: nothing of ours, other names, channels first."""
    target = tmp_path / "theirs"
    info = json.loads((dataset / "meta/info.json").read_text())
    features = {n: f for n, f in info["features"].items() if not n.startswith(("vlmrl.", "next.", "complementary"))}
    features["action"]["names"] = {"motors": ["shoulder", "elbow"]}
    for name in ("meta", "data/chunk-000"):
        (target / name).mkdir(parents=True)
    table = read(dataset, "data/chunk-000/file-000.parquet")
    pq.write_table(
        table.select([n for n in table.column_names if n in features]), target / "data/chunk-000/file-000.parquet"
    )
    (target / "meta/info.json").write_text(json.dumps({**info, "features": features}))
    for name in ("stats.json", "tasks.parquet"):
        (target / "meta" / name).write_bytes((dataset / "meta" / name).read_bytes())
    return target


def test_somebody_elses_episodes_become_demonstrations_whose_every_action_counts(dataset, tmp_path, lived):
    done = import_dataset(foreign(dataset, tmp_path), tmp_path / "bags")
    assert (done.episodes, done.own) == (2, False)
    spec, found = read_steps([tmp_path / "bags"])
    steps = list(found)
    assert spec.task == "push_the_block"
    assert (spec.action.names, spec.action.units, spec.control_dt_s) == (("shoulder", "elbow"), ("1", "1"), 0.1)
    assert len(steps) == sum(LENGTHS) + 2 + 2, "what the last action led to is one step more"
    of_first = [step for step in steps if step.feedback.episode == 0]
    for mine, theirs in zip(lived[0], of_first, strict=False):
        assert (mine.executed == theirs.executed).all()
        assert (mine.observation["wrist"] == theirs.observation["wrist"]).all()
    assert [step.feedback.last for step in of_first] == [False] * 13 + [True]
    assert of_first[-1].feedback.success
    assert of_first[-1].feedback.truncated
    assert all(step.intervention.active and not step.intervention.edge for step in of_first)


def test_somebody_elses_data_take_units_and_limits_from_ones_own_bags(dataset, tmp_path):
    import_dataset(foreign(dataset, tmp_path), tmp_path / "bags", like=dataset.parent / "bags")
    spec, _ = read_steps([tmp_path / "bags"])
    assert spec.to_json() == SEEING.to_json()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda info: info.update(codebase_version="v2.1"), "is of version v2.1"),
        (lambda info: info.pop("features"), "is damaged"),
        (lambda info: info["features"].update({"../x": {"dtype": "video", "shape": [2, 2, 3]}}), r"called '\.\./x'"),
        (lambda info: info["features"]["observation.images.wrist"].update(shape=[9, 9, 3]), "info.json says 9 x 9"),
        (lambda info: info["features"].pop("action"), "has no column 'action'"),
    ],
    ids=["version", "damaged", "path", "size", "action"],
)
def test_a_data_set_that_does_not_fit_is_refused_by_what_is_wrong(dataset, tmp_path, damage, message):
    target = foreign(dataset, tmp_path)
    info = json.loads((target / "meta/info.json").read_text())
    damage(info)
    (target / "meta/info.json").write_text(json.dumps(info))
    with pytest.raises(BagError, match=message):
        import_dataset(target, tmp_path / "bags")


def test_a_folder_that_is_no_data_set_is_named(tmp_path):
    with pytest.raises(BagError, match=r"is no LeRobot data set \(no meta/info.json\)"):
        import_dataset(tmp_path, tmp_path / "bags")
