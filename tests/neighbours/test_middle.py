"""Where places agree: exact in tiny worlds, unmoved by what lies apart."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diabolo.neighbours import middle


def test_the_middle_of_three_is_the_formula():
    """Around 1 there is most: shares 1/2, 1, 1/5 of places 0, 1, 3."""
    places = torch.tensor([[[0.0], [1.0], [3.0]]])
    assert torch.allclose(middle(places, torch.ones(1, 3)), torch.tensor([[(1 + 3 / 5) / (1 / 2 + 1 + 1 / 5)]]))


def test_it_lies_in_one_of_two_groups():
    places = torch.tensor([[0.0, 0.0], [0.1, 0.0], [0.0, 0.1], [50.0, 0.0], [50.0, 0.1]])[None]
    assert float(middle(places, torch.ones(1, 5)).norm()) < 0.2
    assert float(places.mean(1).norm()) > 19


def test_weights_decide_which_group():
    places = torch.tensor([[[0.0], [0.1], [9.0], [9.1]]])
    for weights, where in (([1.0, 1.0, 0.1, 0.1], 0.0), ([0.1, 0.1, 1.0, 1.0], 9.0)):
        assert abs(float(middle(places, torch.tensor([weights]))) - where) < 0.3


def test_what_has_no_weight_does_not_count():
    places = torch.randn(6, 5, 2)
    some = torch.rand(6, 5)
    assert torch.allclose(
        middle(torch.cat([places, 100 + torch.randn(6, 3, 2)], 1), torch.cat([some, torch.zeros(6, 3)], 1)),
        middle(places, some),
        atol=1e-5,
    )


@given(st.integers(1, 6), st.integers(1, 3), st.floats(-100, 100))
def test_it_moves_with_the_places_and_stays_among_them(k, n, far):
    places, weights = torch.randn(4, k, n), torch.rand(4, k) + 0.01
    found = middle(places, weights)
    assert torch.allclose(middle(places + far, weights), found + far, atol=1e-3)
    assert bool(((found <= places.amax(1) + 1e-5) & (found >= places.amin(1) - 1e-5)).all())


@pytest.mark.parametrize("k", [1, 4])
def test_places_learn(k):
    places = torch.randn(2, k, 2, requires_grad=True)
    middle(places, torch.ones(2, k)).sum().backward()
    assert places.grad is not None
    assert torch.allclose(places.grad.sum(1), torch.ones(2, 2), atol=1e-5)  # all moved by one, it moves by one
