"""The same script in one process, in two as ``accelerate launch`` starts it, and with weights split over the two."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from vlmrl_ros.core import registry
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.snapshot import save_snapshot
from vlmrl_ros.core.text import TextObservation, TextTaskSpec
from vlmrl_ros.core.text_action import read_action
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.vlm import crew, shards
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.loading import load_model
from vlmrl_ros.policies.vlm.ppo import PpoConfig, UtterancePpo
from vlmrl_ros.policies.vlm.tiny import TinyConfig, build

SMALL = TinyConfig(vision="stem", image_size=16, vision_width=16, width=16, layers=1, vocabulary=260, context=64)
PHRASES = ('{"action": "+"}', '{"action": "-"}', "which?")
PPO = PpoConfig(minibatch=3, epochs=2, learning_rate=0.01)
"""Of seven turns minibatches of 3, 3 and 1, so that a process of two is idle now and then."""
PLUGINS = {
    "vlm_sft": {"minibatch": 3, "warm_up": 1, "steps_per_update": 1, "min_turns": 2},
    "vlm_kto": {"minibatch": 3, "steps_per_update": 2, "min_turns": 2, "learning_rate": 0.01},
}
WAIT_S = 60.0


def script(folder: Path, out: Path) -> None:
    """An update by reward, then those of plug-ins; its first line alone knows how many processes there are."""
    Accelerator(cpu=True)
    model, processor = load_model(str(folder), "float32", "cpu", (), 0)
    seen = [TextObservation("<image>which?", (np.full((16, 16, 3), 30 * row, np.uint8),)) for row in range(7)]
    said = Decoder(model, processor, 2).decode(seen, PPO.temperature, torch.Generator().manual_seed(0))
    turns = []
    for row, (one, utterance) in enumerate(zip(seen, said, strict=True)):
        meant = read_action(PHRASES[row % 2], ("+", "-"))
        said_so = replace(utterance, text=PHRASES[row % 2])
        turns.append(Turn(one, said_so, meant, float(row % 2), row == 6, False, one, taken_over=row % 3 == 0))
    metrics = UtterancePpo(model, processor, np.random.default_rng(0), PPO).update([turns])
    given = sum(weight.numel() for weight in model.parameters())
    kept = sum(getattr(weight, "_local_tensor", weight).numel() for weight in model.parameters())
    weights = shards.whole(dict(model.named_parameters()))
    norms, losses = {name: float(value.double().norm()) for name, value in weights.items()}, {}
    for name in PLUGINS:
        losses[name], tuned = plugin(name, folder, turns, out.with_name(f"{out.stem}_{name}"))
        norms |= {f"{name}/{key}": float(np.linalg.norm(value)) for key, value in tuned.items()}
    result = {"processes": crew.size(), "kept": kept / given, "losses": losses, "metrics": metrics, "weights": norms}
    out.write_text(json.dumps(result))


def plugin(name: str, folder: Path, turns: list[Turn], checkpoint: Path):
    """The losses of three updates of a plug-in, the last by another learner, which goes on from a checkpoint."""
    builder = registry.load("learners", name)
    options = {"model": str(folder), **PLUGINS[name]}
    learner, other = (
        builder.build(TextTaskSpec("way", ("+", "-")), from_mapping(builder.config_type, options), rng)
        for rng in (np.random.default_rng(0), np.random.default_rng(1))
    )
    for one in (learner, other):
        for turn in turns:
            one.add(turn)
    losses = [learner.update()["loss"] for _ in range(2)]
    checkpoint.mkdir()
    save_snapshot(checkpoint, learner.snapshot())
    other.restore(checkpoint)
    losses.append(other.update()["loss"])
    assert learner.update()["loss"] == losses[-1]
    return losses, other.variables()


def run(rank: int, count: int, port: int, folder: Path, out: Path, split: bool) -> None:
    about = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in about.items()} if count > 1 else {})
    os.environ.update({shards.ASKED: "true"} if split else {})
    torch.set_num_threads(1)
    script(folder, out)


def results(folder: Path, out: Path, count: int, split: bool = False) -> list[dict]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = multiprocessing.get_context("fork")
    files = [out / f"{rank}.json" for rank in range(count)]
    processes = [
        started.Process(target=run, args=(rank, count, port, folder, file, split)) for rank, file in enumerate(files)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(WAIT_S)
        if process.exitcode is None:
            process.kill()
        assert process.exitcode == 0
    return [json.loads(file.read_text()) for file in files]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    for part in build(["ab"], 0, SMALL, PHRASES):
        part.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def alone(folder, tmp_path_factory):
    return results(folder, tmp_path_factory.mktemp("alone"), 1)[0]


@pytest.mark.parametrize("split", [False, True])
def test_two_processes_learn_what_one_does(split, alone, folder, tmp_path):
    both = results(folder, tmp_path, 2, split)
    assert (alone["processes"], [one["processes"] for one in both]) == (1, [2, 2])
    assert sum(one["kept"] for one in both) == (1.0 if split else 2.0)
    for one in both:
        for name, losses in alone["losses"].items():
            np.testing.assert_allclose(one["losses"][name], losses, rtol=1e-5, err_msg=name)
        assert one["weights"] == pytest.approx(alone["weights"], rel=1e-4)
        assert one["metrics"].keys() == alone["metrics"].keys()
        for name, value in alone["metrics"].items():
            assert one["metrics"][name] == pytest.approx(value, rel=1e-3, abs=1e-5), name
    assert all(losses[0] > losses[-1] for losses in alone["losses"].values())
