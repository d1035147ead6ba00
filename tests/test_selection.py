"""What is selected from h block by block is what would be selected from all of it."""

from contextlib import contextmanager

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diabolo import selection
from diabolo.selection import Affine, Entries, above, kept, of_all, of_columns, of_rows

quick = settings(max_examples=60, deadline=None)
worlds = st.tuples(st.integers(1, 12), st.integers(1, 4), st.integers(1, 40), st.booleans(), st.integers(0, 2**16))
shares = st.floats(0.01, 1.0)
blocks = st.sampled_from([1, 7, 64, 2**24])
"""Entries of h at a time: from one column to all."""


def world(rows, width, n, ties, seed):
    """Return x, a map and h (rows, n), in float64; with ties, in whole numbers."""
    draw = torch.Generator().manual_seed(seed)
    drawn = (torch.randn(*s, generator=draw, dtype=torch.float64) for s in ((rows, width), (n, width), (n,)))
    x, weight, bias = (each.round() if ties else each for each in drawn)
    return x, Affine(weight, bias), x @ weight.T + bias


@contextmanager
def at_once(entries):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "_AT_ONCE", entries)
        yield


def check(found, h):
    """Check that entries are those of h, in order, each once."""
    assert isinstance(found, Entries)
    places = found.rows * h.shape[1] + found.columns
    assert bool((places.diff() > 0).all())
    torch.testing.assert_close(found.values, h[found.rows, found.columns])


def falling(values):
    return values.sort(descending=True).values


def topk_watched(monkeypatch):
    """Return a list, to which the number of entries is added that each search looks through."""
    looked, plain = [], torch.Tensor.topk

    def watched(self, *arguments, **rest):
        looked.append(len(self))
        return plain(self, *arguments, **rest)

    monkeypatch.setattr(torch.Tensor, "topk", watched)
    return looked


@quick
@given(worlds, shares, blocks)
def test_the_largest_of_each_row(numbers, share, entries):
    x, map, h = world(*numbers)
    k = max(1, int(share * h.shape[1]))
    with at_once(entries):
        found = of_rows(x, map, k)
    check(found, h)
    assert torch.equal(found.rows, torch.arange(len(x)).repeat_interleave(k))
    torch.testing.assert_close(found.values.view(-1, k).sort(1, descending=True).values, h.topk(k, 1).values)


@quick
@given(worlds, shares, blocks)
def test_the_largest_of_all(numbers, share, entries):
    x, map, h = world(*numbers)
    count = max(1, int(share * h.numel()))
    with at_once(entries):
        found = of_all(x, map, count)
    check(found, h)
    expected = h.flatten().topk(count).values
    torch.testing.assert_close(falling(found.values), expected[expected > 0])


@quick
@given(worlds, shares, blocks)
def test_the_largest_of_each_column(numbers, share, entries):
    x, map, h = world(*numbers)
    k = max(1, int(share * len(x)))
    with at_once(entries):
        found = of_columns(x, map, k)
    check(found, h)
    for column in range(h.shape[1]):
        expected = h[:, column].topk(k).values
        torch.testing.assert_close(falling(found.values[found.columns == column]), expected[expected > 0])


@quick
@given(worlds, st.floats(-2, 2), st.booleans(), blocks)
def test_those_above_a_threshold(numbers, least, each, entries):
    x, map, h = world(*numbers)
    threshold = torch.linspace(least, 1, h.shape[1], dtype=torch.float64) if each else torch.tensor(least)
    with at_once(entries):
        found = above(x, map, threshold.double())
    check(found, h)
    rows, columns = (h > threshold).nonzero(as_tuple=True)
    assert torch.equal(found.rows, rows)
    assert torch.equal(found.columns, columns)


@pytest.mark.parametrize("entries", [500, 2**24], ids=["blocks", "whole"])
@pytest.mark.parametrize("count", [1, 20, 150, 1000])
def test_a_sample_says_where_to_look_for_the_largest(monkeypatch, count, entries):
    looked = topk_watched(monkeypatch)
    monkeypatch.setattr(selection, "_AT_ONCE", entries)
    x, map, h = world(30, 4, 400, False, 1)
    x, h = torch.cat([x] * 20), torch.cat([h] * 20)
    found = of_all(x, map, count)
    check(found, h)
    expected = falling(h.flatten())[:count]
    torch.testing.assert_close(falling(found.values), expected[expected > 0])
    if entries == 2**24:
        assert max(looked) < h.numel() / 2  # nowhere were all of them put in order


def test_where_a_sample_says_too_much_all_are_searched(monkeypatch):
    looked = topk_watched(monkeypatch)
    h = torch.rand(2**18, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    h[::20][:400] += 9  # all that are large are among those that an even sample sees
    found = of_all(torch.ones(1, 1, dtype=torch.float64), Affine(h[:, None], torch.zeros_like(h)), 1000)
    assert max(looked) == len(h)
    check(found, h[None])
    torch.testing.assert_close(falling(found.values), falling(h)[:1000])


@pytest.mark.parametrize("entries", [1, 2**24])
def test_nothing_is_selected_where_nothing_is_above_0(entries):
    x, map = torch.ones(3, 2), Affine(torch.ones(5, 2, requires_grad=True), torch.full((5,), -9.0, requires_grad=True))
    with at_once(entries):
        for found in (of_all(x, map, 4), of_columns(x, map, 2), above(x, map, torch.zeros(5))):
            assert len(found.rows) == len(found.columns) == len(found.values) == 0
            z = kept(x, map, found)
            assert z.shape == (3, 5)
            assert z.is_coalesced()
            slopes = torch.autograd.grad(z.to_dense().sum() + z.values().sum(), map)
            assert [slope.abs().sum().item() for slope in slopes] == [0, 0]


@quick
@given(worlds, shares)
def test_what_is_kept_has_the_gradient_of_those_entries_of_h(numbers, share):
    x, map, h = world(*numbers)
    leaves = [x.requires_grad_(), *(each.requires_grad_() for each in map)]
    found = of_rows(x, map, max(1, int(share * h.shape[1])))
    g = torch.randn(h.shape, dtype=torch.float64)
    z = kept(x, map, found)
    mask = torch.zeros_like(h).index_put_((found.rows, found.columns), torch.ones_like(found.values))
    wanted = (x @ map.weight.T + map.bias) * mask
    torch.testing.assert_close(z.to_dense(), wanted)
    pairs = zip(*(torch.autograd.grad(each, leaves, g) for each in (z.to_dense(), wanted)), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


def test_what_is_kept_is_computed_anew_where_it_was_found_in_a_lower_precision():
    x, map, h = world(6, 4, 30, False, 0)
    found = of_rows(x, map, 5)
    rough = found._replace(values=found.values.bfloat16())
    z = kept(x, map, rough)
    torch.testing.assert_close(z.values(), h[found.rows, found.columns])


def test_entries_that_are_marked():
    entries = Entries(torch.tensor([0, 1, 1]), torch.tensor([2, 0, 3]), torch.tensor([5.0, 6.0, 7.0]))
    found = entries.where(torch.tensor([True, False, True]))
    assert [each.tolist() for each in found] == [[0, 1], [2, 3], [5.0, 7.0]]
