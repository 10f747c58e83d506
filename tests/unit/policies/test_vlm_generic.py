"""Models that are not fused: what they remember of the last prompt, against ``generate`` of transformers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from fakes.vlm_models import FAMILIES

from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.generic_engine import ONE_WAY, GenericEngine
from vlmrl_ros.policies.vlm.scoring import never_said

LONGEST = 8
TEXT = "Which way, up or down? Answer as JSON."


def observation(seed: int, more: str = "", text: str = TEXT) -> TextObservation:
    picture = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    return TextObservation(f"{text}{more}<image>", (picture,))


class Listened:
    """A family's model whose every pass is told of, and the decoder."""

    def __init__(self, family: str) -> None:
        self.model, self.processor = FAMILIES[family]([TEXT])
        self.decoder = Decoder(self.model, self.processor, LONGEST)
        image = self.processor.tokenizer.convert_tokens_to_ids(self.processor.image_token)
        self.decoder._engine = GenericEngine(self.model, image)
        self.lengths: list[int] = []
        self.model.register_forward_pre_hook(self._hear, with_kwargs=True)

    def _hear(self, module: Any, args: Any, given: dict[str, Any]) -> None:
        self.lengths.append(given["input_ids"].shape[1])

    def says(self, *asked: TextObservation) -> list[list[int]]:
        self.lengths.clear()
        return [said.token_ids.tolist() for said in self.decoder.decode(asked, 0.0)]

    def generates(self, *asked: TextObservation) -> list[list[int]]:
        given = self.decoder.inputs(asked)
        made = self.model.generate(
            **given, max_new_tokens=LONGEST, do_sample=False, suppress_tokens=never_said(self.processor)
        )
        return made[:, given["input_ids"].shape[1] :].tolist()


@pytest.fixture(params=FAMILIES)
def listened(request) -> Listened:
    return Listened(request.param)


def as_said(said: list[list[int]], generated: list[list[int]]) -> bool:
    """Up to the end of each answer."""
    return all(one == other[: len(one)] for one, other in zip(said, generated, strict=True))


def test_a_prompt_that_begins_like_the_last_one_is_read_from_its_picture_on_and_says_what_generate_says(listened):
    for seed in range(3):
        asked = observation(seed)
        said, first = listened.says(asked), listened.lengths[0]
        assert as_said(said, listened.generates(asked))
        whole = listened.decoder.inputs([asked])["input_ids"]
        ahead = whole[0].tolist().index(listened.decoder._engine._image)
        one_way = listened.model.config.model_type in ONE_WAY
        assert first == whole.shape[1] - (ahead if seed and one_way else 0)


def test_prompts_of_one_batch_are_padded_behind_what_they_share_with_the_last_ones(listened):
    for seed in range(3):
        asked = [observation(10 * seed + count, " so" * count) for count in (0, 3, 1)]
        assert as_said(listened.says(*asked), listened.generates(*asked))
    other = observation(7, text="Which one? " + TEXT)
    assert as_said(listened.says(other), listened.generates(other))


def test_what_was_read_with_other_weights_is_forgotten(listened):
    before = listened.says(observation(1))
    with torch.no_grad():
        for weights in listened.model.parameters():
            weights.add_(0.3 * torch.randn_like(weights))
    after = listened.says(observation(1))
    assert as_said(after, listened.generates(observation(1)))
    assert after != before
    for weights in listened.model.parameters():
        weights.data = weights.data * 1.5
    listened.decoder.take(None)
    assert as_said(listened.says(observation(1)), listened.generates(observation(1)))
