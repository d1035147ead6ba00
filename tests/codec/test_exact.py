"""Exact arithmetic: known to decimals of any length, and the same in whatever order sums are added."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from diabolo.codec.exact import POWERS, TOP, UNIT, counts, counts_below, demand_exact, exponential, shifted
from diabolo.errors import FileError


def power(top, below):
    """Return top · exp(−below / 256), rounded, 1 at least, by decimals of 50 digits."""
    with localcontext() as context:
        context.prec = 50
        return max(1, int((top * (Decimal(-int(below)) / UNIT).exp()).to_integral_value(ROUND_HALF_UP)))


def test_powers_are_exponentials_rounded():
    assert POWERS.tolist() == [power(TOP, d) for d in range(len(POWERS))]
    assert POWERS[-1] == 1 < POWERS[-2]
    assert (np.diff(POWERS) <= 0).all()


@given(arrays(np.float64, (3, 5), elements=st.integers(-(2**40), 2**40).map(float)))
def test_counts_of_what_is_below_the_likeliest_are_those_of_logits(logits):
    below = logits.max(1, keepdims=True) - logits
    np.testing.assert_array_equal(counts_below(below.T), counts(logits))
    assert counts_below(below.T).flags.c_contiguous


@given(st.integers(-(2**40), 2**40))
def test_exponentials_of_any_whole_number(s):
    assert exponential(np.array([float(s)]))[0] == power(2**24, min(5000, max(0, -s)))


@given(arrays(np.int64, (3, 5), elements=st.integers(-(2**40), 2**40)), st.integers(-(2**40), 2**40))
def test_counts_know_differences_only_and_have_a_largest(logits, shift):
    found = counts(logits)
    np.testing.assert_array_equal(counts(logits + shift), found)
    np.testing.assert_array_equal(counts(logits.astype(np.float64)), found)
    assert (found.max(1) == TOP).all()
    assert found.min() >= 1
    np.testing.assert_array_equal(np.argsort(-logits, 1, kind="stable")[:, 0], np.argmax(found, 1))
    near = logits.max(1, keepdims=True) - logits < 1000
    np.testing.assert_allclose(found[near], (TOP * np.exp((logits - logits.max(1, keepdims=True)) / UNIT))[near], 0.02)


@given(st.integers(-(2**51), 2**51), st.integers(0, 40))
def test_shifted_is_the_floor_of_whole_numbers(s, bits):
    assert shifted(np.array([float(s)]), bits)[0] == s >> bits


def test_what_could_reach_the_end_of_whole_floats_is_refused():
    fits = np.array([[2**20, -1], [-(2**20), 1]])
    demand_exact(fits, 2**30)
    demand_exact(fits, 0, beside=2.0**51)
    demand_exact(np.zeros((0, 3), np.int64), 2**52)
    for weights, most, beside in ((fits, 2**31, 0.0), (fits, 1, 2.0**52), (np.full((2, 1), 2**62), 1, 0.0)):
        with pytest.raises(FileError, match="too large to be exact"):
            demand_exact(weights, most, beside)


def test_a_sum_that_is_allowed_does_not_depend_on_its_order():
    draw = np.random.default_rng(0)
    weights = draw.integers(-(2**24), 2**24, size=(600, 3))
    demand_exact(weights, 2**14)
    whole, inputs = weights.astype(np.float64), draw.integers(-(2**14), 2**14, size=(5, 600)).astype(np.float64)
    expected = [[sum(int(a) * int(b) for a, b in zip(x, w, strict=True)) for w in weights.T] for x in inputs]
    for order in (np.arange(600), np.argsort(-np.abs(whole[:, 0])), draw.permutation(600)):
        assert (inputs[:, order] @ whole[order]).tolist() == expected
    assert (np.asfortranarray(inputs) @ np.asfortranarray(whole)).tolist() == expected
