"""Bins of a column: where its values are, densities that integrate to one, and back."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diabolo.errors import FileError
from diabolo.estimators.bins import Bins

columns = st.lists(
    st.one_of(st.floats(-1e6, 1e6, allow_subnormal=False), st.integers(-3, 3).map(float)), min_size=1, max_size=200
)


def spiked(count=4000, seed=0):
    """Zero three times in five, else of a long tail."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(count) < 0.6, 0.0, np.exp(3 * rng.normal(size=count)))


def one_hot(bins, which):
    return np.eye(bins.width)[which]


def test_a_frequent_value_has_a_bin_of_its_own_and_others_are_as_frequent_as_each_other():
    x = spiked()
    bins = Bins.of(x, None)
    which, _ = bins.encode(x)
    assert bins.knots[0] == (0.0,)
    np.testing.assert_array_equal(which == 0, x == 0)
    counts = np.bincount(which, minlength=bins.width)
    assert bins.width == 1 + 13 + 1  # zero, two fifths of 32, and elsewhere
    assert counts[-1] == 0
    np.testing.assert_allclose(counts[1:-1], 1600 / 13, rtol=0.1)


def test_within_bins_numbers_are_as_in_training():
    x = spiked()
    bins, rng = Bins.of(x, None), np.random.default_rng(1)
    which, _ = bins.encode(x)
    new = bins.decode(one_hot(bins, which), rng.random(len(x)))
    share = np.linspace(0.65, 0.995, 30)
    np.testing.assert_allclose(np.log(np.quantile(new, share)), np.log(np.quantile(x, share)), atol=0.25)
    assert (new == 0).mean() == (x == 0).mean()


@settings(max_examples=80, deadline=None)
@given(columns)
def test_numbers_come_back(values):
    x = np.array(values)
    bins = Bins.of(x, None)
    which, place = bins.encode(x)
    assert ((place >= 0) & (place <= 1)).all()
    assert (which < bins.width - 1).all()  # none of them is elsewhere
    np.testing.assert_allclose(bins.decode(one_hot(bins, which), place), x, rtol=1e-6, atol=1e-9 * np.abs(x).max())
    assert Bins.from_json(json.loads(json.dumps(bins.to_json()))) == bins


@settings(max_examples=40, deadline=None)
@given(columns, st.sampled_from([None, 1]))
def test_the_density_of_each_bin_integrates_to_one(values, parts):
    x = np.round(values) if parts else np.array(values)
    bins = Bins.of(x, parts)
    for k, knots in enumerate(bins.knots):
        low, high = knots[0], knots[-1]
        if low == high:
            assert bins.log_density(np.array([k]), np.array([0.5])) == 0  # a probability, not a density
            continue
        middle = (np.array(knots[1:]) + knots[:-1]) / 2
        which, _ = bins.encode(middle)
        shares = (np.array(bins.shares[k][1:]) + bins.shares[k][:-1]) / 2
        log_density = bins.log_density(np.full(len(middle), k), shares)
        assert (which == k).all() or len(np.unique(x)) < len(x)
        assert np.exp(log_density + np.log(np.diff(knots))).sum() == pytest.approx(1)
    assert bins.width == len(bins.knots) + 1


def test_elsewhere_there_are_the_tails_of_cauchy():
    bins = Bins.of(np.linspace(2, 4, 200), None)
    which, place = bins.encode(np.array([1.0, 4.5, -1e9, 1e12]))
    assert (which == bins.width - 1).all()
    exact = -np.log(np.pi) - np.log1p(np.square(np.array([1.0, 4.5, -1e9, 1e12]) - 3))
    np.testing.assert_allclose(bins.log_density(which, place), exact, rtol=1e-4)
    np.testing.assert_allclose(bins.decode(one_hot(bins, which), place)[:2], [1.0, 4.5])


def test_whole_numbers_lie_between_whole_numbers():
    x = np.random.default_rng(0).integers(0, 200, 5000).astype(float)
    bins = Bins.of(x, 1)
    drawn = np.floor(bins.decode(one_hot(bins, bins.encode(x)[0]), np.random.default_rng(1).random(5000)))
    assert drawn.min() == 0
    assert drawn.max() == 199
    assert np.abs(np.bincount(drawn.astype(int), minlength=200) - 25).max() < 25
    which, place = bins.encode(np.arange(200.0))
    density = np.exp(bins.log_density(which, place)) * np.bincount(bins.encode(x)[0])[which] / 5000
    assert density.sum() == pytest.approx(1, abs=0.02)  # of whole numbers it is a probability


@pytest.mark.parametrize("parts", [None, 100])
@pytest.mark.parametrize("share", [0.27, 0.3, 0.33])
def test_no_bin_reaches_over_a_gap(share, parts):
    rng = np.random.default_rng(0)
    x = np.where(np.arange(2000) < 2000 * share, 20.0, 100.0) + 5 * rng.normal(size=2000)
    x = x.round(2) if parts else x
    bins = Bins.of(x, parts)
    which, _ = bins.encode(np.r_[x, 60.0])
    assert (which[:-1] < bins.width - 1).all()
    assert which[-1] == bins.width - 1  # between both, numbers are elsewhere
    new = bins.decode(one_hot(bins, which[:-1]), rng.random(2000))
    np.testing.assert_array_equal(new < 60, x < 60)
    assert np.bincount(which[:-1], minlength=32).max() < 2 * 2000 / 32


def test_the_expected_number_is_the_mean_over_bins():
    bins = Bins.of(np.array([0.0] * 50 + [10.0] * 50), None)
    expected = bins.decode(np.array([[0.5, 0.5, 0.0], [0.2, 0.6, 0.0]]), np.full(2, 0.5))
    np.testing.assert_allclose(expected, [5.0, 7.5])


@pytest.mark.parametrize(
    "plain",
    [
        {"knots": [[1.0, 0.0]], "shares": [[0.0, 1.0]]},
        {"knots": [[0.0, 1.0]], "shares": [[0.0, 0.0]]},
        {"knots": [[0.0, 1.0]], "shares": [[1.0]]},
        {"knots": [[]], "shares": [[]]},
        {"knots": [[float("nan"), 1.0]], "shares": [[0.0, 1.0]]},
    ],
    ids=str,
)
def test_bins_that_are_none_are_refused(plain):
    with pytest.raises(FileError, match="does not describe bins"):
        Bins.from_json(plain)


@pytest.mark.parametrize(
    "x",
    [
        1e300 * np.random.default_rng(0).normal(size=300),
        1e-300 * np.random.default_rng(0).normal(size=300),
        np.random.default_rng(0).integers(2**60, 2**62, 300).astype(float),
        1 + np.arange(300) * 2.3e-16,
        np.full(50, 1e9),
        np.array([2.0, 3.0]),
    ],
    ids=["huge", "tiny", "large integers", "nearly one", "constant", "two"],
)
def test_numbers_of_any_size_come_back(x):
    bins = Bins.of(x, None)
    which, place = bins.encode(np.r_[x, 0.5 * x])
    assert np.isfinite(bins.log_density(which, place)).all()
    np.testing.assert_allclose(bins.decode(one_hot(bins, which), place)[: len(x)], x, rtol=1e-6, atol=1e-9 * x.max())
