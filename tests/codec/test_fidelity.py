"""What is promised of what comes back: the errors that a fidelity allows are small enough, not smaller than need be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays, from_dtype

from diabolo.codec import PSNR, Absolute, Exact, Rate, Relative
from diabolo.codec.alphabet import Alphabet
from diabolo.codec.fidelity import Fidelity
from diabolo.codec.grid import of_numbers
from diabolo.errors import DataError, ParameterError
from diabolo.part import from_json

DRAW = np.random.default_rng(0)
COLUMNS = [
    DRAW.normal(size=4000),
    DRAW.exponential(5.0, 4000).astype(np.float32),
    (DRAW.random(4000) < 0.02) * 3.5,
    np.where(DRAW.random(4000) < 0.5, DRAW.random(4000), 1000.0),
]
FLOATS = st.sampled_from([np.dtype(f"f{size}") for size in (2, 4, 8)])


def back(column, error):
    """Return a column as its levels have it."""
    grid = of_numbers(column[np.isfinite(column)], error)
    return grid.values(grid.levels(column), column.dtype).astype(np.float64)


def psnr(column, error):
    wide = column.astype(np.float64)
    mean = np.mean((back(column, error) - wide) ** 2)
    return 20 * np.log10(np.ptp(wide)) - 10 * np.log10(mean) if mean else np.inf


def test_exact_absolute_and_relative_are_what_they_say():
    columns = [np.array([2.0, 6.0, np.nan, np.inf]), np.array([1.0]), np.array([]), np.full(3, np.nan)]
    assert Exact().errors(columns) == [0.0] * 4
    assert Absolute(0.25).errors(columns) == [0.25] * 4
    assert Relative(0.25).errors(columns) == [1.0, 0.0, 0.0, 0.0]
    assert PSNR(20.0).errors(columns)[1:] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("decibels", [0.0, 20.0, 40.0, 90.0, 250.0, 400.0])
def test_the_ratio_is_reached_and_not_by_far(column, decibels):
    error = PSNR(decibels).errors([column])[0]
    found = psnr(column, error)
    assert found >= decibels
    if len(np.unique(column)) > 3000 and 20 <= decibels < 100:
        assert found < decibels + 3


@given(st.data(), FLOATS, st.floats(0, 400))
def test_the_ratio_of_any_column_is_reached(data, dtype, decibels):
    column = data.draw(arrays(dtype, st.integers(1, 30), elements=from_dtype(dtype, allow_nan=False)))
    error = PSNR(decibels).errors([column])[0]
    assert 0 <= error < np.inf
    finite = column[np.isfinite(column)]
    if len(finite) and 1e-100 < np.ptp(finite.astype(np.longdouble)) < 1e100:
        assert psnr(finite, error) >= decibels


@given(st.data(), FLOATS, st.floats(1e-9, 1))
def test_any_column_has_an_error_that_a_file_can_hold(data, dtype, share):
    column = data.draw(arrays(dtype, st.integers(1, 30), elements=from_dtype(dtype)))
    for fidelity in (Relative(share), PSNR(40.0), Absolute(1e308)):
        error = fidelity.errors([column])[0]
        assert 0 <= error < np.inf
        grid = of_numbers(column[~np.isnan(column)], error)
        assert all(np.isfinite(value) for value in grid.to_json().values() if isinstance(value, float))


@pytest.mark.parametrize("bits", [1.0, 3.0, 8.0])
def test_the_rate_is_reached_and_used(bits):
    errors = Rate(bits).errors(COLUMNS)
    grids = [of_numbers(column, error) for column, error in zip(COLUMNS, errors, strict=True)]
    levels = [grid.levels(column) for grid, column in zip(grids, COLUMNS, strict=True)]
    total = sum(Alphabet.of(each).bits(each) for each in levels)
    assert 0.9 * bits < total / 16_000 <= bits
    shares = [error / np.ptp(column.astype(np.float64)) for error, column in zip(errors, COLUMNS, strict=True)]
    np.testing.assert_allclose(shares, shares[0])


def test_more_of_it_is_nearer():
    for one, two in ((Absolute(0.1), Absolute(0.2)), (Relative(0.01), Relative(0.1)), (PSNR(50.0), PSNR(30.0))):
        assert all(a < b for a, b in zip(one.errors(COLUMNS), two.errors(COLUMNS), strict=True))
    assert Rate(6.0).errors(COLUMNS)[0] < Rate(3.0).errors(COLUMNS)[0]


def test_too_few_bits_are_refused():
    with pytest.raises(DataError, match=r"Parameter 'bits' of Rate is 0\.01, which is less"):
        Rate(0.01).errors(COLUMNS)


def test_bits_without_columns_of_floating_point_numbers():
    assert Exact().errors([]) == Absolute(1.0).errors([]) == PSNR(40.0).errors([]) == []


@pytest.mark.parametrize(
    "fidelity",
    [
        *map(Absolute, (0.0, -1.0, float("nan"), float("inf"))),
        *map(Relative, (0.0, 1.5)),
        *map(PSNR, (-1.0, 401.0)),
        *map(Rate, (0.0, 65.0, float("inf"))),
    ],
    ids=repr,
)
def test_knobs_out_of_range_are_named(fidelity):
    name = next(iter(vars(fidelity)))
    with pytest.raises(ParameterError, match=f"'{name}' of {type(fidelity).__name__}"):
        fidelity.check()


@pytest.mark.parametrize("fidelity", [Exact(), Absolute(0.5), Relative(0.5), PSNR(12.0), Rate(3.0)], ids=repr)
def test_every_fidelity_is_a_value(fidelity):
    fidelity.check()
    assert isinstance(fidelity, Fidelity)
    assert from_json(fidelity.to_json()) == fidelity
    assert str(next(iter(vars(fidelity).values()), "=")).rstrip("0").rstrip(".") in fidelity.equation()
