"""Learning from turns: every family of models sees what it saw when it spoke."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from fakes.vlm_models import FAMILIES

from vlmrl_ros.core.errors import ShapeError
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.core.text_action import read_action
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.gigpo import GigpoConfig, UtteranceGigpo
from vlmrl_ros.policies.vlm.ppo import PpoConfig, UtterancePpo
from vlmrl_ros.policies.vlm.sft import Example, SftConfig, Tuner
from vlmrl_ros.policies.vlm.surrogate import told
from vlmrl_ros.policies.vlm.turns import RatioError, gather

TEXTS = ["Which way? Answer as JSON.", '{"thoughts": "up", "action": "+"}']
LONGEST = 6
CONFIG = PpoConfig(minibatch=3, epochs=1)


@pytest.fixture(params=FAMILIES)
def pair(request):
    return FAMILIES[request.param](TEXTS)


def observations() -> list[TextObservation]:
    """Prompts of different lengths with one picture or two, of different sizes."""
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (height, 32, 3), dtype=np.uint8) for height in (32, 24, 32, 16, 32, 32)]
    seen = [pictures[:1], pictures[1:3], pictures[3:4], pictures[4:]]
    return [TextObservation("<image>" * len(one) + "so, " * row + TEXTS[0], tuple(one)) for row, one in enumerate(seen)]


def turns_of(model, processor, temperature: float = 0.7) -> list[Turn]:
    seen = observations()
    said = Decoder(model, processor, LONGEST).decode(seen, temperature, torch.Generator().manual_seed(0))
    ends = [(False, False), (True, False), (False, True), (False, False)]
    return [
        Turn(one, utterance, read_action(utterance.text, ("+",)), float(row), *ends[row], seen[row - 1])
        for row, (one, utterance) in enumerate(zip(seen, said, strict=True))
    ]


def test_the_ratio_of_every_family_begins_at_one(pair):
    """They are scored in two parts, with other pictures beside them than when they were drawn."""
    metrics = UtterancePpo(*pair, np.random.default_rng(0), CONFIG).update([turns_of(*pair)])
    assert metrics["first_ratio_error"] < 1e-3


@pytest.mark.parametrize("pictures", [0, 1])
def test_every_family_but_one_learns_without_a_picture_beside_others_and_alone(pair, pictures):
    model, processor = pair
    bare = TextObservation("so, so, " + TEXTS[0])
    seen = [bare, *observations()[:pictures], bare]
    decoder = Decoder(model, processor, LONGEST)
    if "PaliGemma" in type(processor).__name__:
        with pytest.raises(ShapeError, match="an observation has no image, and PaliGemma reads no text without one"):
            decoder.decode(seen, 0.7)
        return
    said = decoder.decode(seen, 0.7, torch.Generator().manual_seed(0))
    turns = [
        Turn(one, utterance, read_action(utterance.text, ("+",)), float(row), False, False, bare)
        for row, (one, utterance) in enumerate(zip(seen, said, strict=True))
    ]
    metrics = UtterancePpo(model, processor, np.random.default_rng(0), CONFIG).update([turns])
    assert metrics["first_ratio_error"] < 1e-3
    tuner = Tuner(model, processor, np.random.default_rng(0), SftConfig(minibatch=len(seen)))
    tuner.add([Example(one, TEXTS[1]) for one in seen])
    assert np.isfinite(tuner.step())


def test_every_family_learns_in_half_precision(pair):
    model, processor = pair[0].bfloat16(), pair[1]
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    metrics = UtterancePpo(model, processor, np.random.default_rng(0), CONFIG).update([turns_of(*pair)])
    assert metrics["first_token_error"] < 0.03
    assert all(np.isfinite(value) for value in metrics.values())
    changed = [name for name, weight in model.named_parameters() if not torch.equal(weight, before[name])]
    assert len(changed) > len(before) / 2


def quieter(turn: Turn) -> Turn:
    return replace(turn, utterance=replace(turn.utterance, log_probs=turn.utterance.log_probs - 0.1))


def of_another_picture(turn: Turn) -> Turn:
    images = tuple(255 - image for image in turn.observation.images)
    return replace(turn, observation=replace(turn.observation, images=images))


def of_another_prompt(turn: Turn) -> Turn:
    return replace(turn, observation=replace(turn.observation, text=turn.observation.text + " Now."))


OFF = "the ratio before the first step is off 1 by"
FAR = "tokens are scored .* nat off what they were drawn at; at most 0.071"
OTHER = "a turn was said to a prompt of .* tokens, and what it is about makes another one"


@pytest.mark.parametrize("name", ["ppo", "gigpo"])
@pytest.mark.parametrize(
    ("dtype", "wrong", "complaint"),
    [
        (torch.float32, quieter, OFF),
        (torch.float32, of_another_picture, OFF),
        (torch.float32, of_another_prompt, OTHER),
        (torch.bfloat16, quieter, FAR),
        (torch.bfloat16, of_another_prompt, OTHER),
    ],
)
def test_what_is_not_scored_as_it_was_drawn_is_refused(name, dtype, wrong, complaint):
    model, processor = FAMILIES["llava"](TEXTS)
    turns = [replace(turn, anchor="start") for turn in turns_of(model.to(dtype), processor)]
    rng = np.random.default_rng(0)
    if name == "ppo":
        learner, right, given = UtterancePpo(model, processor, rng, CONFIG), [turns], [[*map(wrong, turns)]]
    else:
        learner = UtteranceGigpo(model, processor, rng, GigpoConfig(minibatch=3, epochs=1))
        right, given = [[[turn] for turn in turns]], [[[wrong(turn)] for turn in turns]]
    with pytest.raises(RatioError, match=complaint):
        learner.update(given)
    learner.update(right)


def test_what_is_thought_is_counted_apart_from_what_is_named():
    """Of an answer all but the tokens of its action; of one without an action all."""
    model, processor = FAMILIES["llava"](TEXTS)
    turns = turns_of(model, processor)
    token = processor.tokenizer('"action": "+"}', add_special_tokens=False)["input_ids"]
    thought = processor.tokenizer('{"thoughts": "up", ', add_special_tokens=False)["input_ids"]
    ids = np.array([*thought, *token])
    utterance = replace(turns[0].utterance, token_ids=ids, log_probs=np.zeros(len(ids), np.float32))
    said = read_action(processor.tokenizer.decode(ids), ("+",))
    batch = gather([replace(turns[0], utterance=utterance, said=said), turns[1]], processor, model.device)
    metrics = told([turns[0], turns[1]], batch)
    assert metrics["answer_tokens"] == (len(ids) + LONGEST) / 2
    assert metrics["thought_tokens"] == (len(thought) + LONGEST) / 2


def test_every_family_is_fine_tuned_on_what_it_would_see(pair):
    """To end at once is as unlikely in the loss as in the model's own pass, and becomes likely."""
    model, processor = pair
    tuner = Tuner(model, processor, np.random.default_rng(0), SftConfig(warm_up=1, learning_rate=0.01, steps=100))
    tuner.add([Example(one, "") for one in observations()])
    with torch.no_grad():
        logits = model(**Decoder(model, processor, 1).inputs(observations())).logits[:, -1]
    expected = -torch.log_softmax(logits.float(), -1)[:, processor.tokenizer.eos_token_id].mean()
    losses = [tuner.step() for _ in range(10)]
    assert losses[0] == pytest.approx(float(expected), abs=1e-4)
    assert losses[-1] < losses[0] / 2
