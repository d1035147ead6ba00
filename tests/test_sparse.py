"""What is done to sparse samples is what would be done to them written out."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diabolo.sparse import assembled, dense, places, product, sums, unit


def samples(rows, columns, share, seed=0, values=torch.rand):
    """Sparse samples (B, I) in float64, some of them without entries."""
    generator = torch.Generator().manual_seed(seed)
    kept = torch.rand(rows, columns, generator=generator) < share
    return (kept * values(rows, columns, generator=generator, dtype=torch.float64)).to_sparse()


sizes = given(st.integers(1, 9), st.integers(1, 30), st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.integers(0, 99))


@sizes
def test_products_and_their_gradients_are_those_of_dense_samples(rows, columns, share, seed):
    x = samples(rows, columns, share, seed, torch.randn)
    W = torch.randn(columns, 3, dtype=torch.float64, requires_grad=True)
    g = torch.randn(rows, 3, dtype=torch.float64)
    found, wanted = product(x, W), dense(x) @ W
    torch.testing.assert_close(found, wanted)
    for one, other in zip(torch.autograd.grad(found, W, g), torch.autograd.grad(wanted, W, g), strict=True):
        torch.testing.assert_close(one, other)


@sizes
def test_unit_rows_have_length_1_or_0_and_are_those_of_dense_samples(rows, columns, share, seed):
    x = samples(rows, columns, share, seed, torch.randn)
    torch.testing.assert_close(dense(unit(x)), unit(dense(x)))
    length = dense(unit(x)).norm(dim=1)
    assert bool(((length - 1).abs() < 1e-12).logical_or(length == 0).all())


@sizes
def test_sums_and_places_are_those_of_dense_samples(rows, columns, share, seed):
    x = samples(rows, columns, share, seed)
    torch.testing.assert_close(sums(x, x.values()), dense(x).sum(1))
    assert torch.equal(dense(x).flatten()[places(x)], x.values())
    assert torch.equal(dense(assembled(x.indices(), x.values(), x.shape)), dense(x))


def test_a_product_in_float32_is_the_same_to_rounding():
    x, W = samples(7, 40, 0.2), torch.randn(40, 5, dtype=torch.float64)
    narrow = W.float().requires_grad_()
    found = product(x.float(), narrow)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), dense(x) @ W, rtol=1e-5, atol=1e-5)
    found.sum().backward()
    torch.testing.assert_close(narrow.grad, dense(x).sum(0).float()[:, None].expand(40, 5))


def test_a_product_says_that_it_is_differentiable_once():
    W = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(product(samples(3, 4, 0.5), W).square().sum(), W, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()
