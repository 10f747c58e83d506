"""A language model whose layers are kept in few bits: near to the whole one, and still one that an adapter teaches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from vlmrl_ros.core import registry
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.errors import CheckpointError, ConfigError
from vlmrl_ros.core.text import TextObservation, TextTaskSpec
from vlmrl_ros.policies.vlm.asked import Asked
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.loading import load_model, with_new_adapter
from vlmrl_ros.policies.vlm.quantised import GROUP, KINDS, Int4Linear, QuantisedLinear, quantise
from vlmrl_ros.policies.vlm.scoring import never_said, score
from vlmrl_ros.policies.vlm.sft import Example, SftConfig, Tuner
from vlmrl_ros.policies.vlm.tiny import TinyConfig, build
from vlmrl_ros.policies.vlm.weights import fitting, parameters, variables

SMALL = TinyConfig(vision="stem", image_size=16, vision_width=16, width=96, layers=2, vocabulary=280, context=64)
SEEN = TextObservation("<image>which?", (np.full((16, 16, 3), 90, np.uint8),))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("model")
    for part in build(["which? + -"], 0, SMALL):
        part.save_pretrained(path)
    return str(path)


def nbytes(module: nn.Module) -> int:
    return sum(one.nbytes for one in (*module.parameters(), *module.buffers()))


@pytest.mark.parametrize(("kind", "step", "size"), [("int8", 1 / 127, 0.26), ("int4", 2 / 15, 0.16)])
def test_a_layer_is_off_by_half_a_step_at_most_and_takes_less_room(kind, step, size):
    torch.manual_seed(0)
    whole = nn.Linear(4 * GROUP, 64)
    made = KINDS[kind](whole)
    greatest = whole.weight.abs().max()
    assert (made.weight - whole.weight).abs().max() <= 0.51 * step * greatest
    assert nbytes(made) - made.bias.nbytes < size * whole.weight.nbytes
    given = torch.randn(3, 5, 4 * GROUP, requires_grad=True)
    torch.testing.assert_close(made(given), given @ made.weight.t() + made.bias)
    (gradient,) = torch.autograd.grad(made(given).sum(), given)
    torch.testing.assert_close(gradient, made.weight.sum(0).expand_as(gradient))
    halved = KINDS[kind](whole.bfloat16())(given.detach().bfloat16())
    assert halved.dtype == torch.bfloat16
    torch.testing.assert_close(halved.float(), made(given).detach(), rtol=0.05, atol=0.05)


def test_weights_of_sixteen_levels_stay_what_they_are():
    whole = nn.Linear(GROUP, 2, bias=False)
    whole.weight.data = torch.arange(2 * GROUP).view(2, GROUP) % 16 * 0.25 - 1.0
    assert torch.equal(Int4Linear(whole).weight, whole.weight)


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_says_is_scored_as_it_was_drawn_and_an_adapter_teaches_it(kind, folder):
    model, processor = load_model(folder, "float32", "cpu", (), 0, kind)
    layers = [one for one in model.modules() if isinstance(one, QuantisedLinear)]
    assert len(layers) == 7 * SMALL.layers
    said = Decoder(model, processor, 8).decode([SEEN], 0.7, torch.Generator().manual_seed(0))[0]
    scores = score(model, [Asked.by(processor, SEEN)], [said.token_ids], 0.7, never_said(processor))
    np.testing.assert_allclose(scores.log_probs[0].detach(), said.log_probs, atol=1e-4)
    adapted = with_new_adapter(model, 2)
    assert all(".lora_" in name for name in parameters(adapted))
    tuner = Tuner(model, processor, np.random.default_rng(0), SftConfig(warm_up=1, learning_rate=0.02))
    tuner.add([Example(SEEN, "+")])
    losses = [tuner.step() for _ in range(10)]
    assert losses[-1] < losses[0] / 2
    assert set(fitting(adapted, variables(adapted))) == set(parameters(adapted))


def test_a_quantised_model_without_an_adapter_takes_no_weights_and_is_not_trained(folder):
    whole = variables(load_model(folder, "float32", "cpu", (), 0)[0])
    with pytest.raises(CheckpointError, match="the model is quantised and has no adapter, so it takes no weights"):
        fitting(load_model(folder, "float32", "cpu", (), 0, "int8")[0], whole)
    builder = registry.load("learners", "vlm_sft")
    options = from_mapping(builder.config_type, {"model": folder, "quantisation": "int8"})
    with pytest.raises(ConfigError, match=r"vlm_sft\.quantisation is 'int8' and lora_rank 0: nothing is left to be"):
        builder.build(TextTaskSpec("way", ("+", "-")), options, np.random.default_rng(0))


def test_a_layer_that_cannot_be_split_into_groups_is_named():
    with pytest.raises(ConfigError, match="layer '0' has 33 inputs; valid: a multiple of 32, or int8"):
        quantise(nn.Sequential(nn.Linear(33, 2)), "int4")
