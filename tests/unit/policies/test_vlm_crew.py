"""The same script in one process and, as ``accelerate launch`` starts it, in two: the same losses and weights."""

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

from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.core.text_action import read_action
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.vlm import crew
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.ppo import PpoConfig, UtterancePpo
from vlmrl_ros.policies.vlm.sft import Example, SftConfig, Tuner
from vlmrl_ros.policies.vlm.tiny import TinyConfig, build

SMALL = TinyConfig(vision="stem", image_size=16, vision_width=16, width=16, layers=1, vocabulary=260, context=64)
PHRASES = ('{"action": "+"}', '{"action": "-"}', "which?")
PPO = PpoConfig(minibatch=3, epochs=2, learning_rate=0.01)
"""Of seven turns minibatches of 3, 3 and 1, so that a process of two is idle now and then."""
WAIT_S = 60.0


def script(out: Path) -> None:
    """Supervised steps, then an update by reward; its first line alone knows how many processes there are."""
    Accelerator(cpu=True)
    model, processor = build(["ab"], 0, SMALL, PHRASES)
    seen = [TextObservation("<image>which?", (np.full((16, 16, 3), 30 * row, np.uint8),)) for row in range(7)]
    tuner = Tuner(model, processor, np.random.default_rng(0), SftConfig(minibatch=3, warm_up=1))
    tuner.add([Example(one, PHRASES[row % 2]) for row, one in enumerate(seen)])
    losses = [tuner.step() for _ in range(3)]
    said = Decoder(model, processor, 2).decode(seen, PPO.temperature, torch.Generator().manual_seed(0))
    turns = []
    for row, (one, utterance) in enumerate(zip(seen, said, strict=True)):
        meant = read_action(PHRASES[row % 2], ("+", "-"))
        turns.append(Turn(one, replace(utterance, text=PHRASES[row % 2]), meant, float(row % 2), row == 6, False, one))
    metrics = UtterancePpo(model, processor, np.random.default_rng(0), PPO).update([turns])
    weights = [float(weight.double().norm()) for weight in model.parameters()]
    result = {"processes": crew.size(), "losses": losses, "metrics": metrics, "weights": weights}
    out.write_text(json.dumps(result))


def run(rank: int, count: int, port: int, out: Path) -> None:
    about = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in about.items()} if count > 1 else {})
    torch.set_num_threads(1)
    script(out)


def results(tmp_path: Path, count: int) -> list[dict]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = multiprocessing.get_context("fork")
    files = [tmp_path / f"{count}_{rank}.json" for rank in range(count)]
    processes = [started.Process(target=run, args=(rank, count, port, file)) for rank, file in enumerate(files)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(WAIT_S)
        if process.exitcode is None:
            process.kill()
        assert process.exitcode == 0
    return [json.loads(file.read_text()) for file in files]


def test_two_processes_learn_what_one_does(tmp_path):
    (alone,), both = results(tmp_path, 1), results(tmp_path, 2)
    assert (alone["processes"], [one["processes"] for one in both]) == (1, [2, 2])
    for one in both:
        np.testing.assert_allclose(one["losses"], alone["losses"], rtol=1e-5)
        np.testing.assert_allclose(one["weights"], alone["weights"], rtol=1e-4)
        assert one["metrics"].keys() == alone["metrics"].keys()
        for name, value in alone["metrics"].items():
            assert one["metrics"][name] == pytest.approx(value, rel=1e-3, abs=1e-5), name
    assert alone["losses"][0] > alone["losses"][-1]
