"""Is a bag a data set? The replay of a run, rebuilt from its bags, against the one in its newest checkpoint."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from vlmrl_ros.bridge.bags.layout import BAGS
from vlmrl_ros.bridge.bags.reader import read_streams, steps_after
from vlmrl_ros.core import registry
from vlmrl_ros.core.checkpoint import newest_whole
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.errors import BagError, CheckpointError
from vlmrl_ros.core.preload import preload
from vlmrl_ros.core.snapshot import Part
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.training import Training
from vlmrl_ros.nodes.plan import IDENTITY_FILE


def replay_equal(run_dir: Path) -> bool:
    """Whether the bags of a run give the replay of its newest whole checkpoint, byte for byte.

    Every array of the replay is compared (transitions, frames and which frames belong to which transition), its
    numbering, the steps that wait for the end of their episode, and the records of the episodes.

    Args:
        run_dir: of a run of one arm; it need not have ended.

    Raises:
        CheckpointError: the run has no whole checkpoint.
        BagError: a bag is damaged, or the run is one of a fleet: the bags do not say in which order the steps of its
            arms were learned from.
    """
    found = newest_whole(run_dir / "checkpoints", lambda line: None)
    if found is None:
        raise CheckpointError(f"'{run_dir}' has no whole checkpoint to compare with its bags")
    stored, about = found
    live = {name: digest for name, digest in stored.sha256.items() if _is_data(name)}
    return live == {name: _sha256(part) for name, part in _rebuilt(run_dir, about).items() if _is_data(name)}


def _rebuilt(run_dir: Path, about: dict[str, Any]) -> dict[str, Part]:
    """What a training holds that has lived through the run's bags and made no update."""
    identity = json.loads((run_dir / IDENTITY_FILE).read_text(encoding="utf-8"))
    if identity.get("num_arms", 1) > 1:
        raise BagError(
            f"'{run_dir}' is a run of {identity['num_arms']} arms; only the replay of one arm can be compared"
        )
    builder = registry.load("learners", identity["learner"])
    prefix = f"{identity['learner']}."
    named = identity["options"]
    given = {name.removeprefix(prefix): value for name, value in named.items() if name.startswith(prefix)}
    if "device" in {field.name for field in fields(builder.config_type)}:
        given["device"] = "cpu"
    options = from_mapping(builder.config_type, given, identity["learner"])
    spec = TaskSpec.from_json(about["task_spec"])
    learner = builder.build(spec, options, stream(int(identity["seed"]), "learner"))
    training = Training(learner, options.samples_per_insert)
    if data := named.get("offline") or named.get("demonstrations"):
        preload(learner, read_streams(data, spec)[1], everything="offline" in named)
    for step in steps_after(run_dir / BAGS, -1):
        if step.stamp_ns > about["stamp_ns"]:
            break
        training.digest(step, lambda: False)
    return training.snapshot()


def _is_data(name: str) -> bool:
    """A file of a checkpoint that holds what was lived, not what was learned from it."""
    return name.endswith((".npy", "/replay.json"))


def _sha256(part: Part) -> str:
    digest = hashlib.sha256()
    for piece in part.copy()():
        digest.update(piece)
    return digest.hexdigest()
