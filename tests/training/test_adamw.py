"""The optimiser equals torch's own, clipping included, and its state survives."""

import copy

import pytest
import torch
from torch import nn

from diabolo.training.adamw import BETAS, AdamW, excess, pace


def layers():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.Linear(8, 2))


def gradients(model, step):
    torch.manual_seed(step)
    return torch.autograd.grad(model(torch.randn(16, 4)).square().sum(), list(model.parameters()))


@pytest.mark.parametrize("limit", [None, 0.5, 1e6])
def test_equals_the_optimiser_of_torch(limit):
    ours = layers()
    theirs = copy.deepcopy(ours)
    optimiser = AdamW(ours, decay=0.1)
    groups = [
        {"params": [p], "lr": 1e-2 * pace(p.shape), "weight_decay": 0.1 if p.ndim > 1 else 0.0}
        for p in theirs.parameters()
    ]
    reference = torch.optim.AdamW(groups, betas=BETAS)
    for step in range(5):
        optimiser.step(gradients(ours, step), 1e-2, limit)
        for weight, gradient in zip(theirs.parameters(), gradients(theirs, step), strict=True):
            weight.grad = gradient
        if limit is not None:
            nn.utils.clip_grad_norm_(theirs.parameters(), limit)
        reference.step()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_weights_without_a_gradient_stay():
    model = layers()
    optimiser = AdamW(model, decay=0.1)
    before = [p.detach().clone() for p in model.parameters()]
    gradient = [None, *gradients(model, 0)[1:]]
    optimiser.step(gradient, 1e-2, 1.0)
    optimiser.step([None] * len(before), 1e-2, 1.0)
    still = [torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True)]
    assert still == [True, False, False, False, False, False]


def test_frozen_weights_are_left_out():
    model = layers()
    model[0].requires_grad_(False)
    assert len(AdamW(model, decay=0.1).weights) == 4


def test_a_gradient_in_another_memory_layout():
    one, two = layers(), layers()
    first, second = AdamW(one, decay=0.1), AdamW(two, decay=0.1)
    gradient = gradients(one, 0)
    first.step(gradient, 1e-2, 1.0)
    second.step([g.t().contiguous().t() if g.ndim == 2 else g for g in gradient], 1e-2, 1.0)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_goes_on_from_its_state():
    one = layers()
    first = AdamW(one, decay=0.1)
    first.step(gradients(one, 0), 1e-2, 1.0)
    two = copy.deepcopy(one)
    second = AdamW(two, decay=0.1)
    second.load(first.state())
    first.step(gradients(one, 1), 1e-2, 1.0)
    second.step(gradients(two, 1), 1e-2, 1.0)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_excess_is_how_much_too_long_a_gradient_is():
    gradient = [torch.tensor([3.0]), torch.tensor([[4.0]])]
    assert excess(gradient, 2.5) == torch.tensor(2.0)
    assert excess(gradient, 50.0) is None
    many = [torch.full((40_000,), 0.5), torch.zeros(3, 2)]
    torch.testing.assert_close(excess(many, 50.0), torch.tensor(2.0))
