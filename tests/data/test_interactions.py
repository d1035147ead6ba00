"""Interactions: the same matrix from every kind of table, and what cannot be one is refused in one sentence."""

import datetime as dt
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from diabolo.data import Ids, Interactions, Stored, folded
from diabolo.errors import DataError, DataTypeError, DiaboloWarning, FileError, MissingFileError, ParameterError

ROWS = [("ann", 7, 4.0, 30.0), ("bob", 3, 2.0, 10.0), ("ann", 3, 5.0, 20.0), ("bob", 3, 3.0, 40.0)]
NAMES = ["user_id", "item_id", "rating", "timestamp"]
EVENTS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from("abc"), st.integers(0, 4).map(float), st.integers(-9, 9).map(float)),
    min_size=1,
    max_size=25,
)


def frame(rows=tuple(ROWS), names=tuple(NAMES)):
    return pd.DataFrame(list(rows), columns=list(names))


def pairs(found):
    """The weight and time of each pair, by the user's ids."""
    matrix = found.matrix
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    times = [None] * matrix.nnz if found.times is None else found.times.tolist()
    names = zip(found.users.names[rows].tolist(), found.items.names[matrix.indices].tolist(), strict=True)
    return dict(zip(names, zip(matrix.data.tolist(), times, strict=True), strict=True))


def by_hand(rows, threshold):
    """The same, a row at a time."""
    found = {}
    for user, item, weight, time in rows:
        if (user, item) in found:
            old, latest = found[user, item]
            weight, time = (old + weight if threshold is None else max(old, weight)), max(latest, time)
        found[user, item] = weight, time
    if threshold is not None:
        found = {pair: (float(weight >= threshold), time) for pair, (weight, time) in found.items()}
    return {pair: both for pair, both in found.items() if both[0] > 0}


@given(EVENTS, st.none() | st.sampled_from([-1.0, 0.0, 2.0, 2.5]))
def test_it_is_its_definition(rows, threshold):
    expected = by_hand(rows, threshold)
    if not expected:
        with pytest.raises(DataError, match=r"at least one interaction.*; got none"):
            Interactions.of(frame(rows), threshold)
        return
    found = Interactions.of(frame(rows), threshold)
    assert pairs(found) == expected
    assert found.matrix.has_canonical_format
    assert found.matrix.dtype == np.float32
    assert found.matrix.indices.dtype == found.matrix.indptr.dtype == np.int32
    assert found.matrix.shape == (len({row[0] for row in rows}), len({row[1] for row in rows}))


def test_doubles_are_summed_and_the_latest_time_kept():
    found = pairs(Interactions.of(frame()))
    assert found == {("ann", 3): (5, 20), ("ann", 7): (4, 30), ("bob", 3): (5, 40)}
    likes = pairs(Interactions.of(frame(), threshold=4))  # bob gave 2 and 3 to item 3, and never 4
    assert likes == {("ann", 3): (1, 20), ("ann", 7): (1, 30)}


def test_who_has_nothing_left_stays():
    found = Interactions.of(frame(), threshold=4)
    assert found.users.names.tolist() == ["ann", "bob"]
    assert found.matrix.sum(1).tolist() == [2, 0]


TABLES = {
    "pandas": lambda: frame(),
    "polars": lambda: pl.from_pandas(frame()),
    "nullable": lambda: frame().convert_dtypes(),
    "arrow": lambda: frame().convert_dtypes(dtype_backend="pyarrow"),
    "categories": lambda: frame().astype({"user_id": "category", "item_id": "category"}),
    "backwards": lambda: frame()[NAMES[::-1]],
    "more columns": lambda: frame().assign(country="fr", age=3),
    "another index": lambda: frame().set_index(pd.Index([5, 5, 1, 0])),
}


@pytest.mark.parametrize("kind", TABLES)
def test_every_kind_of_frame_gives_the_same(kind):
    assert pairs(Interactions.of(TABLES[kind]())) == pairs(Interactions.of(frame()))


@pytest.mark.parametrize("suffix", [".csv", ".parquet", "folder"])
def test_a_file_gives_the_same(tmp_path, suffix):
    path = tmp_path / f"events{suffix}"
    if suffix == ".csv":
        frame().to_csv(path, index=False)
    elif suffix == ".parquet":
        frame().to_parquet(path)
    else:
        path = tmp_path
        frame(ROWS[:1]).to_parquet(path / "a.parquet")
        frame(ROWS[1:]).to_parquet(path / "b.parquet")
    assert pairs(Interactions.of(path)) == pairs(Interactions.of(str(path))) == pairs(Interactions.of(frame()))


def test_a_large_parquet_file_may_hold_text_and_large_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr("diabolo.data.reading.LARGE", 0)
    path = tmp_path / "x.parquet"
    frame().to_parquet(path)
    assert pairs(Interactions.of(path)) == pairs(Interactions.of(frame()))
    numbers = frame([(2**60, 2**60 + 1, 1.0, 0.5)])
    numbers.to_parquet(path)
    assert pairs(Interactions.of(Stored.open(path))) == {(2**60, 2**60 + 1): (1.0, 0.5)}


def test_a_sparse_file_is_read(tmp_path):
    sp.save_npz(tmp_path / "x.npz", sp.csr_array([[0, 2], [1, 0]]))
    assert Interactions.of(tmp_path / "x.npz").matrix.toarray().tolist() == [[0, 2], [1, 0]]
    np.savez(tmp_path / "dense.npz", X=np.eye(2))
    with pytest.raises(FileError, match=r"'dense\.npz' is cut, broken or foreign"):
        Interactions.of(tmp_path / "dense.npz")
    with pytest.raises(MissingFileError, match=r"no file or folder .*gone\.npz"):
        Interactions.of(tmp_path / "gone.npz")


FORMATS = ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"]


@pytest.mark.parametrize("make", [sp.coo_array, sp.coo_matrix])
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64, np.float32, np.float64])
def test_every_sparse_format_gives_the_same(make, form, dtype):
    dense = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 0]], dtype)
    found = Interactions.of(make(dense).asformat(form))
    np.testing.assert_array_equal(found.matrix.toarray(), dense)
    assert isinstance(found.matrix, sp.csr_array)
    assert found.users.names.tolist() == found.items.names.tolist() == [0, 1, 2]
    assert found.times is None


def test_doubles_zeros_and_disorder_in_a_matrix_are_settled_in_a_copy():
    matrix = sp.csr_array((np.array([1.0, 2.0, 4.0, 0.0]), np.array([2, 0, 2, 1]), np.array([0, 3, 4])), shape=(2, 3))
    found = Interactions.of(matrix)
    assert found.matrix.toarray().tolist() == [[2, 0, 5], [0, 0, 0]]
    assert found.matrix.nnz == 2
    assert matrix.data.tolist() == [1, 2, 4, 0]
    assert Interactions.of(matrix, threshold=3).matrix.toarray().tolist() == [[0, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize(
    "names",
    [
        ("user", "item", "weight", "time"),
        ("userId", "movieId", "rating", "timestamp"),
        ("user_id:token", "item_id:token", "rating:float", "timestamp:float"),
        ("Customer ID", "PRODUCT", "Quantity", "Date"),
        ("uid", "iid", "score", "datetime"),
    ],
)
def test_columns_are_known_by_their_usual_names(names):
    assert pairs(Interactions.of(frame(names=names))) == pairs(Interactions.of(frame()))


@pytest.mark.parametrize("names", [("a", "b"), ("user", "b"), ("a", "item"), (0, 1)])
def test_two_columns_are_user_and_item(names):
    found = Interactions.of(frame([("x", 1), ("x", 1)], names))
    assert pairs(found) == {("x", 1): (2.0, None)}
    if names != ("a", "b") and names != (0, 1):
        assert pairs(Interactions.of(frame([(1, "x"), (1, "x")], names[::-1]))) == pairs(found)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("a", "b", "c"), "found none for user and item among 'a', 'b', 'c': rename"),
        (("user", "b", "c"), r"found none for item among .* X.rename\(columns=\{'b': 'item'\}\)"),
        (("rating", "item", "time"), r"found none for user .*: add it; an index is made a column by X.reset_index\(\)"),
        (("user", "rating"), "found none for item among 'user', 'rating'"),
        (("user", "item", "product"), "got 'item', 'product' for item"),
        (("user", "item", "rating", "count"), "got 'rating', 'count' for weight"),
        (("user", "item", "item"), "got 'item', 'item' for item"),
        ((), "found none for user and item among none"),
    ],
)
def test_columns_that_cannot_be_told_are_named(names, words):
    with pytest.raises(DataError, match=words):
        Interactions.of(pd.DataFrame([range(len(names))], columns=list(names)))


def test_dates_are_seconds_whatever_holds_them():
    moment = dt.datetime(2024, 1, 1, 12)
    seconds = moment.replace(tzinfo=dt.UTC).timestamp()
    zone = pd.Timestamp(moment, tz="UTC").tz_convert("Asia/Tokyo")
    for time in (moment, zone, np.datetime64(moment, "s"), pd.Timestamp(moment)):
        found = Interactions.of(pd.DataFrame({"user": [1], "item": [1], "time": [time]}))
        assert found.times is not None
        assert found.times.tolist() == [seconds]
    frame = pl.DataFrame({"user": [1], "item": [1], "time": [moment]})
    for column in (pl.col("time"), pl.col("time").dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo")):
        times = Interactions.of(frame.with_columns(column)).times
        assert times is not None
        assert times.tolist() == [seconds]
    days = Interactions.of(pd.DataFrame({"user": [1], "item": [1], "date": [dt.date(2024, 1, 1)]})).times
    assert days is not None
    assert days.tolist() == [seconds - 12 * 3600]


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("rating", [1.0, -1.0], r"not negative; got -1: .*threshold"),
        ("rating", [1.0, np.nan], "Column 'rating' must hold finite values; 1 of 2 are .* in row 1"),
        ("rating", [1.0, np.inf], "Column 'rating' must hold finite values"),
        ("rating", [1.0, 1e300], r"finite and not negative; got 1e\+300"),
        ("rating", [0.0, 0.0], "at least one interaction; got none"),
        ("rating", [1e-60, 1e-60], "at least one interaction; got none"),
        ("timestamp", [1.0, np.nan], "Column 'timestamp' must hold finite values"),
        ("timestamp", [pd.Timestamp(0), pd.NaT], "Column 'timestamp' must hold finite values"),
        ("user_id", ["a", None], "Users must not be missing; 1 of 2 are"),
        ("item_id", [1.0, np.nan], "Items must not be missing; 1 of 2 are"),
    ],
)
def test_what_is_missing_negative_or_endless_is_refused(column, values, words):
    with pytest.raises(DataError, match=words):
        Interactions.of(frame(ROWS[:2]).assign(**{column: values}))


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("rating", ["good", "bad"], "Column 'rating' must hold numbers or dates; got text"),
        ("rating", [[1], [2]], "Column 'rating' must hold"),
        ("user_id", [1, "1"], "Users must be all integers or all text; got int and str"),
        ("item_id", [1.5, 2.0], r"Items must be integers or text; got 1\.5"),
        ("item_id", pd.to_datetime(["2020-01-01"] * 2), "Items must be integers or text; got datetime64"),
    ],
)
def test_what_is_of_another_kind_is_refused(column, values, words):
    with pytest.raises(DataTypeError, match=words):
        Interactions.of(frame(ROWS[:2]).assign(**{column: values}))


@pytest.mark.parametrize("X", [np.eye(3), [[1, 2]], None, 7, np.zeros((2, 2, 2)), {"user": [1]}])
def test_what_is_dense_is_refused_with_advice(X):
    with pytest.raises(DataTypeError, match=r"SciPy sparse matrix .*; got \w+.*: pass scipy\.sparse\.csr_array\(X\)"):
        Interactions.of(X)


def test_lazy_and_complex_tables_are_refused():
    with pytest.raises(DataTypeError, match="collect"):
        Interactions.of(pl.LazyFrame({"user": [1], "item": [1]}))
    with pytest.raises(DataTypeError, match="matrix of numbers"):
        Interactions.of(sp.csr_array(np.eye(2, dtype=complex)))
    with pytest.raises(DataError, match="at least one interaction"):
        Interactions.of(sp.csr_array((3, 0)))
    with pytest.raises(DataError, match="at least one interaction"):
        Interactions.of(frame([]))


def test_indices_out_of_range_do_not_end_the_process():
    matrix = sp.csr_array(np.eye(3))
    matrix.indices[1] = 10**6
    with pytest.raises(DataError, match="no sound sparse matrix"):
        Interactions.of(matrix)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_weights_of_a_matrix_are_finite_and_not_negative(value):
    with pytest.raises(DataError, match="Weights must be finite and not negative"):
        Interactions.of(sp.csr_array([[1.0, value]]))


def test_a_threshold_allows_negative_ratings_and_is_a_number():
    assert Interactions.of(sp.csr_array([[-3.0, 4.0]]), threshold=0).matrix.toarray().tolist() == [[0, 1]]
    text: Any = "4"
    with pytest.raises(ParameterError, match="'threshold' of Interactions must be a number or None"):
        Interactions.of(frame(), threshold=text)


def test_sums_that_single_precision_cannot_hold_are_its_largest():
    found = Interactions.of(sp.coo_array((np.full(2, 3e38), ([0, 0], [0, 0])), shape=(1, 1)))
    assert found.matrix.toarray().tolist() == [[float(np.finfo(np.float32).max)]]


def test_rows_are_found_by_ids():
    found = Interactions.of(frame())
    assert found.rows(["bob", "ann", "bob"]).tolist() == [1, 0, 1]
    assert found.rows(pd.Series(["bob"])).tolist() == [1]
    with pytest.raises(DataError, match="There is no user 'cleo', 'dan' among the 2 known"):
        found.rows(["ann", "cleo", "dan"])
    with pytest.raises(DataTypeError, match="Users must be text, such as 'ann'; got integers, such as 1"):
        found.rows([1])
    with pytest.raises(DataTypeError, match=r"pass \['ann'\]"):
        found.rows("ann")


ITEMS = Ids.of(["a", "b", "c"])[0]
HISTORIES = [["b"], ["c", "a"], [], ["b", "b"]]


def told(X):
    """The ids of users and their histories over the items."""
    found = folded(X, ITEMS)
    return found.users, found.matrix


def test_histories_of_every_kind_are_the_same():
    users = np.repeat(np.arange(4), [len(each) for each in HISTORIES])
    table = pd.DataFrame({"user": users, "item": [*chain.from_iterable(HISTORIES)]})
    expected = [[0, 1, 0], [1, 0, 1], [0, 0, 0], [0, 2, 0]]
    for X in (HISTORIES, tuple(map(np.array, HISTORIES)), sp.csc_array(expected)):
        ids, histories = told(X)
        assert ids.names.tolist() == [0, 1, 2, 3]
        assert histories.toarray().tolist() == expected
        assert isinstance(histories, sp.csr_array)
    ids, histories = told(table)
    assert ids.names.tolist() == [0, 1, 3]
    assert histories.toarray().tolist() == [expected[i] for i in (0, 1, 3)]


def test_items_that_are_not_known_are_left_out_with_one_warning():
    with pytest.warns(DiaboloWarning, match="^2 of 4 interactions are with items that are not known") as caught:
        ids, histories = told([["b", "z"], ["y"], ["a"]])
    assert len(caught) == 1
    assert (len(ids), histories.toarray().tolist()) == (3, [[0, 1, 0], [0, 0, 0], [1, 0, 0]])


def test_the_threshold_counts_for_histories_too():
    table = pd.DataFrame({"user": [1, 1, 2], "item": ["a", "b", "c"], "rating": [5, 3, 2]})
    found = folded(table, ITEMS, threshold=3)
    assert found.matrix.toarray().tolist() == [[1, 1, 0], [0, 0, 0]]
    assert found.seen.toarray().tolist() == [[1, 1, 0], [0, 0, 1]]
    whole = Interactions.of(table, threshold=3)
    assert (whole.matrix.nnz, whole.seen.toarray().tolist()) == (2, found.seen.toarray().tolist())
    assert folded(table, ITEMS).seen.toarray().tolist() == [[5, 3, 0], [0, 0, 2]]


def test_no_histories_at_all_are_no_rows():
    ids, histories = told([])
    assert (len(ids), histories.shape) == (0, (0, 3))


def test_histories_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match=r"X must have 3 columns, as in training; got shape \(2, 2\)"):
        folded(sp.csr_array(np.eye(2)), ITEMS)
    with pytest.raises(DataTypeError, match="Items must be text, such as 'a'; got integers, such as 1"):
        folded([[1, 2]], ITEMS)
    with pytest.raises(DataTypeError, match=r"list of lists.*got 'b' among the lists: pass \[\[\.\.\.\]\]"):
        folded(["b"], ITEMS)
    with pytest.raises(DataTypeError, match="list of lists"):
        folded([1], ITEMS)
    with pytest.raises(DataTypeError, match="SciPy sparse matrix"):
        folded(np.eye(3), ITEMS)


@given(EVENTS)
def test_histories_against_their_own_items_are_the_interactions(rows):
    table = frame([(user, item, weight + 1, time) for user, item, weight, time in rows])
    whole = Interactions.of(table)
    found = folded(table, whole.items)
    assert found.users.names.tolist() == whole.users.names.tolist()
    np.testing.assert_array_equal(found.matrix.toarray(), whole.matrix.toarray())
