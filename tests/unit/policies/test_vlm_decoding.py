"""The tiny model and the decoder, against ``generate`` of transformers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes.vlm_models import llava
from transformers import AutoModelForImageTextToText, AutoProcessor

from vlmrl_ros.core.errors import ConfigError, RangeError
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.scoring import never_said
from vlmrl_ros.policies.vlm.stem import Stem, StemConfig, learn_to_see
from vlmrl_ros.policies.vlm.tiny import TinyConfig, build

SMALL = TinyConfig(vision_width=32, vision_layers=1, width=32, layers=2, vocabulary=300, context=256)
TEXTS = ["Which way? Answer as JSON.", '{"thoughts": "up", "action": "+"}']
LONGEST = 24


def observations(count: int) -> list[TextObservation]:
    """Prompts of different lengths with different images."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (count, 40, 50, 3), dtype=np.uint8)
    return [TextObservation("<image>" + "so, " * index + TEXTS[0], (pictures[index],)) for index in range(count)]


@pytest.fixture(scope="module")
def tiny():
    return build(TEXTS, 0, SMALL)


def test_the_default_is_a_model_of_five_to_ten_million_parameters():
    model, _ = build(TEXTS, 0)
    assert 5e6 < sum(weights.numel() for weights in model.parameters()) < 10e6


def test_equal_seeds_make_equal_weights_and_leave_the_stream_of_torch_alone(tiny):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    again, _ = build(TEXTS, 0, SMALL)
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(a, b) for a, b in zip(tiny[0].parameters(), again.parameters(), strict=True))


@pytest.fixture(scope="module")
def small():
    """With a stem, and with a prompt that is one token."""
    config = TinyConfig(vision="stem", image_size=32, vision_width=32, width=32, layers=2, vocabulary=300, context=256)
    return build(TEXTS, 0, config, [TEXTS[0], '{"thoughts": "'])


def test_phrases_are_one_token_each_and_texts_stay_what_they_are(small, tiny):
    tokenizer = small[1].tokenizer
    for text in ("so, " + TEXTS[0], TEXTS[1]):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert tokenizer.decode(ids) == text
        assert len(ids) < len(tiny[1].tokenizer(text, add_special_tokens=False)["input_ids"])
    assert len(tokenizer(TEXTS[0], add_special_tokens=False)["input_ids"]) == 1
    prompt = Decoder(*small, LONGEST).inputs(observations(1))["input_ids"]
    assert prompt.shape == (1, 32 * 32 // 16**2 + 1)


def test_a_stem_learns_to_see(small):
    """Which half of a picture is bright, and whether it is red or blue."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (200, 2))
    seen = torch.from_numpy(rng.normal(0.0, 0.3, (200, 3, 32, 32)).astype(np.float32))
    for row, (half, colour) in enumerate(labels):
        seen[row, 2 * colour, :, 16 * half : 16 * half + 16] += 1.0
    torch.manual_seed(0)
    stem = Stem(StemConfig(hidden_size=32))
    assert learn_to_see(stem, seen, labels, 0, steps=100, planned=150) > 0.95


@pytest.mark.parametrize("size", ["tiny", "small"])
@pytest.mark.parametrize("count", [1, 3])
def test_the_likeliest_tokens_are_those_of_generate(request, size, count):
    model, processor = request.getfixturevalue(size)
    decoder = Decoder(model, processor, LONGEST)
    given = decoder.inputs(observations(count))
    expected = model.generate(**given, max_new_tokens=LONGEST, do_sample=False, suppress_tokens=never_said(processor))[
        :, given["input_ids"].shape[1] :
    ]
    said = decoder.decode(observations(count), 0.0)
    for utterance, row in zip(said, expected, strict=True):
        assert utterance.token_ids.tolist() == row[: len(utterance.token_ids)].tolist()


def test_a_row_of_a_batch_says_what_it_says_alone(tiny):
    decoder = Decoder(*tiny, LONGEST)
    together = decoder.decode(observations(3), 0.0)
    for one, utterance in zip(observations(3), together, strict=True):
        alone = decoder.decode([one], 0.0)[0]
        assert alone.text == utterance.text
        assert np.array_equal(alone.prompt_ids, utterance.prompt_ids)
        np.testing.assert_allclose(alone.log_probs, utterance.log_probs, atol=1e-4)


def test_log_probs_are_those_of_one_pass_over_prompt_and_answer(tiny):
    model, processor = tiny
    decoder = Decoder(model, processor, LONGEST)
    generator = torch.Generator().manual_seed(3)
    given = decoder.inputs(observations(1))
    utterance = decoder.decode(observations(1), 0.7, generator)[0]
    whole = torch.cat([given["input_ids"][0], torch.from_numpy(utterance.token_ids)])[None]
    with torch.no_grad():
        logits = model(input_ids=whole, pixel_values=given["pixel_values"]).logits[
            0, len(utterance.prompt_ids) - 1 : -1
        ]
    logits[:, never_said(processor)] = -torch.inf
    scored = torch.log_softmax(logits / 0.7, -1).gather(-1, torch.from_numpy(utterance.token_ids)[:, None])[:, 0]
    np.testing.assert_allclose(utterance.log_probs, scored.numpy(), atol=1e-4)


def test_the_draw_follows_its_generator(tiny):
    decoder = Decoder(*tiny, LONGEST)
    texts = [decoder.decode(observations(1), 1.0, torch.Generator().manual_seed(seed))[0].text for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_an_answer_ends_behind_its_action(tiny):
    model, processor = tiny
    answer = processor.tokenizer('{"action": "+"} and so on', add_special_tokens=False)["input_ids"]

    class Dictated(torch.nn.Module):
        """A head that says a given text whatever it sees."""

        def __init__(self) -> None:
            super().__init__()
            self.at = 0

        def forward(self, hidden: torch.Tensor) -> torch.Tensor:
            logits = torch.zeros(*hidden.shape[:-1], len(processor.tokenizer))
            logits[..., answer[self.at]] = 9.0
            self.at += 1
            return logits

    own = model.get_output_embeddings()
    model.set_output_embeddings(Dictated())
    try:
        utterance = Decoder(model, processor, LONGEST).decode(observations(1), 0.0)[0]
    finally:
        model.set_output_embeddings(own)
    assert utterance.text == '{"action": "+"}'
    assert utterance.ended


@pytest.mark.parametrize("size", ["tiny", "small"])
def test_model_and_processor_come_back_from_a_folder(request, size, tmp_path):
    model, processor = request.getfixturevalue(size)
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    again = AutoModelForImageTextToText.from_pretrained(tmp_path).eval()
    read = AutoProcessor.from_pretrained(tmp_path)
    said = [Decoder(*pair, LONGEST).decode(observations(2), 0.0) for pair in ((model, processor), (again, read))]
    assert [one.text for one in said[0]] == [one.text for one in said[1]]


def test_a_prompt_that_leaves_no_room_is_refused(tiny):
    decoder = Decoder(*tiny, 200)
    with pytest.raises(RangeError, match="up to 200; together at most 256"):
        decoder.inputs(observations(1))


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match="width is 30 and no multiple of 4"):
        build(TEXTS, 0, TinyConfig(width=30))


def test_a_phrase_that_would_swallow_the_image_is_refused():
    with pytest.raises(ConfigError, match="contain <image>"):
        build(TEXTS, 0, SMALL, ["<image>Which"])


def test_a_chat_template_frames_the_prompt():
    model, processor = llava(["Which way?"])
    processor.chat_template = (
        "{% for message in messages %}User: {% for part in message['content'] %}"
        "{{ '<image>' if part['type'] == 'image' else part['text'] }}{% endfor %}{% endfor %}"
        "{% if add_generation_prompt %} Assistant:{% endif %}"
    )
    frame = np.zeros((32, 32, 3), np.uint8)
    said = Decoder(model, processor, 4).decode([TextObservation("Which way?<image>", (frame,))], 0.0)[0]
    text = processor.tokenizer.decode(said.prompt_ids)
    assert text.startswith("User: Which way?<image>")
    assert text.endswith(" Assistant:")
