"""The alphabets of a table: columns side by side, told into a stream and asked out of it."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diabolo.codec.alphabets import Alphabets
from diabolo.codec.entropy import Comparer, Reader, Writer
from diabolo.codec.exact import counts
from diabolo.codec.exchange import blocks, exchanged
from diabolo.errors import FileError


def table(seed, rows):
    """A table of levels (N, 6): constant, few, many, of the whole of 64 bits, often missing, heavy tailed."""
    draw = np.random.default_rng(seed)
    return np.stack(
        [
            np.full(rows, 7, np.uint64),
            draw.integers(0, 5, rows).astype(np.uint64),
            draw.integers(1, 100_000, rows).astype(np.uint64),
            draw.integers(0, 2**64, rows, dtype=np.uint64),
            np.where(draw.random(rows) < 0.7, 0, draw.integers(1, 9, rows)).astype(np.uint64),
            np.floor(draw.pareto(1.1, rows)).clip(0, 2**60).astype(np.uint64),
        ],
        1,
    )


def walk(alphabets, exchange, rows):
    """Return the levels that an exchange gives, by the counts of each column alone."""
    levels = np.zeros((rows, len(alphabets.each)), np.uint64)
    for column, alphabet in enumerate(alphabets.each):
        table = np.where(alphabets.expected[column] > -(2**62), counts(alphabets.expected[column]), 0)
        for part in blocks(rows, max(1, rows // 3)):
            group = exchange.groups(column, part, alphabet.together)
            cells = exchanged(exchange, alphabet, column, part, group, lambda _, own, table=table: table[own])
            levels[part, column] = exchange.levels(column, part, cells)
    return levels


@given(st.integers(0, 2**32), st.integers(1, 700))
def test_what_is_told_is_what_is_asked(seed, rows):
    levels = table(seed, rows)
    alphabets = Alphabets.of(levels)
    assert alphabets.known(levels).all()
    writer = Writer()
    np.testing.assert_array_equal(walk(alphabets, alphabets.telling(levels, writer), rows), levels)
    again = Alphabets.from_arrays(alphabets.arrays())
    np.testing.assert_array_equal(walk(again, again.asking(Reader(writer.bytes())), rows), levels)
    comparer = Comparer(Reader(writer.bytes()))
    walk(again, again.telling(levels, comparer), rows)
    assert comparer.same
    other = levels.copy()
    other[seed % rows] = again.nearest(table(seed + 1, 1))
    comparer = Comparer(Reader(writer.bytes()))
    with suppress(FileError):
        walk(again, again.telling(other, comparer), rows)
        assert comparer.same == (other == levels).all()


@given(st.integers(0, 2**32), st.binary(max_size=400))
def test_bytes_of_others_give_levels_that_there_are_or_an_error(seed, data):
    alphabets = Alphabets.of(table(seed, 200))
    try:
        levels = walk(alphabets, alphabets.asking(Reader(data[: len(data) // 4 * 4])), 50)
    except FileError:
        return
    assert alphabets.known(levels).all()


def test_what_is_not_known_is_shown_and_nearest_is_known():
    levels = np.array([[3, 5], [4, 5], [9, 5]], np.uint64)
    alphabets = Alphabets.of(levels)
    others = np.array([[3, 6], [5, 5], [2**64 - 1, 0]], np.uint64)
    assert alphabets.known(others).tolist() == [[True, False], [False, True], [False, False]]
    assert alphabets.known(alphabets.nearest(others)).all()
    np.testing.assert_array_equal(alphabets.nearest(levels), levels)
    assert alphabets.wide == (0,)
    assert alphabets.sizes == (3, 1)


def test_all_counts_of_a_padded_table_are_below_what_the_coder_can():
    alphabets = Alphabets.of(table(0, 5000))
    for logits in alphabets.expected:
        assert np.where(logits > -(2**62), counts(logits), 0).sum(1).max() < 2**24


@pytest.mark.parametrize(
    "changed",
    [
        {"cells": [2, 2]},
        {"cells": [4, 0]},
        {"cells": [-1, 5]},
        {"cells": [4]},
        {"cells": [[3, 1]]},
        {"cells": [], "groups": []},
        {"cells": [2**62, 2**62, 2**62, 2**62, 4], "groups": [1, 1, 1, 1, 1]},
        {"groups": [1, 1]},
        {"groups": [4, 0]},
        {"groups": [2**40, 1]},
        {"gaps": [0] * 5},
        {"gaps": [[0, 0, 0, 0]]},
        {"sizes": [0, 0, 0]},
        {"sizes": [0, 0, 1, 0]},
        {"sizes": [[0, 0, 0, 0]]},
        {"weights": [0, 0, 0, -1]},
    ],
    ids=str,
)
def test_hostile_arrays(changed):
    arrays = Alphabets.of(np.array([[3, 5], [4, 5], [9, 5]], np.uint64)).arrays()
    assert len(Alphabets.from_arrays(arrays).each) == 2
    with pytest.raises(FileError):
        Alphabets.from_arrays(arrays | {name: np.array(value, np.int64) for name, value in changed.items()})
