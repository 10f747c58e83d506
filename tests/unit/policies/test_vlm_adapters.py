"""Adapters of models: one after another, of several ranks and scales, as they travel, and merged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from fakes.vlm_models import llava
from peft import LoraConfig, get_peft_model

from vlmrl_ros.core.errors import CheckpointError, ConfigError
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.loading import load_model, merged, with_adapter, with_new_adapter
from vlmrl_ros.policies.vlm.weights import fitting, has_adapter, parameters, variables

TEXTS = ["Which way? Answer as JSON."]
SEEN = TextObservation("Which way?<image>", (np.zeros((32, 32, 3), np.uint8),))


def filled(model: Any, seed: int = 0) -> Any:
    """An adapter that says something."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "lora_" in name:
                value.normal_(0.0, 0.3)
    return model


def adapted(rank: int, seed: int = 0) -> Any:
    return filled(with_new_adapter(llava(TEXTS)[0], rank), seed)


def says(model: Any) -> list[int]:
    return Decoder(model, llava(TEXTS)[1], 12).decode([SEEN], 0.0)[0].token_ids.tolist()


def saved(path, **options) -> str:
    """An adapter of other options than ours, in a folder, and the model that has it."""
    layers = r".*language_model.*\.(q|k|v|o|gate|up|down)_proj"
    made = filled(get_peft_model(llava(TEXTS)[0], LoraConfig(target_modules=layers, **options)).eval())
    made.save_pretrained(path)
    return str(path)


def test_weights_of_one_adapter_take_the_place_of_those_of_another():
    one, other = adapted(2), adapted(2, seed=1)
    assert says(one) != says(other)
    mine = parameters(one)
    for name, value in fitting(one, variables(other)).items():
        mine[name].data = value
    assert says(one) == says(other)


@pytest.mark.parametrize(
    ("here", "there", "message"),
    [
        (2, 4, r"lora_A.weight' have shape \(4, 32\); expected \(2, 32\); valid: the same lora_rank for learner and"),
        (4, 2, r"lora_A.weight' have shape \(2, 32\); expected \(4, 32\); valid: the same lora_rank for learner and"),
        (0, 2, "weights are those of an adapter, and the model here takes those of a whole model; valid: the same"),
        (2, 0, "weights are those of a whole model, and the model here takes those of an adapter; valid: the same"),
    ],
)
def test_weights_of_another_rank_or_of_all_of_a_model_are_refused(here, there, message):
    model, other = (adapted(rank) if rank else llava(TEXTS)[0] for rank in (here, there))
    with pytest.raises(CheckpointError, match=message):
        fitting(model, variables(other))


def test_a_second_adapter_is_refused_around_a_model_and_within_it(tmp_path):
    folder = saved(tmp_path, r=2)
    inner = llava(TEXTS)[0]
    for model in (with_new_adapter(inner, 2), inner):
        for put in (lambda one: with_new_adapter(one, 4), lambda one: with_adapter(one, folder)):
            with pytest.raises(ConfigError, match="the model has an adapter; valid: a model without, or one that has"):
                put(model)


@pytest.mark.parametrize("options", [{"r": 2, "lora_alpha": 2}, {"r": 4, "lora_alpha": 12, "use_rslora": True}])
def test_an_adapter_from_elsewhere_says_what_it_said_and_takes_the_weights_of_ours(tmp_path, options):
    folder = saved(tmp_path / "one", **options)
    theirs, ours = filled(get_peft_model(llava(TEXTS)[0], _config(folder)).eval()), adapted(options["r"], seed=1)
    served = with_adapter(llava(TEXTS)[0], folder)
    assert says(served) == says(theirs) != says(ours)
    served.save_pretrained(tmp_path / "again")
    assert says(with_adapter(llava(TEXTS)[0], str(tmp_path / "again"))) == says(theirs)
    mine = parameters(served)
    for name, value in fitting(served, variables(ours)).items():
        mine[name].data = value
    assert says(served) == says(ours)


def _config(folder: str) -> LoraConfig:
    return LoraConfig.from_pretrained(folder, inference_mode=False)


def test_an_adapter_of_another_kind_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="is no plain LoRA; valid: peft_type LORA without use_dora"):
        with_adapter(llava(TEXTS)[0], saved(tmp_path, r=2, use_dora=True))


def test_a_merged_adapter_is_in_the_weights_and_another_one_may_follow():
    model = adapted(2)
    before = says(model)
    whole = merged(model)
    assert not has_adapter(whole)
    assert says(whole) == before
    assert merged(whole) is whole
    again = with_new_adapter(whole, 4)
    assert says(again) == before, "a new adapter changes nothing"
    assert says(filled(again, seed=2)) != before


def test_a_folder_of_a_model_with_an_adapter_within_is_not_taken_for_a_whole_one(tmp_path):
    model, processor = llava(TEXTS)
    with_new_adapter(model, 2)
    for part in (model, processor):
        part.save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match=r"lacks 14 weights, model\..*weight; valid: a folder with all of them"):
        load_model(str(tmp_path), "float32", "cpu", (), 0)


def test_a_quantised_model_cannot_take_its_adapter_in(tmp_path):
    for part in llava(TEXTS):
        part.save_pretrained(tmp_path)
    model = with_new_adapter(load_model(str(tmp_path), "float32", "cpu", (), 0, "int8")[0], 2)
    with pytest.raises(ConfigError, match="a quantised model takes no adapter into its weights; valid: quantisation"):
        merged(model)
