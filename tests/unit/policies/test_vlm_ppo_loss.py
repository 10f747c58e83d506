"""Spans, scores and losses of utterances."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vlmrl_ros.core.errors import ShapeError
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.core.text_action import read_action
from vlmrl_ros.policies.vlm import ppo_loss
from vlmrl_ros.policies.vlm.asked import Asked
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.scoring import ValueHead, never_said, score
from vlmrl_ros.policies.vlm.spans import character_ends, names_action
from vlmrl_ros.policies.vlm.tiny import TinyConfig, build

SMALL = TinyConfig(vision_width=32, vision_layers=1, width=32, layers=2, vocabulary=300, context=256)
ANSWER = '{"thoughts": "größer → weiter", "action": "+"}'


@pytest.fixture(scope="module")
def tiny():
    return build(["Which way? Answer as JSON.", '{"thoughts": "up", "action": "+"}'], 0, SMALL)


def test_tokens_end_where_their_characters_do(tiny):
    tokenizer = tiny[1].tokenizer
    ids = [*tokenizer(ANSWER, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    ends = character_ends(tokenizer, ids)
    assert ends[-1] == ends[-2] == len(ANSWER)
    assert (np.diff(ends) >= 0).all()


def test_the_tokens_of_the_action_are_those_of_its_characters(tiny):
    tokenizer = tiny[1].tokenizer
    ids = [*tokenizer(ANSWER, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    named = names_action(tokenizer, ids, read_action(ANSWER, ("+", "-")))
    action = tokenizer.decode([token for token, part in zip(ids, named, strict=True) if part])
    thought = tokenizer.decode([token for token, part in zip(ids, named, strict=True) if not part])
    assert '"action": "+"}' in action
    assert "action" not in thought
    assert "größer → weiter" in thought
    assert not names_action(tokenizer, ids[:5], read_action("hm", ("+",))).any()


def test_the_ratio_is_one_before_the_first_step(tiny):
    """What the decoder drew and what the score says are one policy, in batches of different lengths."""
    model, processor = tiny
    decoder = Decoder(model, processor, 20)
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (4, 30, 30, 3), dtype=np.uint8)
    asked = [TextObservation("<image>" + "so, " * index + "which way?", (pictures[index],)) for index in range(4)]
    said = decoder.decode(asked, 0.7, torch.Generator().manual_seed(0))
    said = [*said[:2], *decoder.decode(asked[2:], 0.7, torch.Generator().manual_seed(1))]
    answers = [one.token_ids for one in said]
    scores = score(model, [Asked.by(processor, one) for one in asked], answers, 0.7, never_said(processor))
    for row, one in enumerate(said):
        np.testing.assert_allclose(scores.log_probs[row, : len(one.token_ids)].detach(), one.log_probs, atol=2e-5)
        assert not scores.log_probs[row, len(one.token_ids) :].any()


def test_the_value_is_zero_at_first_and_learns(tiny):
    head = ValueHead(32)
    asked = torch.randn(8, 32, generator=torch.Generator().manual_seed(0))
    assert not head(asked).any()
    target, optimiser = asked[:, 0], torch.optim.Adam(head.parameters(), 1e-2)
    losses = []
    for _ in range(200):
        loss = ppo_loss.value_loss(head(asked), head(asked).detach(), target, 0.1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 20


def test_thoughts_weigh_as_much_as_asked():
    log_probs = torch.tensor([[-1.0, -2.0, -4.0, 0.0]])
    named = torch.tensor([[False, False, True, False]])
    assert [ppo_loss.utterance_log_prob(log_probs, named, w).item() for w in (0.0, 0.5, 1.0)] == [-4.0, -5.5, -7.0]


def test_advantages_by_hand():
    """One environment: a step, then the end by termination; another that is truncated and bootstraps."""
    rewards = np.array([[0.0, 0.0], [1.0, 0.0]], np.float32)
    values = np.array([[0.5, 0.5], [0.8, 0.8]], np.float32)
    following = np.array([[0.8, 0.8], [9.0, 2.0]], np.float32)
    terminated = np.array([[False, False], [True, False]])
    last = np.array([[False, False], [True, True]])
    made, returns = ppo_loss.advantages(rewards, values, following, terminated, last, 0.9, 0.5)
    second = np.array([1.0 - 0.8, 0.9 * 2.0 - 0.8])
    first = 0.9 * 0.8 - 0.5 + 0.9 * 0.5 * second
    np.testing.assert_allclose(made, [first, second], rtol=1e-6)
    np.testing.assert_allclose(returns, made + values, rtol=1e-6)
    with pytest.raises(ShapeError, match="one shape"):
        ppo_loss.advantages(rewards, values[:1], following, terminated, last, 0.9, 0.5)


def test_nothing_crosses_the_end_of_an_episode():
    zeros = np.zeros((3, 1), np.float32)
    last = np.array([[False], [True], [False]])
    rewards = np.array([[0.0], [0.0], [5.0]], np.float32)
    made, _ = ppo_loss.advantages(rewards, zeros, zeros, last, last, 1.0, 1.0)
    assert made[:, 0].tolist() == [0.0, 0.0, 5.0]


@pytest.mark.parametrize(("advantage", "ratio", "moves"), [(1.0, 1.3, False), (1.0, 0.7, True), (-1.0, 0.7, False)])
def test_the_clip_takes_the_gradient_where_the_policy_has_gone_far_enough(advantage, ratio, moves):
    log_prob = torch.tensor([np.log(ratio)], requires_grad=True)
    ppo_loss.policy_loss(log_prob, torch.zeros(1), torch.tensor([advantage]), 0.1).backward()
    assert bool(log_prob.grad.abs().sum() > 0) == moves


def test_beyond_a_ratio_of_ten_only_the_clipped_term_counts():
    log_prob = torch.tensor([3.0], requires_grad=True)
    loss = ppo_loss.policy_loss(log_prob, torch.zeros(1), torch.tensor([-1.0]), 0.1)
    loss.backward()
    assert loss.item() == pytest.approx(1.1)
    assert not log_prob.grad.any()
