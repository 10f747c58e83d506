"""Names, folders and features of a LeRobotDataset v3.0, and how its columns are typed in Parquet.

Source: huggingface/lerobot, ``src/lerobot/datasets`` (``utils.py``, ``feature_utils.py``), codebase version v3.0.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vlmrl_ros.bridge.messages import FEEDBACK_NAMES, INTERVENTION_NAMES
from vlmrl_ros.core.spec import CameraSpec, TaskSpec

VERSION = "v3.0"
FILES_IN_CHUNK, DATA_FILE_MIB, VIDEO_FILE_MIB = 1000, 100, 200
INFO, STATS, TASKS = "meta/info.json", "meta/stats.json", "meta/tasks.parquet"
SPEC = "meta/vlmrl_task_spec.json"
"""Ours, beside theirs: units and bounds, which LeRobot does not know."""
_FILE = "chunk-{chunk_index:03d}/file-{file_index:03d}"
EPISODES, DATA = f"meta/episodes/{_FILE}.parquet", f"data/{_FILE}.parquet"
VIDEO = "videos/{video_key}/" + f"{_FILE}.mp4"

STATE, IMAGES, ACTION = "observation.state", "observation.images.", "action"
REWARD, DONE, TRUNCATED, SUCCESS = "next.reward", "next.done", "next.truncated", "next.success"
HUMAN = "complementary_info.is_intervention"
POLICY_ACTION, COMMAND = "vlmrl.policy_action", "vlmrl.command"
FEEDBACK, INTERVENTION, STAMP = "vlmrl.feedback", "vlmrl.intervention", "vlmrl.stamp_ns"

Features = dict[str, dict[str, Any]]
"""Column to ``dtype``, ``shape`` and ``names``, as in ``info.json``."""

_COUNTED = {"timestamp": "float32", "frame_index": "int64", "episode_index": "int64", "index": "int64"}
_COUNTED["task_index"] = "int64"


def features_of(spec: TaskSpec, video: bool) -> Features:
    """The columns of a task.

    Args:
        spec: of the task.
        video: frames go into MP4 files instead of PNGs.
    """
    action = list(spec.action.names)
    found = {
        STATE: _feature("float32", list(spec.observation.names)),
        ACTION: _feature("float32", action),
        **{IMAGES + camera.name: _image(camera, video, round(1.0 / spec.control_dt_s)) for camera in spec.cameras},
        REWARD: _feature("float32"),
        **{name: _feature("bool") for name in (DONE, TRUNCATED, SUCCESS, HUMAN)},
        POLICY_ACTION: _feature("float32", action),
        COMMAND: _feature("float32", action),
        FEEDBACK: _feature("float64", FEEDBACK_NAMES),
        INTERVENTION: _feature("float64", INTERVENTION_NAMES),
        STAMP: _feature("int64"),
        **{name: _feature(dtype) for name, dtype in _COUNTED.items()},
    }
    if not spec.observation.size:
        del found[STATE]
    return found


def is_frame(feature: Mapping[str, Any]) -> bool:
    """The column holds camera frames."""
    return feature["dtype"] in ("image", "video")


def arrow_schema(features: Features) -> pa.Schema:
    """The schema of a data file; videos are no columns."""
    columns = {name: feature for name, feature in features.items() if feature["dtype"] != "video"}
    known = {"info": {"features": {name: _hub_type(feature) for name, feature in columns.items()}}}
    fields = [(name, _arrow_type(feature)) for name, feature in columns.items()]
    return pa.schema(fields, metadata={"huggingface": json.dumps(known)})


def arrow_column(feature: Mapping[str, Any], values: npt.NDArray[Any]) -> pa.Array:
    """A column of numbers; ``values``: (frames,) or (frames, N)."""
    size = feature["shape"][0]
    flat = pa.array(np.ascontiguousarray(values).reshape(-1).astype(feature["dtype"]))
    return flat if size == 1 else pa.FixedSizeListArray.from_arrays(flat, size)


def _feature(dtype: str, names: list[str] | None = None) -> dict[str, Any]:
    return {"dtype": dtype, "shape": [len(names) if names else 1], "names": names}


def _image(camera: CameraSpec, video: bool, fps: int) -> dict[str, Any]:
    shape = [camera.height, camera.width, 3]
    feature = {"dtype": "image", "shape": shape, "names": ["height", "width", "channels"]}
    if not video:
        return {**feature, "info": {"is_depth_map": False}}
    info = {
        "video.height": camera.height,
        "video.width": camera.width,
        "video.codec": "mpeg4",
        "video.pix_fmt": "yuv420p",
        "video.fps": fps,
        "video.channels": 3,
        "has_audio": False,
        "is_depth_map": False,
    }
    return {**feature, "dtype": "video", "info": info}


def _arrow_type(feature: Mapping[str, Any]) -> pa.DataType:
    if feature["dtype"] == "image":
        return pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    scalar = pa.from_numpy_dtype(np.dtype(feature["dtype"]))
    return scalar if feature["shape"][0] == 1 else pa.list_(scalar, feature["shape"][0])


def _hub_type(feature: Mapping[str, Any]) -> dict[str, Any]:
    """How the library ``datasets`` calls the type."""
    if feature["dtype"] == "image":
        return {"_type": "Image"}
    scalar = {"dtype": feature["dtype"], "_type": "Value"}
    size = feature["shape"][0]
    return scalar if size == 1 else {"feature": scalar, "length": size, "_type": "Sequence"}
