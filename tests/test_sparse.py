"""What is done to sparse samples is what would be done to them written out."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diabolo.sparse import assembled, by_columns, dense, dots, places, product, sums, sums_of, unit, weighted


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


@sizes
def test_a_weighted_product_has_the_gradient_of_its_values_too(rows, columns, share, seed):
    x = samples(rows, columns, share, seed, torch.randn)
    draw = torch.Generator().manual_seed(seed)
    W, g = (torch.randn(size, 3, generator=draw, dtype=torch.float64) for size in (columns, rows))
    values, W = x.values().clone().requires_grad_(), W.requires_grad_()
    whole = torch.zeros(rows, columns, dtype=torch.float64).index_put(tuple(x.indices()), values)
    found, wanted = weighted(values, x.indices(), rows, W), whole @ W
    torch.testing.assert_close(found, wanted)
    for one, other in zip(*(torch.autograd.grad(each, (values, W), g) for each in (found, wanted)), strict=True):
        torch.testing.assert_close(one, other)


def test_gradients_of_what_is_weighted_and_assembled_by_finite_differences():
    x = samples(4, 6, 0.5, 1, torch.randn)
    entries, values = x.indices(), x.values().clone().requires_grad_()
    W = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v, W: weighted(v, entries, 4, W), (values, W))
    assert torch.autograd.gradcheck(lambda v: assembled(entries, v, (4, 6)).to_dense(), values)
    assert torch.autograd.gradcheck(lambda v: assembled(entries, v, (4, 6)).values(), values)


@sizes
def test_what_is_assembled_has_the_gradient_of_all_its_uses(rows, columns, share, seed):
    x = samples(rows, columns, share, seed, torch.randn)
    values = x.values().clone().requires_grad_()
    z = assembled(x.indices(), values, (rows, columns))
    assert z.is_coalesced()
    draw = torch.Generator().manual_seed(seed)
    g = torch.randn(rows, columns, generator=draw, dtype=torch.float64)
    of_each = torch.randn(len(values), generator=draw, dtype=torch.float64)
    at = tuple(x.indices())
    uses = ((z.to_dense() * g).sum(), g[at]), ((z.values() * of_each).sum(), of_each)
    for value, slope in uses:
        torch.testing.assert_close(torch.autograd.grad(value, values, retain_graph=True)[0], slope)
    both = torch.autograd.grad(uses[0][0] + uses[1][0] + z.values().square().sum(), values)[0]
    torch.testing.assert_close(both, g[at] + of_each + 2 * x.values())


@given(st.integers(1, 9), st.integers(1, 60), st.integers(1, 60), st.integers(0, 99))
def test_sums_by_columns_are_those_of_the_matrix_turned_over(rows, count, used, seed):
    draw = torch.Generator().manual_seed(seed)
    places = torch.randperm(count, generator=draw)[:used].sort().values  # few columns or many
    x = torch.zeros(rows, count, dtype=torch.float64)
    x[:, places] = torch.randn(rows, len(places), generator=draw, dtype=torch.float64)
    table = torch.randn(rows, 3, generator=draw, dtype=torch.float64)
    entries = x.to_sparse()
    at, to = entries.indices()
    found = by_columns(table, at, to, entries.values(), count)
    torch.testing.assert_close(found, x.T @ table)


@sizes
def test_dots_are_products_of_pairs_of_rows(rows, columns, share, seed):
    at, to = samples(rows, columns, share, seed).indices()
    draw = torch.Generator().manual_seed(seed)
    some, others = (torch.randn(size, 4, generator=draw, dtype=torch.float64) for size in (rows, columns))
    torch.testing.assert_close(dots(some, others, at, to), (some[at] * others[to]).sum(1))


def test_sums_of_rows_may_be_of_none():
    table, none = torch.ones(3, 2), torch.zeros(0, dtype=torch.long)
    assert sums_of(table, none, torch.zeros(0), torch.zeros(4, dtype=torch.long)).tolist() == [[0.0, 0.0]] * 4
    assert by_columns(table, none, none, torch.zeros(0), 5).tolist() == [[0.0, 0.0]] * 5
    assert dots(table, table, none, none).shape == (0,)
