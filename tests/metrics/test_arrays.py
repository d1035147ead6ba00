"""Arrays that cannot be compared are refused by every measure alike, in one sentence."""

import numpy as np
import pytest

from diabolo import metrics
from diabolo.errors import DataError, DataTypeError
from diabolo.metrics.neighbours import nearest, squared

GOOD = np.random.default_rng(0).normal(size=(12, 3))
SERIES = np.random.default_rng(0).normal(size=(12, 6, 2))

OF_POINTS = {
    "frechet": metrics.frechet,
    "coverage": lambda a, b: metrics.coverage(a, b, 1),
    "memorising": lambda a, b: metrics.memorising(a, b, b),
    "activity": metrics.activity,
}
OF_SERIES = {
    "autocorrelation_distance": metrics.autocorrelation_distance,
    "spectrum_distance": metrics.spectrum_distance,
    "discriminative": metrics.discriminative,
    "predictive": metrics.predictive,
    "bootstrapped": lambda a, b: (metrics.bootstrapped(a, 1), metrics.bootstrapped(b, 1)),
    "autoregressive": lambda a, b: (metrics.autoregressive(a, 1), metrics.autoregressive(b, 1)),
}


def holding(value, array):
    array = array.copy()
    array.flat[7] = value
    return array


WRONG_POINTS = {
    "one axis": (GOOD, GOOD[0], DataError, r"must have shape \(N, F\), a row .* got shape \(3,\)\. Flatten"),
    "no features": (GOOD[:, :0], GOOD[:, :0], DataError, r"got shape \(12, 0\)"),
    "no samples": (GOOD[:0], GOOD, DataError, r"must hold at least \d samples; got 0"),
    "NaN": (GOOD, holding(np.nan, GOOD), DataError, "must hold finite numbers, .* in 1 samples, the first at 2"),
    "infinity": (holding(np.inf, GOOD), GOOD, DataError, "must hold finite numbers"),
    "huge": (holding(-1e200, GOOD), GOOD, DataError, r"within ±1e\+100"),
    "other features": (GOOD, GOOD[:, :2], DataError, r"of one shape.*; got \(.*3,?\) and \(.*2,?\)"),
    "text": ([["a"]], GOOD, DataTypeError, r"must be an array of real numbers, shape \(N, F\)"),
    "ragged": ([[1.0], [1.0, 2.0]], GOOD, DataTypeError, "must be an array of real numbers"),
    "complex": (GOOD + 1j, GOOD, DataTypeError, "must be an array of real numbers"),
}
WRONG_SERIES = {
    "two axes": (
        SERIES,
        SERIES[0],
        DataError,
        r"must have shape \(N, T, C\), N series .* got shape \(6, 2\)\. .*None\]",
    ),
    "one step": (SERIES[:, :1], SERIES[:, :1], DataError, "at least 2 steps"),
    "no series": (SERIES[:0], SERIES, DataError, r"must hold at least \d+ samples; got 0"),
    "NaN": (SERIES, holding(np.nan, SERIES), DataError, "must hold finite numbers, .* the first at 0"),
    "text": ([[["a"], ["b"]]], SERIES, DataTypeError, r"must be an array of real numbers, shape \(N, T, C\)"),
}


@pytest.mark.parametrize("name", OF_POINTS)
@pytest.mark.parametrize("wrong", WRONG_POINTS)
def test_wrong_points_give_one_sentence(name, wrong):
    a, b, error, words = WRONG_POINTS[wrong]
    with pytest.raises(error, match=words):
        OF_POINTS[name](a, b)


@pytest.mark.parametrize("name", OF_SERIES)
@pytest.mark.parametrize("wrong", WRONG_SERIES)
def test_wrong_series_give_one_sentence(name, wrong):
    a, b, error, words = WRONG_SERIES[wrong]
    with pytest.raises(error, match=words):
        OF_SERIES[name](a, b)


@pytest.mark.parametrize("name", ["autocorrelation_distance", "spectrum_distance", "discriminative", "predictive"])
def test_series_of_other_lengths_are_not_compared(name):
    with pytest.raises(DataError, match=r"samples of one shape; got \(6, 2\) and \(5, 2\)"):
        OF_SERIES[name](SERIES, SERIES[:, :5])


def test_neighbours_do_not_depend_on_the_size_of_a_block(monkeypatch):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(30, 4)), np.round(rng.normal(size=(17, 4)))
    expected = np.sort(np.linalg.norm(a[:, None] - b, axis=2), axis=1)[:, :3]
    for numbers in (1, 40, 2**22):
        monkeypatch.setitem(nearest.__globals__, "_NUMBERS", numbers)
        np.testing.assert_allclose(nearest(a, b, 3), expected, rtol=1e-12)
        assert np.array_equal(nearest(a, b, 1), nearest(a, b, 3)[:, :1])
        blocks = list(squared(a, b))
        assert len(blocks) == {1: 30, 40: 15, 2**22: 1}[numbers]
        assert sum(len(squares) for _, squares in blocks) == 30


def test_equal_points_are_at_no_distance_however_far_away():
    x = np.random.default_rng(0).normal(size=(50, 20)) + 1e6
    found = nearest(x, np.concatenate([x, x[:1]]), 2)
    assert (found[:, 0] == 0).all()
    assert found[0, 1] == 0
    assert (found[1:, 1] > 1).all()
