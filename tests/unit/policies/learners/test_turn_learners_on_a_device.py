"""Learners of turns on a device whose tensors meet no others: what they would do on CUDA."""

from __future__ import annotations

import json
import multiprocessing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes.accelerator import NAME, accelerator

from vlmrl_ros.core import registry
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.snapshot import save_snapshot
from vlmrl_ros.core.text import TextObservation, TextTaskSpec
from vlmrl_ros.core.text_action import read_action
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.vlm import loading
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.tiny import TinyConfig, build

SMALL = TinyConfig(vision="stem", image_size=16, vision_width=16, width=16, layers=1, vocabulary=260, context=64)
SEEN = TextObservation("<image>which?", (np.zeros((16, 16, 3), np.uint8),))
SAID = '{"action": "+"}'
OPTIONS = {
    "vlm_sft": {"steps_per_update": 2, "min_turns": 2, "minibatch": 4},
    "vlm_gigpo": {"group_size": 4, "groups_per_update": 1, "minibatch": 4, "epochs": 2},
    "vlm_ppo": {"turns_per_update": 8, "minibatch": 4, "epochs": 2},
    "vlm_kto": {"steps_per_update": 2, "min_turns": 8, "minibatch": 4},
}
CASES = [(name, *how) for name in OPTIONS for how in (("float32", 0), ("bfloat16", 2))]
"""Name, numbers, and rank of an adapter."""
WAIT_S = 120.0


def learner_of(case: tuple[str, str, int], folder: Path):
    name, dtype, rank = case
    builder = registry.load("learners", name)
    options = {"model": str(folder), "dtype": dtype, "lora_rank": rank, **OPTIONS[name]}
    spec = TextTaskSpec("way", ("+", "-"))
    return builder.build(spec, from_mapping(builder.config_type, options), np.random.default_rng(0))


def turns_of(learner) -> list[Turn]:
    """Four episodes of two turns, the last of which is cut."""
    said = Decoder(learner.model, learner.processor, 2).decode([SEEN] * 8, 0.7, [np.random.default_rng(0)] * 8)
    meant = read_action(SAID, ("+", "-"))
    return [
        Turn(
            *(SEEN, replace(one, text=SAID), meant, float(row % 3), row in (1, 3, 5), row == 7, SEEN, "start"),
            taken_over=row % 3 == 0,
        )
        for row, one in enumerate(said)
    ]


def learned(case: tuple[str, str, int], turns: list[Turn], folder: Path, checkpoint: Path) -> dict[str, float]:
    """What an update says, and the weights of another learner that goes on from its checkpoint."""
    learner, other = learner_of(case, folder), learner_of(case, folder)
    for turn in turns:
        learner.add(turn)
    first = learner.update()
    checkpoint.mkdir()
    save_snapshot(checkpoint, learner.snapshot())
    other.restore(checkpoint)
    weights = {name: float(np.linalg.norm(value)) for name, value in other.variables().items()}
    return {**first, **weights}


def elsewhere(folder: Path, out: Path) -> None:
    torch.set_num_threads(1)
    said = [turns_of(learner_of(case, folder)) for case in CASES]
    with accelerator() as device:
        loading.device_of = lambda name: device
        assert learner_of(CASES[0], folder).model.device.type == NAME
        pairs = enumerate(zip(CASES, said, strict=True))
        found = [learned(case, turns, folder, out / f"{row}") for row, (case, turns) in pairs]
    (out / "found.json").write_text(json.dumps(found))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    for part in build(["ab"], 0, SMALL, (SAID, "which?")):
        part.save_pretrained(path)
    return path


@pytest.mark.timeout(180)
def test_on_another_device_they_learn_what_they_learn_on_the_cpu(folder, tmp_path):
    child = multiprocessing.get_context("spawn").Process(target=elsewhere, args=(folder, tmp_path))
    child.start()
    child.join(WAIT_S)
    if child.exitcode is None:
        child.kill()
    assert child.exitcode == 0
    found = json.loads((tmp_path / "found.json").read_text())
    for row, case in enumerate(CASES):
        here = learned(case, turns_of(learner_of(case, folder)), folder, tmp_path / f"here_{row}")
        close = {"float32": 1e-3, "bfloat16": 0.05}[case[1]]
        assert found[row] == pytest.approx(here, rel=close, abs=close), case
