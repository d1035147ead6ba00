"""Values to levels and back: exactly for every type of number, or within an error."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays, from_dtype

from diabolo.codec.grid import Decimals, Grid, Listed, Ordered, Steps, Whole, of_numbers, of_words, places
from diabolo.errors import FileError

INTEGERS = [np.dtype(f"{kind}{size}") for kind in "iu" for size in (1, 2, 4, 8)]
FLOATS = [np.dtype(f"f{size}") for size in (2, 4, 8)]


def bits(values):
    return values.view(f"u{values.dtype.itemsize}")


def back(grid, values):
    """Return values after grid and JSON, and that no level is the one of missing values."""
    levels = Grid.from_json(grid.to_json()).levels(values)
    assert levels.dtype == np.uint64
    assert levels.min(initial=1) >= 1
    got = Grid.from_json(grid.to_json()).values(levels, values.dtype)
    assert got.dtype == values.dtype
    return got


@given(st.data(), st.sampled_from(INTEGERS))
def test_whole_numbers_are_exact(data, dtype):
    info = np.iinfo(dtype)
    low, high = sorted(data.draw(st.tuples(*[st.integers(info.min, info.max)] * 2)))
    if high - low == 2**64 - 1:
        high -= 1  # one level more than there are
    values = data.draw(arrays(dtype, st.integers(0, 40), elements=st.integers(low, high)))
    unit = data.draw(st.sampled_from([1, 1, 2, 10]))
    values = values // dtype.type(unit) * dtype.type(unit) if low >= 0 else values
    grid = of_numbers(values, 0.5)
    assert isinstance(grid, Whole)
    np.testing.assert_array_equal(back(grid, values), values)


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_extremes_are_exact(dtype):
    info = np.iinfo(dtype)
    for values in ([info.max], [info.min], [info.min, info.max - 1], [info.min + 1, info.max], [0, info.max]):
        array = np.array(values, dtype)
        np.testing.assert_array_equal(back(of_numbers(array, 0.0), array), array)


def test_a_unit_is_found():
    values = np.array([-50, 100, 250, -200], np.int32)
    assert of_numbers(values, 0.0) == Whole(-200, 150)
    assert of_numbers(values, 0.0).levels(values).tolist() == [2, 3, 4, 1]
    assert of_numbers(np.full(3, 9), 0.0) == Whole(9, 1)
    assert of_numbers(np.empty(0, np.int16), 0.0) == Whole(0, 1)


@given(st.data(), st.sampled_from(FLOATS))
def test_floating_point_numbers_are_exact(data, dtype):
    values = data.draw(arrays(dtype, st.integers(1, 40), elements=from_dtype(dtype, allow_nan=False)))
    got = back(of_numbers(values, 0.0), values)
    finite = np.isfinite(values)
    np.testing.assert_array_equal(bits(got)[finite], bits(values)[finite])


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_all_numbers_of_a_type_are_in_order(dtype):
    info = np.finfo(dtype)
    values = np.array([-np.inf, info.min, -1, -info.tiny, -info.smallest_subnormal, -0.0, 0.0], dtype)
    values = np.concatenate([values, -values[:-2][::-1]])
    ranks = Ordered.rank(values)
    assert (np.diff(ranks.astype(object)) > 0).all()
    assert np.diff(ranks)[4:7].tolist() == [1, 1, 1]  # subnormal, −0, 0, subnormal: nothing is between
    grid = Ordered(int(ranks[0]))
    np.testing.assert_array_equal(bits(grid.values(grid.levels(values), np.dtype(dtype))), bits(values))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_signs_of_zero_subnormal_and_infinite_numbers_are_exact(dtype):
    small = np.finfo(dtype).smallest_subnormal
    for some in ([0.0, -0.0], [-0.0], [small, -small, 1.0], [0.5, np.inf], [-0.25, -np.inf], [np.finfo(dtype).max, -1]):
        values = np.array(some, dtype)
        got, finite = back(of_numbers(values, 0.0), values), np.isfinite(values)
        np.testing.assert_array_equal(bits(got)[finite], bits(values)[finite])


@given(st.integers(0, 6), st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=40))
@example(2, [110, 125])
def test_decimals_are_recognised(digits, whole):
    values = np.array([float(f"{number}e-{digits}") for number in whole])
    grid = of_numbers(values, 0.0)
    assert isinstance(grid, Decimals)
    assert grid.digits <= digits
    np.testing.assert_array_equal(bits(back(grid, values)), bits(values))
    assert int(grid.levels(values).max()) == max(whole) // 10 ** (digits - grid.digits) - grid.low + 1


def test_numbers_of_many_digits_are_no_decimals():
    for values in (np.array([np.pi, 1.5]), np.array([1 / 3]), np.array([1e300, 0.5]), np.array([-0.0, 1.5])):
        assert isinstance(of_numbers(values, 0.0), Ordered)
    assert isinstance(of_numbers(np.append(np.full(1000, 0.5), np.pi), 0.0), Ordered)


@given(st.data(), st.sampled_from(FLOATS), st.floats(1e-12, 1e12))
def test_an_error_is_held_or_seen(data, dtype, error):
    values = data.draw(arrays(dtype, st.integers(1, 40), elements=from_dtype(dtype, allow_nan=False)))
    values = values[np.isfinite(values)]
    got = back(of_numbers(values, error), values)
    wide = np.float64 if dtype.itemsize < 8 else np.longdouble
    off = np.abs(got.astype(wide) - values.astype(wide))
    largest = np.abs(values).max(initial=0)
    spacing = largest.astype(wide) * np.finfo(dtype).eps + np.finfo(dtype).smallest_subnormal.astype(wide)
    assert (off <= error + spacing).all()  # where numbers of the type are that far from each other, cells are mended
    if spacing < error / 2**12:
        assert (off <= error).all()


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e3), arrays(np.float64, 30, elements=st.floats(0, 1)))
def test_steps_are_within_the_error(low, width, share):
    values = low + width * share
    for error in (width, width / 10, width / 1e6):
        grid = of_numbers(values, error)
        assert isinstance(grid, Steps)
        assert (np.abs(back(grid, values) - values) <= error).all()
        assert int(grid.levels(values).max()) <= width / (2 * error) * 1.001 + 2


def test_values_that_have_no_level_get_some():
    others = np.array([np.nan, np.inf, -np.inf, 1e308, -1e308])
    for grid in (Steps(0.0, 0.5), Decimals(0, 2), Ordered(int(Ordered.rank(np.ones(1))[0]))):
        levels = grid.levels(others)
        assert levels.min() >= 1
        for dtype in FLOATS:
            assert grid.values(levels, dtype).dtype == dtype


def test_levels_that_nobody_told_have_values_of_the_type():
    levels = np.array([0, 1, 2**32, 2**63, 2**64 - 1], np.uint64)
    for grid in (Steps(0.0, 0.5), Steps(-1e300, 1e290), Decimals(-5, 3), Ordered(2**63)):
        for dtype in FLOATS:
            assert grid.values(levels, dtype).shape == levels.shape
    for grid in (Whole(-(2**63), 3), Listed(("a", "b"))):
        for dtype in INTEGERS:
            assert grid.values(levels, dtype).shape == levels.shape
    assert Listed(("a", "b")).values(levels, np.dtype(np.int64)).max() == 1


def test_words_are_in_order_of_how_often_they_are_there():
    words, values = ["a", "b", "c"], np.array([2, 2, 0, 2, 0, 1, 1, 1, 1, 2, 0, 1])
    grid = of_words(words, values)
    assert isinstance(grid, Listed)
    assert grid == Listed(("b", "c", "a"))
    assert places(grid, ["c", "new", "a"]).tolist() == [1, 0, 2]
    assert places(grid, []).tolist() == [0]
    assert Grid.from_json(grid.to_json()) == grid
    assert of_words([str(i) for i in range(400)], np.arange(400)) is None
    assert of_words(["only"], np.zeros(1, int)) == Listed(("only",))


@pytest.mark.parametrize(
    "plain",
    [
        None,
        [],
        "Steps",
        {},
        {"grid": "Grid"},
        {"grid": "Steps"},
        {"grid": "os.system", "low": 0},
        {"grid": ["Steps"], "low": 0.0, "step": 1.0},
        {"grid": "Steps", "low": 0.0, "step": 1.0, "more": 1},
        {"grid": "Steps", "low": "0", "step": 1.0},
        {"grid": "Steps", "low": None, "step": 1.0},
        {"grid": "Steps", "low": 0.0, "step": [1.0]},
        {"grid": "Whole", "low": 2**64, "unit": 1},
        {"grid": "Whole", "low": 0, "unit": -1},
        {"grid": "Whole", "low": 0, "unit": "one"},
        {"grid": "Whole", "low": [1, 2, 3], "unit": 1},
        {"grid": "Decimals", "low": "x", "digits": 1},
        {"grid": "Decimals", "low": 0, "digits": 10**6},
        {"grid": "Decimals", "low": 10**400, "digits": 1},
        {"grid": "Ordered", "low": -1},
        {"grid": "Ordered", "low": 2**64},
        {"grid": "Ordered", "low": {}},
        {"grid": "Listed", "words": 3},
        {"grid": "Listed", "words": None},
        {"grid": "Listed", "words": [1, 2]},
        {"grid": "Listed", "words": "word"},
        {"grid": "Listed", "words": ["word", ["word"]]},
        {"grid": "Steps", "low": float("nan"), "step": 1.0},
        {"grid": "Steps", "low": 0.0, "step": float("inf")},
        {"grid": "Steps", "low": 0.0, "step": 0.0},
        {"grid": "Whole", "low": 0, "unit": 0},
        {"grid": "Decimals", "low": 0, "digits": -400},
    ],
    ids=str,
)
def test_hostile_json(plain):
    with pytest.raises(FileError, match="describes a column that is none"):
        Grid.from_json(plain)


def test_steps_are_told_in_few_digits():
    values = np.random.default_rng(0).random(500).astype(np.float32) / 3 + np.float32(1 / 3)
    grid = of_numbers(values, 1e-3)
    assert isinstance(grid, Steps)
    assert grid.step == 0.0019995
    assert abs(grid.low - values.min()) <= grid.step / 4 and len(repr(grid.low)) <= 6
    assert np.abs(back(grid, values).astype(np.float64) - values).max() <= 1e-3
    assert of_numbers(np.array([1.5, 1.5]), 5e-324) == Steps(1.5, 1e-323)
