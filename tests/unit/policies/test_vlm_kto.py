"""KTO against the formulas of the paper in NumPy, and what it does to utterances that were taken over from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from vlmrl_ros.core.errors import CheckpointError, ConfigError
from vlmrl_ros.core.snapshot import save_snapshot
from vlmrl_ros.core.spoken import Utterance
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.core.text_action import TextAction, read_action
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.policies.vlm import kto
from vlmrl_ros.policies.vlm.asked import Asked
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.judged import judge, judged_part, read_judged_part, side_by_side
from vlmrl_ros.policies.vlm.kto import KtoConfig, UtteranceKto, as_it_is
from vlmrl_ros.policies.vlm.kto_loss import baseline, class_weights, regret
from vlmrl_ros.policies.vlm.loading import load_model, with_new_adapter
from vlmrl_ros.policies.vlm.scoring import never_said, score
from vlmrl_ros.policies.vlm.tiny import TinyConfig, build

SMALL = TinyConfig(vision="stem", image_size=16, vision_width=16, width=16, layers=1, vocabulary=260, context=64)
WORDS = ("a", "b")
NAMED = TextAction("a", (0, 1), (1, 2))
"""Two characters, of which the second one names the action."""
QUICK = KtoConfig(minibatch=8, steps_per_update=10, learning_rate=0.01, thought_weight=0.5, beta=0.5)


@pytest.fixture
def speaker():
    return build(["ab"], 0, SMALL)


def seen(shade: int) -> TextObservation:
    return TextObservation("<image>which?", (np.full((16, 16, 3), shade, np.uint8),))


def turns(model, processor, count: int = 8) -> list[Turn]:
    """Answers of two tokens; of each second one a person took over."""
    shown = [seen(20 * row) for row in range(count)]
    said = Decoder(model, processor, 2).decode(shown, 0.7, torch.Generator().manual_seed(0))
    return [
        Turn(one, utterance, NAMED, 0.0, False, False, one, taken_over=row % 2 == 0)
        for row, (one, utterance) in enumerate(zip(shown, said, strict=True))
    ]


def log_probs(model, processor, given: list[Turn], answers: list[Turn]) -> np.ndarray:
    """Of each token of answers, one by one, to what was asked in turns, float64 (B, 2)."""
    rows = []
    for asked, said in zip(given, answers, strict=True):
        prompt, answer = [Asked.by(processor, asked.observation)], [said.utterance.token_ids]
        with torch.no_grad():
            found = score(model, prompt, answer, QUICK.temperature, never_said(processor))
        rows.append(found.log_probs[0].double().numpy())
    return np.array(rows)


def test_value_and_baseline_are_those_of_the_paper():
    ratios, good = np.array([0.5, -2.0, 3.0, 0.1]), np.array([True, True, False, False])
    z, beta = 0.7, 0.3
    value = np.where(good, 1 / (1 + np.exp(-beta * (ratios - z))), 1 / (1 + np.exp(-beta * (z - ratios))))
    found = regret(torch.tensor(ratios), torch.from_numpy(good), torch.tensor(z), beta)
    np.testing.assert_allclose(found, 1 - value, rtol=1e-6)
    assert float(baseline(torch.tensor([0.5, 2.0]))) == 1.25
    assert float(baseline(torch.tensor([0.5, -2.0]))) == 0.0, "a KL divergence is not below 0"
    assert not baseline(torch.ones(2, requires_grad=True)).requires_grad


@pytest.mark.parametrize(("passed", "stopped"), [(90, 10), (5, 5), (1, 300)])
def test_both_classes_weigh_the_same_however_rare_one_is(passed, stopped):
    desirable, undesirable = class_weights(passed, stopped)
    assert desirable * passed == pytest.approx(undesirable * stopped)
    assert desirable * passed + undesirable * stopped == pytest.approx(passed + stopped)


def test_a_step_goes_down_the_loss_of_the_paper(speaker, monkeypatch):
    """Each log-probability is scored by itself here; of the minibatch each answer is exchanged with the next one's."""
    model, processor = speaker
    given = turns(model, processor, 6)
    given[4] = replace(given[4], taken_over=False)
    config = replace(QUICK, minibatch=6, steps_per_update=1)
    learner = UtteranceKto(model, processor, np.random.default_rng(3), config)
    learner.add(given)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    first = build(["ab"], 0, SMALL)[0]
    order = [given[row] for row in np.random.default_rng(3).choice(6, 6, replace=False)]
    weights = np.array([config.thought_weight, 1.0])

    def ratio(answers: list[Turn]) -> np.ndarray:
        pair = [log_probs(one, processor, order, answers) @ weights for one in (model, first)]
        return pair[0] - pair[1]

    good = np.array([not turn.taken_over for turn in order])
    z = max(0.0, float(ratio([*order[1:], order[0]]).mean()))
    own = ratio(order)
    lacking = 1 - 1 / (1 + np.exp(-config.beta * np.where(good, 1, -1) * (own - z)))
    balance = np.where(good, 6 / (2 * 4), 6 / (2 * 2))
    metrics = learner.update()
    assert metrics["kl"] == pytest.approx(z, abs=1e-5)
    assert metrics["loss"] == pytest.approx(float((balance * lacking).mean()), abs=1e-5)
    assert metrics["margin"] == pytest.approx(own[good].mean() - own[~good].mean(), abs=1e-4)
    assert metrics["undesirable"] == pytest.approx(1 / 3)
    assert abs(own).max() > 0.01, "policy and reference differ"


def test_what_was_taken_over_from_becomes_less_likely_and_the_rest_does_not(speaker):
    model, processor = speaker
    given = turns(model, processor)
    before = log_probs(model, processor, given, given).sum(-1)
    learner = UtteranceKto(model, processor, np.random.default_rng(0), QUICK)
    learner.add(given)
    margins = [learner.update()["margin"] for _ in range(2)]
    change = log_probs(model, processor, given, given).sum(-1) - before
    assert margins[1] > margins[0] > 0
    assert change[::2].max() < 0 <= change[1::2].min()


def test_the_reference_stays_what_the_model_was(speaker):
    model, processor = speaker
    given = turns(model, processor)
    before = log_probs(model, processor, given, given)
    reference = as_it_is(model)
    learner = UtteranceKto(model, processor, np.random.default_rng(0), QUICK)
    learner.add(given)
    learner.update()
    np.testing.assert_array_equal(log_probs(reference, processor, given, given), before)
    assert not np.array_equal(log_probs(model, processor, given, given), before)


def test_the_reference_of_an_adapter_is_the_model_without_it_and_shares_its_weights(tmp_path, speaker):
    for part in speaker:
        part.save_pretrained(tmp_path)
    model, processor = load_model(str(tmp_path), "float32", "cpu", (), 0)
    given = turns(model, processor)
    without = log_probs(model, processor, given, given)
    with_new_adapter(model, 2)
    learner = UtteranceKto(model, processor, np.random.default_rng(0), QUICK)
    learner.add(given)
    learner.update()
    reference = learner._reference.model
    np.testing.assert_array_equal(log_probs(reference, processor, given, given), without)
    assert not np.allclose(log_probs(model, processor, given, given), without)
    frozen = {name: one.data_ptr() for name, one in model.named_parameters() if not one.requires_grad}
    theirs = {name: one.data_ptr() for name, one in reference.named_parameters() if name in frozen}
    assert frozen == theirs


def test_a_turn_that_says_nothing_of_its_utterance_is_left_out(speaker):
    model, processor = speaker
    (turn, *_) = turns(model, processor)
    babble = replace(turn, said=read_action("hm", WORDS))
    assert judge(babble, processor) is not None, "a person took over from it"
    assert judge(replace(babble, taken_over=False), processor) is None
    nobody = Utterance("hm", np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32), True)
    assert judge(replace(turn, utterance=nobody), processor) is None
    strange = replace(turn.utterance, prompt_ids=np.array([5, 6]))
    with pytest.raises(ConfigError, match=r"a prompt of 2 tokens, .* makes others, \d+: another model has said it"):
        judge(replace(turn, utterance=strange), processor)


def test_utterances_come_back_from_a_checkpoint_as_they_were(speaker, tmp_path):
    model, processor = speaker
    rows = [judge(turn, processor) for turn in turns(model, processor)]
    pictures = (np.full((4, 8, 3), 9, np.uint8), np.full((16, 16, 3), 7, np.uint8))
    seen = TextObservation("<image>an <image>\N{GREEK SMALL LETTER OMEGA}?", pictures)
    wide = replace(rows[0], observation=seen, asked=Asked.by(processor, seen))
    for name, kept in (("some", [*rows, wide]), ("none", [])):
        save_snapshot(tmp_path, {f"{name}.safetensors": judged_part(kept)})
        found = read_judged_part(tmp_path / f"{name}.safetensors", processor)
        assert len(found) == len(kept)
        for one, other in zip(found, kept, strict=True):
            assert (one.desirable, one.observation.text) == (other.desirable, other.observation.text)
            arrays = [
                (
                    row.token_ids,
                    row.names_action,
                    row.asked.ids,
                    row.asked.images["pixel_values"],
                    *row.observation.images,
                )
                for row in (one, other)
            ]
            for mine, theirs in zip(*arrays, strict=True):
                np.testing.assert_array_equal(mine, theirs, strict=True)
    file = tmp_path / "some.safetensors"
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(CheckpointError, match="no usable utterances"):
        read_judged_part(file, processor)


def test_exchanged_answers_are_those_of_the_next_row(speaker):
    model, processor = speaker
    given = turns(model, processor, 3)
    batch, _ = side_by_side([judge(turn, processor) for turn in given], torch.device("cpu"))
    other = kto._exchanged(batch, np.array([0, 2]))
    said = [given[row].utterance.token_ids for row in (1, 0)]
    assert all(map(np.array_equal, other.answers, said))
    assert other.asked == [batch.asked[row] for row in (0, 2)]
