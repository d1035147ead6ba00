"""Strays: what decides the scale of a column alone is found, heavy tails and sparse columns are left in peace."""

import warnings

import numpy as np
import pytest

from diabolo.data.strays import warn_of_strays, without_strays

RNG = np.random.default_rng(0)


def told(x):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        warn_of_strays([f"c{i}" for i in range(x.shape[1])], x, np.nanstd(x, 0) if len(x) else np.zeros(x.shape[1]))
    return [str(warning.message) for warning in found]


@pytest.mark.parametrize(
    "column",
    [
        RNG.normal(size=3000),
        RNG.lognormal(size=3000),
        RNG.lognormal(sigma=2.0, size=3000),
        RNG.standard_t(2, 3000),
        (RNG.random(3000) < 0.02) * 1e9,
        np.full(3000, 7.0),
        np.where(np.arange(3000) % 2, np.nan, RNG.normal(size=3000)),
        (RNG.random(3000) < 0.05) + 1e-6 * RNG.normal(size=3000),
        np.clip(np.sin((np.arange(24_000) % 24 - 6) / 12 * np.pi), 0, None) * 800 + RNG.normal(0, 0.1, 24_000),
        np.empty(0),
    ],
    ids=["normal", "lognormal", "heavier", "t of 2", "sparse", "constant", "half missing", "flag", "sun", "none"],
)
def test_columns_as_they_come_are_not_warned_of(column):
    assert not told(column[:, None])


def test_the_column_the_row_and_the_number_are_named():
    x = RNG.normal(size=(2000, 3))
    x[17, 1], x[5, 2] = -1e8, np.nan
    (message,) = told(x)
    assert message.startswith("Column 'c1' has -1e+08 in row 17, where four fifths of all values are from -1.")


def test_no_more_than_three_columns_are_named():
    x = RNG.normal(size=(500, 5))
    x[3] = 1e12
    (message,) = told(x)
    assert message.count("row 3") == 3
    assert "(and 2 more)" in message


def test_moments_are_those_of_the_others():
    x = RNG.normal(3.0, 2.0, size=(4000, 2))
    plain = x.mean(0), x.std(0)
    x[9, 1] = 1e20
    mean, std = without_strays(x, x.mean(0), x.std(0))
    np.testing.assert_allclose(mean, plain[0], rtol=1e-2)
    np.testing.assert_allclose(std, plain[1], rtol=1e-2)
    assert mean[0] == plain[0][0]


def test_a_period_is_no_constant_with_strays():
    """Equal steps through the hours of days would meet the same hour each time."""
    sun = np.clip(np.sin((np.arange(24_000) % 24 - 6) / 12 * np.pi), 0, None)[:, None] * 800
    sun += RNG.normal(0, 1e-3, sun.shape)
    mean, std = without_strays(sun, sun.mean(0), sun.std(0))
    assert (mean[0], std[0]) == (sun.mean(0)[0], sun.std(0)[0])
