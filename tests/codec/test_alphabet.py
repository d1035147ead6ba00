"""The alphabet of a column: every level can be told, whatever they are, at the cost of its entropy."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from diabolo.codec.alphabet import CELLS, MEASURE, Alphabet
from diabolo.errors import FileError

LEVELS = st.one_of(
    st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=300),
    st.lists(st.integers(0, 3), min_size=1, max_size=300),
    st.lists(st.sampled_from([0, 1, 2**63, 2**64 - 2, 2**64 - 1]), min_size=1, max_size=300),
    st.builds(lambda n, low: list(range(low, low + n)), st.integers(1, 6000), st.integers(0, 2**63)),
).map(lambda levels: np.array(levels, np.uint64))
NAMES = ("starts", "spans", "weights", "sizes")


def columns():
    draw = np.random.default_rng(0)
    size = 60_000
    return {
        "two": (draw.random(size) < 0.03).astype(np.uint64),
        "even": draw.integers(0, 1000, size).astype(np.uint64),
        "normal": (500 + 100 * draw.normal(size=size)).clip(0).astype(np.uint64),
        "geometric": draw.geometric(0.2, size).astype(np.uint64),
        "heavy tail": np.floor(draw.pareto(1.2, size) * 10).clip(0, 2**60).astype(np.uint64),
        "few of many": draw.choice(draw.integers(0, 2**64, 50, dtype=np.uint64), size, p=draw.dirichlet(np.ones(50))),
        "often missing": np.where(draw.random(size) < 0.6, 0, draw.integers(1, 300, size)).astype(np.uint64),
    }


def entropy(levels):
    """Return the empirical entropy of a column, in bits."""
    many = np.unique(levels, return_counts=True)[1]
    return float(-(many * np.log2(many / len(levels))).sum())


def coded(alphabet, levels):
    """Return the bits that levels take by the alphabet alone."""
    group, place, _ = alphabet.grouped(levels)
    cell = alphabet.first[group] + place
    p = alphabet.frequencies[cell] / alphabet.frequencies.sum() / alphabet.spans[cell].astype(np.float64)
    return float(-np.log2(p).sum())


@given(LEVELS)
@example(np.zeros(1, np.uint64))
@example(np.zeros(500, np.uint64))
@example(np.full(500, 2**64 - 1, np.uint64))
@example(np.arange(5000, dtype=np.uint64) << np.uint64(51))
@example(np.array([0, 2**64 - 1], np.uint64))
def test_every_level_that_was_there_can_be_told(levels):
    alphabet = Alphabet.of(levels)
    group, place, rest = alphabet.grouped(levels)
    np.testing.assert_array_equal(alphabet.level(group, place, rest), levels)
    assert ((group >= 0) & (group < len(alphabet.sizes))).all()
    assert ((place >= 0) & (place < alphabet.sizes[group])).all()
    assert (rest < alphabet.spans[alphabet.first[group] + place]).all()
    assert alphabet.sizes.sum() == len(alphabet.starts) == len(alphabet.spans) == len(alphabet.weights)
    assert alphabet.sizes.max() <= CELLS
    assert alphabet.weights.max() == 0
    assert alphabet.logits.max() == 0
    assert np.isfinite(alphabet.bits(levels))
    assert np.abs(alphabet.measured(levels)).max() <= 16 * MEASURE


@given(LEVELS, st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20))
def test_levels_that_were_not_there_are_told_as_some_that_were(levels, others):
    alphabet = Alphabet.of(levels)
    told = alphabet.level(*alphabet.grouped(np.array(others, np.uint64)))
    np.testing.assert_array_equal(alphabet.level(*alphabet.grouped(told)), told)
    assert alphabet.likeliest == alphabet.level(*alphabet.grouped(np.array([alphabet.likeliest])))[0]
    for other, near in zip(others, told.tolist(), strict=True):
        assert min(levels.tolist()) <= near <= max(levels.tolist())
        assert near == other or other not in levels.tolist()


@given(LEVELS, st.lists(st.one_of(st.integers(0, 70_000), st.integers(0, 2**64 - 1)), min_size=1, max_size=20))
@example(np.arange(5, 60_000, 7, dtype=np.uint64), [0, 4, 5, 6, 65_535, 2**64 - 1])
@example(np.array([2**16], np.uint64), [0, 2**16])
def test_cells_that_are_looked_up_are_those_that_a_search_finds(levels, others):
    alphabet, numbers = Alphabet.of(levels), np.array([*others, *levels[:20].tolist()], np.uint64)
    found = np.maximum(np.searchsorted(alphabet.starts, numbers, side="right") - 1, 0)
    np.testing.assert_array_equal(alphabet.cells(numbers), found)
    np.testing.assert_array_equal(alphabet.nearest(numbers), alphabet.level(*alphabet.grouped(numbers)))
    near = alphabet.nearest(numbers)
    np.testing.assert_array_equal(alphabet.measures(near, alphabet.cells(near)), alphabet.measured(near))


@given(LEVELS)
def test_arrays_describe_it(levels):
    alphabet = Alphabet.of(levels)
    again = Alphabet.from_arrays(alphabet.arrays())
    for name in NAMES:
        np.testing.assert_array_equal(getattr(again, name), getattr(alphabet, name))
        assert getattr(again, name).dtype == getattr(alphabet, name).dtype
    np.testing.assert_array_equal(again.measured(levels), alphabet.measured(levels))
    for name in ("logits", "middles", "centres", "frequencies", "together"):
        np.testing.assert_array_equal(getattr(again, name), getattr(alphabet, name))


@given(st.integers(0, 4), st.data())
def test_arrays_that_no_column_has_are_refused_or_are_an_alphabet(size, data):
    numbers = st.one_of(st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1), st.sampled_from([-(2**63), 2**63 - 1]))
    arrays = {
        name: np.array(data.draw(st.lists(numbers, min_size=size, max_size=size)), np.int64)
        for name in ("gaps", "spans", "weights", "sizes")
    }
    try:
        alphabet = Alphabet.from_arrays(arrays)
    except FileError as error:
        assert str(error).endswith("it was edited or is foreign.")
        return
    assert (np.diff(alphabet.starts.astype(object)) > 0).all()
    ends = [*alphabet.starts.tolist(), int(alphabet.starts[-1]) + int(alphabet.spans[-1]) - 1]
    told = alphabet.level(*alphabet.grouped(np.array(ends, np.uint64)))
    assert told.tolist() == ends


@pytest.mark.parametrize(
    "changed",
    [
        {"weights": [1, 1]},
        {"weights": [0, 2**11]},
        {"sizes": [1, 0]},
        {"sizes": [-1, 2]},
        {"sizes": [2**62]},
        {"gaps": [-1, 0]},
        {"spans": [0, -1]},
        {"gaps": [0]},
        {"gaps": [], "spans": [], "weights": [], "sizes": []},
    ],
    ids=str,
)
def test_hostile_arrays(changed):
    arrays = {"gaps": [0, 2], "spans": [0, 0], "weights": [0, 2], "sizes": [0, 0]}
    arrays = {name: np.array(value, np.int64) for name, value in arrays.items()}
    assert Alphabet.from_arrays(arrays).starts.tolist() == [0, 3]
    with pytest.raises(FileError):
        Alphabet.from_arrays(arrays | {name: np.array(value, np.int64) for name, value in changed.items()})


@pytest.mark.parametrize("name", list(columns()))
def test_a_large_column_costs_its_entropy(name):
    levels = columns()[name]
    alphabet = Alphabet.of(levels)
    bits = coded(alphabet, levels)
    assert 0.999 * entropy(levels) <= bits <= 1.03 * entropy(levels) + 64
    assert bits <= alphabet.bits(levels) <= 1.03 * bits + 16 * len(alphabet.starts)


def test_more_distinct_levels_than_cells_are_in_ranges():
    levels = np.random.default_rng(0).integers(0, 2**40, 50_000).astype(np.uint64)
    alphabet = Alphabet.of(levels)
    assert len(alphabet.starts) <= 4096
    assert (alphabet.spans > 1).any()
    assert coded(alphabet, levels) <= 1.01 * 40 * len(levels)


def test_the_measure_is_of_the_spread_and_missing_is_none():
    levels = (10_000 + np.arange(-500, 501)).astype(np.uint64)
    alphabet = Alphabet.of(np.append(levels, np.uint64(0)))
    measured = alphabet.measured(np.array([0, 10_000, 9_500, 10_500, 2**63], np.uint64))
    assert measured[0] == 0
    assert abs(measured[1]) < 100
    assert measured[2] == pytest.approx(-measured[3], abs=100)
    assert measured[4] == 16 * MEASURE
    mean = np.abs(alphabet.measured(levels)).mean()
    assert MEASURE / 1.1 <= mean <= 2.2 * MEASURE
