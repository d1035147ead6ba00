"""Ids: any column becomes numbers and comes back, and what cannot is refused in one sentence."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diabolo.data import Ids
from diabolo.errors import DataError, DataTypeError, FileError

INTEGERS = st.integers(-(2**63), 2**63 - 1)
COLUMNS = st.one_of(*(st.lists(each, max_size=30) for each in (INTEGERS, st.integers(-5, 20), st.text(max_size=4))))
KINDS = {
    "list": list,
    "numpy": np.array,
    "objects": lambda values: np.array(values, dtype=object),
    "pandas": pd.Series,
    "categories": lambda values: pd.Series(values, dtype="category"),
    "nullable": lambda values: pd.Series(values).convert_dtypes(),
    "polars": pl.Series,
}


def again(ids):
    return Ids.from_arrays(ids.arrays(), len(ids))


@given(COLUMNS)
def test_a_column_becomes_numbers_and_comes_back(column):
    ids, numbers = Ids.of(column)
    assert ids.names[numbers].tolist() == column
    assert ids.names.tolist() == sorted(set(column))
    assert numbers.dtype == np.int64
    np.testing.assert_array_equal(ids.find(column), numbers)


@given(COLUMNS, COLUMNS)
def test_what_is_not_known_has_no_number(known, asked):
    ids = Ids.of(known)[0]
    if known and asked and type(known[0]) is not type(asked[0]):
        with pytest.raises(DataTypeError, match=r"Ids must be (integers|text), such as .*; got (integers|text)"):
            ids.find(asked)
    else:
        names = ids.names.tolist()
        assert ids.find(asked).tolist() == [names.index(one) if one in names else -1 for one in asked]


@pytest.mark.parametrize("values", [[7, 3, 7, 2**62], ["b", "a", "b", "é"]], ids=["integers", "text"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_column_gives_the_same(kind, values):
    ids, numbers = Ids.of(KINDS[kind](values))
    assert ids.names.tolist() == sorted(set(values))
    assert {type(name) for name in ids.names.tolist()} == {type(values[0])}
    assert ids.names[numbers].tolist() == values
    np.testing.assert_array_equal(ids.find(KINDS[kind](values)), numbers)


@pytest.mark.parametrize("column", [np.array([2.0, 1.0]), np.array([2, 1], np.uint64), [2, 1.0], pd.Series([2.0, 1.0])])
def test_whole_numbers_of_any_type_are_integers(column):
    assert Ids.of(column)[0].names.tolist() == [1, 2]
    assert Ids.of(column)[0].names.dtype == np.int64


@pytest.mark.parametrize(
    "column",
    [
        [1, None],
        ["a", None],
        ["a", np.nan],
        [1.0, np.nan],
        [1, pd.NA],
        pd.Series(["a", None]),
        pd.Series(["a", None], dtype=object),
        pd.Series([1, None], dtype="Int64"),
        pd.Series(["a", None], dtype="category"),
        pl.Series(["a", None]),
        pl.Series([1, None]),
    ],
)
def test_what_is_missing_is_counted(column):
    with pytest.raises(DataError, match="Users must not be missing; 1 of 2 are, the first in row 1: drop those rows"):
        Ids.of(column, "Users")


@pytest.mark.parametrize("wrap", [list, pd.Series, lambda values: np.array(values, dtype=object)])
@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1, "1"], "got int and str"),
        ([1.5, 2], r"got 1\.5"),
        ([True, False], "got bool"),
        ([b"a", b"b"], "got bytes"),
        ([[1], [2]], r"(list|shape \(2, 1\))"),
        ([np.datetime64("2020-01-01")] * 2, "got "),
    ],
)
def test_what_is_neither_integers_nor_text_is_refused(wrap, values, words):
    with pytest.raises(DataTypeError, match=f"Ids must be .*{words}"):
        Ids.of(wrap(values))


@pytest.mark.parametrize("column", ["u1", b"u1", 7, None, np.zeros((2, 2))])
def test_what_is_no_column_is_refused(column):
    with pytest.raises(DataTypeError, match="Ids must be "):
        Ids.of(column)


@pytest.mark.parametrize(
    "column",
    [[2**63], [-(2**63) - 1], np.array([2**63], np.uint64), [2.0**53], [np.inf], np.array([2**24], np.float32)],
)
def test_numbers_that_are_not_exact_are_refused(column):
    with pytest.raises(DataError, match="Ids must be integers that int64 holds, or text"):
        Ids.of(column)


@given(COLUMNS)
def test_the_file_keeps_them(column):
    ids = Ids.of(column)[0]
    assert again(ids).names.tolist() == ids.names.tolist()
    assert column == [] or again(ids).names.dtype == ids.names.dtype


def test_numbered_ids_need_no_array_and_others_become_tensors():
    assert Ids.numbered(10**6).arrays() == {}
    assert len(Ids.from_arrays({}, 10**6)) == 10**6
    assert Ids.of([0, 1, 2])[0].arrays() == {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # as torch says of arrays that cannot be written to
        for array in Ids.of(["a", "bc"])[0].arrays().values():
            torch.from_numpy(array)


@pytest.mark.parametrize(
    ("arrays", "count"),
    [
        ({"names": [1, 2]}, 3),
        ({"names": [2, 1]}, 2),
        ({"names": [1, 1]}, 2),
        ({"names": [[1, 2]]}, 1),
        ({"names": [1.0, 2.0]}, 2),
        ({"names": 1}, 1),
        ({"other": [1, 2]}, 2),
        ({"names": [1, 2], "other": [1, 2]}, 2),
        ({"text": b"ab"}, 2),
        ({"text": b"ab", "ends": [1]}, 1),
        ({"text": b"ab", "ends": [1, 3]}, 2),
        ({"text": b"ab", "ends": [-1, 2]}, 2),
        ({"text": b"ab", "ends": [2, 1]}, 2),
        ({"text": b"ba", "ends": [1, 2]}, 2),
        ({"text": b"aa", "ends": [1, 2]}, 2),
        ({"text": b"a\xff", "ends": [1, 2]}, 2),
        ({"text": b"", "ends": []}, 1),
    ],
)
def test_a_file_with_something_else_is_refused(arrays, count):
    made = {
        name: np.frombuffer(value, np.uint8)
        if isinstance(value, bytes)
        else np.array(value, dtype=None if value else int)
        for name, value in arrays.items()
    }
    with pytest.raises(FileError, match=f"The saved ids must be {count} distinct ones in ascending order"):
        Ids.from_arrays(made, count)
