"""The fused decoder against transformers, and what it remembers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes.vlm_models import llava
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaModel

from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.fused import Cache, can_fuse, pack, read
from vlmrl_ros.policies.vlm.fused_engine import FusedEngine
from vlmrl_ros.policies.vlm.generic_engine import GenericEngine
from vlmrl_ros.policies.vlm.loading import with_new_adapter
from vlmrl_ros.policies.vlm.weights import parameters

TEXTS = ["Which way? Answer as JSON.", '{"thoughts": "up", "action": "+"}']
LONGEST = 12


def observation(text: str, seed: int = 0) -> TextObservation:
    picture = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    return TextObservation(f"{text}<image>", (picture,))


@pytest.fixture
def pair():
    return llava(TEXTS)


@pytest.fixture
def decoder(pair) -> Decoder:
    return Decoder(*pair, LONGEST)


def tokens(decoder: Decoder, *asked: TextObservation) -> list[list[int]]:
    return [said.token_ids.tolist() for said in decoder.decode(asked, 0.0)]


def plainly(model, processor, *asked: TextObservation) -> list[list[int]]:
    """The same by ``generate``."""
    decoder = Decoder(model, processor, LONGEST)
    decoder._engine = GenericEngine(decoder._model, processor.tokenizer.convert_tokens_to_ids(processor.image_token))
    return tokens(decoder, *asked)


@pytest.mark.parametrize("key_heads", [4, 2, 1])
def test_the_logits_are_those_of_the_model(key_heads):
    torch.manual_seed(0)
    size = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = LlamaConfig(vocab_size=50, num_key_value_heads=key_heads, max_position_embeddings=64, **size)
    model, head = LlamaModel(config).eval(), torch.nn.Linear(32, 50, bias=False)
    assert can_fuse(model, head)
    packed, embedded = pack(model, head), torch.randn(2, 9, 32)
    cache, places = Cache(packed, 2, 16), torch.arange(9).expand(2, -1)
    with torch.no_grad():
        expected = head(model(inputs_embeds=embedded).last_hidden_state)
        first = read(packed, cache, embedded[:, :7], 0, places[:, :7], None)
        second = read(packed, cache, embedded[:, 7:8], 7, places[:, 7:8], None)
    torch.testing.assert_close(first, expected[:, 6], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(second, expected[:, 7], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("change", [{"attention_bias": True}, {"hidden_act": "gelu"}])
def test_a_decoder_of_another_kind_goes_its_own_way(change):
    size = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 4}
    assert not can_fuse(LlamaModel(LlamaConfig(vocab_size=50, **size, **change)), torch.nn.Linear(32, 50, bias=False))


def test_a_prompt_that_begins_like_the_last_one_is_not_read_again(pair, decoder, monkeypatch):
    lengths = []

    def counted(packed, cache, embedded, *others):
        lengths.append(embedded.shape[1])
        return read(packed, cache, embedded, *others)

    monkeypatch.setattr("vlmrl_ros.policies.vlm.fused_engine.read", counted)
    prompts = [observation("Which way? ", 1), observation("Which way? ", 2), observation("Which one? ", 3)]
    said = [decoder.decode([one], 0.0)[0] for one in prompts]
    at_first = [length for length in lengths if length > 1]
    assert at_first[0] == len(said[0].prompt_ids)
    assert at_first[1] == 16, "the picture alone"
    assert 16 < at_first[2] < len(said[2].prompt_ids)
    assert [[one.token_ids.tolist()] for one in said] == [plainly(*pair, one) for one in prompts]


def test_prompts_of_one_batch_may_share_their_beginning_with_the_last_ones(pair, decoder):
    for seed in range(3):
        asked = [observation("Which way? " + "so " * count, 10 * seed + count) for count in (0, 3, 1)]
        assert tokens(decoder, *asked) == plainly(*pair, *asked)


def test_weights_that_an_optimiser_has_changed_are_those_that_speak(pair, decoder):
    before = tokens(decoder, observation("Which way? "))
    optimiser = torch.optim.Adam(pair[0].parameters(), 0.05)
    sum(weights.square().sum() for weights in pair[0].parameters()).backward()
    optimiser.step()
    after = tokens(decoder, observation("Which way? "))
    assert after == plainly(*pair, observation("Which way? ")) != before


def test_an_adapter_speaks_with(pair):
    torch.manual_seed(1)
    model = get_peft_model(
        pair[0], LoraConfig(r=4, init_lora_weights=False, target_modules=r".*language_model.*(q|v|down)_proj")
    ).eval()
    decoder = Decoder(model, pair[1], LONGEST)
    assert isinstance(decoder._engine, FusedEngine)
    given = observation("Which way? ")
    said = tokens(decoder, given)
    assert said == plainly(model, pair[1], given)
    with model.disable_adapter():
        assert plainly(model, pair[1], given) != said


def test_new_weights_are_made_ready_beside_the_old_ones(pair):
    model = with_new_adapter(pair[0], 4)
    decoder, given = Decoder(model, pair[1], LONGEST), observation("Which way? ")
    before = tokens(decoder, given)
    torch.manual_seed(2)
    new = {name: torch.randn_like(value) for name, value in parameters(model).items()}
    prepared = decoder.prepare({id(value): new[name] for name, value in parameters(model).items()})
    assert tokens(decoder, given) == before
    for name, value in parameters(model).items():
        value.data = new[name]
    decoder.take(prepared)
    assert tokens(decoder, given) == plainly(model, pair[1], given) != before


def test_new_weights_have_read_the_beginning_of_the_prompt_before_they_are_asked(pair, decoder, monkeypatch):
    lengths = []

    def counted(packed, cache, embedded, *others):
        lengths.append(embedded.shape[1])
        return read(packed, cache, embedded, *others)

    prompts = [observation("Which way? ", seed) for seed in range(2)]
    before = tokens(decoder, prompts[0])
    torch.manual_seed(2)
    new = {name: value + 0.2 * torch.randn_like(value) for name, value in parameters(pair[0]).items()}
    prepared = decoder.prepare({id(value): new[name] for name, value in parameters(pair[0]).items()})
    for name, value in parameters(pair[0]).items():
        value.data = new[name]
    decoder.take(prepared)
    monkeypatch.setattr("vlmrl_ros.policies.vlm.fused_engine.read", counted)
    assert tokens(decoder, prompts[1]) == plainly(*pair, prompts[1]) != before
    assert lengths[0] == 16, "the picture alone"


def test_half_precision_speaks(pair):
    model, processor = pair
    said = Decoder(model.to(torch.bfloat16), processor, LONGEST).decode([observation("Which way? ")] * 2, 0.0)
    assert said[0].token_ids.tolist() == said[1].token_ids.tolist()
    assert np.isfinite(said[0].log_probs).all()


def test_a_row_with_its_own_chances_says_the_same_in_every_batch(pair, decoder):
    asked = [observation("Which way? ", seed) for seed in range(3)]

    def said(rows: list[int]) -> list[str]:
        sources = [np.random.default_rng(row) for row in rows]
        return [one.text for one in decoder.decode([asked[row] for row in rows], 1.0, sources)]

    assert said([0, 1, 2]) == [said([row])[0] for row in range(3)]
    assert len(set(said([0, 1, 2]))) == 3
