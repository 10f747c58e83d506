"""The model ``smol``: pretrained weights that really are in force, and a projector that learns."""

from __future__ import annotations

import sys
from copy import deepcopy
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from matplotlib import cbook
from PIL import Image

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.policies.vlm.config import SMOL
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.fused_engine import FusedEngine
from vlmrl_ros.policies.vlm.lite0 import imagenet_weights
from vlmrl_ros.policies.vlm.loading import load_model, with_new_adapter
from vlmrl_ros.policies.vlm.quantised import Int4Linear
from vlmrl_ros.policies.vlm.sft import Example, SftConfig, Tuner
from vlmrl_ros.policies.vlm.smol import PACKAGES
from vlmrl_ros.policies.vlm.weights import fitting, parameters, variables

pytestmark = pytest.mark.skipif(not all(map(find_spec, PACKAGES)), reason="the packages of the extra smol are missing")
UNIFORM = 652
"""ImageNet's number of a military uniform."""
COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}


@pytest.fixture(scope="module")
def smol():
    torch.set_num_threads(1)
    return load_model(SMOL, "float32", "cpu", (), 0)


def says(pair, text: str, *images) -> str:
    return Decoder(*pair, max_new_tokens=12).decode([TextObservation(text, images)], 0.0)[0].text


def test_it_answers_as_it_was_taught_to(smol):
    assert says(smol, "What is the capital of France?") == "The capital of France is Paris."
    assert isinstance(Decoder(*smol, max_new_tokens=1)._engine, FusedEngine)


def test_its_tower_tells_what_it_was_taught_to(smol):
    model, processor = smol
    with cbook.get_sample_data("grace_hopper.jpg") as file:
        picture = np.asarray(Image.open(file).convert("RGB"))
    pixels = processor.image_processor([picture], return_tensors="pt")["pixel_values"]
    tokens = model.model.vision_tower(pixels).last_hidden_state
    classes = imagenet_weights()
    logits = tokens.mean(1) @ classes["_fc.weight"].T + classes["_fc.bias"]
    assert tokens.shape == (1, 49, 1280)
    assert int(logits.argmax()) == UNIFORM


def test_four_bits_keep_what_its_file_has(smol):
    layer = smol[0].model.language_model.layers[3]
    for one in (layer.self_attn.q_proj, layer.self_attn.v_proj, layer.mlp.down_proj):
        torch.testing.assert_close(
            Int4Linear(one).weight, one.weight, rtol=0.0, atol=2e-3 * float(one.weight.abs().max())
        )


def test_projector_and_adapter_alone_learn_and_travel(smol):
    own, processor = deepcopy(smol[0]), smol[1]
    adapted = with_new_adapter(own, 2)
    before = variables(adapted)
    assert {name.split(".")[1] for name in before if ".lora_" not in name} == {"multi_modal_projector"}
    tuner = Tuner(own, processor, np.random.default_rng(0), SftConfig(minibatch=3, warm_up=0, learning_rate=5e-3))
    for name, colour in COLOURS.items():
        tuner.add([Example(TextObservation("<image>", (np.full((64, 64, 3), colour, np.uint8),)), f"It is {name}.")])
    losses = [tuner.step() for _ in range(2)]
    assert losses[1] < 0.8 * losses[0]
    after = variables(adapted)
    assert {name.split(".")[1] for name in after if not np.array_equal(after[name], before[name])} == {
        "language_model",
        "multi_modal_projector",
    }
    assert set(fitting(adapted, after)) == set(parameters(adapted))
    there = dict(smol[0].named_parameters())
    base = {name: weights for name, weights in own.named_parameters() if not weights.requires_grad}
    assert len(base) > 200
    assert all(torch.equal(weights, there[name.replace(".base_layer", "")]) for name, weights in base.items())


def test_as_a_folder_it_is_the_same_model(smol, tmp_path):
    seen = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for part in smol:
        part.save_pretrained(tmp_path)
    again = load_model(str(tmp_path), "float32", "cpu", (), 0)
    assert says(again, "<image>Where is it?", seen) == says(smol, "<image>Where is it?", seen)
    (tmp_path / "model.safetensors").unlink()  # half a gigabyte, of which pytest would keep three


@pytest.mark.parametrize("module", PACKAGES)
def test_packages_that_are_missing_are_named(module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=f"model 'smol' needs packages: pip install {PACKAGES[module]}"):
        load_model(SMOL, "float32", "cpu", (), 0)
