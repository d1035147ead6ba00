"""Sparse targets cost what they cost written out: cross-entropy and the angle, and their gradients."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diabolo.likelihoods import Bernoulli, Cosine, Laplace, Multinomial, Poisson, SquaredError
from diabolo.sparse import dense

PARTS = [Multinomial(), Cosine(), SquaredError(0.5), Bernoulli(), Poisson(), Laplace()]
every = pytest.mark.parametrize("part", PARTS, ids=repr)


def counts(rows, columns, share, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(1, 4, (rows, columns), generator=generator).double()
    return (x * (torch.rand(rows, columns, generator=generator) < share)).to_sparse()


def slope(part, params, target, g):
    y = params.clone().requires_grad_()
    total = part.total(y, target)
    return total.detach(), torch.autograd.grad(total, y, g)[0]


@every
@given(
    st.integers(1, 6),
    st.integers(1, 20),
    st.sampled_from([0.0, 0.2, 1.0]),
    st.sampled_from([0.1, 3.0]),
    st.integers(0, 99),
)
def test_values_and_gradients_are_those_of_dense_targets(part, rows, columns, share, scale, seed):
    torch.manual_seed(seed)
    x = counts(rows, columns, share, seed)
    x = x.sign() if part == Bernoulli() else x
    y, g = scale * torch.randn(rows, columns, dtype=torch.float64), torch.randn(rows, dtype=torch.float64)
    for found, wanted in zip(slope(part, y, x, g), slope(part, y, dense(x), g), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)


@every
def test_the_params_are_left_as_they_are(part):
    y = torch.rand(3, 8, dtype=torch.float64)
    before = y.clone()
    slope(part, y, counts(3, 8, 0.5).sign(), torch.ones(3, dtype=torch.float64))
    assert torch.equal(y, before)


@pytest.mark.parametrize("scale", [0.0, 1e3, -1e3])
def test_extreme_logits_stay_finite(scale):
    x = counts(4, 9, 0.5).float()
    total, by_params = slope(Multinomial(), scale * torch.randn(4, 9).sign(), x, torch.ones(4))
    assert bool(total.isfinite().all() and by_params.isfinite().all() and (total >= 0).all())


def test_the_gradient_can_be_asked_for_once():
    y = torch.randn(3, 8, dtype=torch.float64, requires_grad=True)
    total = Multinomial().total(y, counts(3, 8, 0.5)).sum()
    total.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        total.backward()


def test_the_angle_does_not_see_lengths():
    x, y = counts(5, 9, 0.6), torch.randn(5, 9, dtype=torch.float64)
    torch.testing.assert_close(Cosine().total(3 * y, x), Cosine().total(y, 0.5 * x))
    assert float(Cosine().total(dense(x), x).abs().max()) < 1e-12
    torch.testing.assert_close(Cosine().total(-dense(x), x), 2 * (dense(x).norm(dim=1) > 0).double())
