from __future__ import annotations

import math

import pytest
import torch

from vlmrl_ros.policies.language.losses import (
    backup,
    cloning_loss,
    conservative_loss,
    expectile_loss,
    monte_carlo_loss,
    of_token,
    q_loss,
)

TOKEN = torch.tensor([1, 0])
ONE = torch.tensor([[0.0, 2.0, 5.0], [1.0, 9.0, 9.0]], requires_grad=True)
EVEN = torch.tensor([0.5, 0.5])
OTHER = torch.tensor([[0.0, 1.0, 0.0], [4.0, 0.0, 0.0]])


def test_the_backup_takes_the_next_value_without_its_gradient():
    following = torch.tensor([4.0, 0.0], requires_grad=True)
    target = backup(torch.tensor([-1.0, 2.0]), following, 0.5)
    assert target.tolist() == [1.0, 2.0]
    assert not target.requires_grad


def test_q_loss_is_half_the_squared_error_of_what_was_said_for_both_heads():
    # errors 2 - 1, 1 - 2; and 1 - 1, 4 - 2
    loss = q_loss([ONE, OTHER], TOKEN, torch.tensor([1.0, 2.0]), EVEN)
    assert loss.item() == pytest.approx(0.5 * (1 + 1) / 2 + 0.5 * (0 + 4) / 2)
    (slope,) = torch.autograd.grad(loss, ONE)
    assert slope.tolist() == [[0, 0.5, 0], [-0.5, 0, 0]]


def test_an_expectile_weighs_what_lies_above_more():
    best, value = torch.tensor([3.0, 1.0]), torch.tensor([1.0, 4.0])
    assert expectile_loss(best, value, 0.9, EVEN).item() == pytest.approx((0.5 * 0.9 * 4 + 0.5 * 0.1 * 9) / 2)
    assert expectile_loss(best, value, 0.5, EVEN).item() == pytest.approx((0.25 * 4 + 0.25 * 9) / 2)


def test_the_conservative_loss_is_a_cross_entropy_with_values_as_logits():
    plain = [math.log(sum(map(math.exp, row))) - row[token] for row, token in (((0, 2, 5), 1), ((1, 9, 9), 0))]
    assert conservative_loss([ONE], TOKEN, EVEN).item() == pytest.approx(sum(plain) / 2)
    assert conservative_loss([ONE, ONE], TOKEN, EVEN).item() == pytest.approx(sum(plain))
    assert cloning_loss(ONE, TOKEN, EVEN).item() == pytest.approx(sum(plain) / 2)


def test_monte_carlo_values_learn_the_reward_to_go():
    assert of_token(ONE, TOKEN).tolist() == [2, 1]
    assert monte_carlo_loss(ONE, TOKEN, torch.tensor([-1.0, 1.5]), EVEN).item() == pytest.approx((9 + 0.25) / 2)


def test_a_token_counts_by_its_weight():
    weight = torch.tensor([0.8, 0.2])
    assert monte_carlo_loss(ONE, TOKEN, torch.tensor([-1.0, 1.5]), weight).item() == pytest.approx(0.8 * 9 + 0.2 * 0.25)
