import dataclasses
import datetime as dt
import decimal
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from diabolo.data import Field, Schema
from diabolo.errors import DataError, DataTypeError, DiaboloWarning, FileError, ParameterError

WHEN = [dt.datetime(2024, 3, 12, 14, 5), None, dt.datetime(2023, 7, 1)]
MIXED = {
    "age": [31.0, None, 44.0],
    "city": ["Rome", "Oslo", None],
    "member": [True, False, None],
    "when": WHEN,
    "kids": [1, 2, None],
}


def column(values):
    """An object array (N, 1)."""
    array = np.empty((len(values), 1), dtype=object)
    array[:, 0] = values
    return array


def only(X):
    """The only field of a table of one column."""
    (field,) = Schema.of(X).fields
    return field


def same(a, b):
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_mixed_table_becomes_numbers_and_comes_back():
    schema = Schema.of(pd.DataFrame(MIXED))
    assert schema.names == ("age", "city", "member", "when", "kids")
    assert [field.kind for field in schema.fields] == ["number", "category", "category", "date", "number"]
    assert all(field.missing for field in schema.fields)
    assert schema.slices == (slice(0, 2), slice(2, 6), slice(6, 10), slice(10, 17), slice(17, 19))
    values, observed = schema.encode(pd.DataFrame(MIXED))
    assert values.shape == (3, schema.width) == (3, 19)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(observed, ~pd.DataFrame(MIXED).isna())
    age, city, member, when, kids = schema.decode(values)
    np.testing.assert_allclose(age, [31, np.nan, 44], rtol=1e-6)
    assert city.tolist() == MIXED["city"]
    assert member.tolist() == ["True", "False", None]
    assert when.tolist() == ["Tue 14:05, 12 Mar", None, "Sat 00:00, 1 Jul"]
    np.testing.assert_allclose(kids, [1, 2, np.nan], rtol=1e-6)


@pytest.mark.parametrize(
    "table",
    [
        pl.DataFrame(MIXED),
        pd.DataFrame(MIXED).convert_dtypes(),
        pd.DataFrame(MIXED).convert_dtypes(dtype_backend="pyarrow"),
        pd.DataFrame(MIXED).astype({"city": "category", "member": "category", "when": "datetime64[s]"}),
        pl.DataFrame(MIXED).cast({"city": pl.Categorical, "when": pl.Datetime("ms"), "kids": pl.Int8}),
        pl.DataFrame(MIXED).cast({"city": pl.Enum(["Oslo", "Rome"]), "age": pl.Decimal(scale=1)}),
        pl.DataFrame(MIXED).with_columns(pl.col("when").dt.replace_time_zone("Asia/Tokyo")),
        pd.DataFrame(MIXED).assign(when=pd.to_datetime(pd.Series(WHEN)).dt.tz_localize("Asia/Tokyo")),
        pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in MIXED.items()}),
        pd.DataFrame(MIXED)[["when", "kids", "city", "member", "age"]],
    ],
    ids=lambda table: type(table).__module__,
)
def test_every_frame_gives_the_same_numbers(table):
    schema = Schema.of(pd.DataFrame(MIXED))
    assert set(Schema.of(table).fields) == set(schema.fields)
    same(schema.encode(table), schema.encode(pd.DataFrame(MIXED)))


@pytest.mark.parametrize("make", [list, lambda rows: np.array(rows, dtype=object)])
def test_arrays_go_by_position(make):
    rows = [list(row) for row in zip(*MIXED.values(), strict=True)]
    schema = Schema.of(make(rows))
    assert schema.names == ("0", "1", "2", "3", "4")
    frame = pd.DataFrame(MIXED)
    same(schema.encode(make(rows)), Schema.of(frame).encode(frame))
    same(Schema.of(frame).encode(make(rows)), Schema.of(frame).encode(frame))
    same(schema.encode(frame.set_axis(range(5), axis=1)), schema.encode(make(rows)))


numbers = arrays(
    st.sampled_from(["float32", "float64"]),
    array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.just(np.nan) | st.floats(-(2.0**20), 2.0**20, width=32),
)


@given(numbers)
@pytest.mark.filterwarnings("ignore::diabolo.errors.DiaboloWarning")
def test_numbers_come_back_and_are_the_same_from_arrays_and_frames(x):
    schema = Schema.of(pd.DataFrame(x))
    assert schema == Schema.of(pl.from_numpy(x, [str(i) for i in range(x.shape[1])]))
    for one, other in zip(schema.fields, Schema.of(x).fields, strict=True):
        assert (other.shift, other.scale) == pytest.approx((one.shift, one.scale), rel=1e-9, abs=1e-9)
        assert other == dataclasses.replace(one, shift=other.shift, scale=other.scale)
    values, observed = schema.encode(x, dtype=np.float64)
    same((values, observed), schema.encode(pd.DataFrame(x), dtype=np.float64))
    same((values, observed), schema.encode(x.astype(object), dtype=np.float64))
    np.testing.assert_array_equal(observed, ~np.isnan(x))
    most = np.fmax.reduce(np.abs(x), axis=None, initial=0)
    np.testing.assert_allclose(np.column_stack(schema.decode(values)), x, rtol=1e-6, atol=1e-6 * most)


@pytest.mark.parametrize("order", ["C", "F"])
def test_many_rows_are_encoded_in_blocks(order):
    x = np.random.default_rng(0).standard_t(2, (150_000, 4)).astype(np.float32, order=order)
    x[::7, 2] = np.nan
    schema = Schema.of(x)
    values, observed = schema.encode(x, np.float64)
    whole = x.astype(np.float64)
    z = (whole - np.nanmean(whole, 0)) / np.nanstd(whole, 0)
    z = np.where(np.abs(z) > 3, np.sign(z) * (3 + np.log1p(np.maximum(np.abs(z) - 3, 0))), np.nan_to_num(z))
    np.testing.assert_allclose(values[:, [0, 1, 2, 4]], z, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(values[:, 3], np.isnan(x[:, 2]))
    np.testing.assert_array_equal(observed, ~np.isnan(x))
    same(schema.encode(pd.DataFrame(x), np.float64), (values, observed))
    assert schema.encode(x[:0])[0].shape == (0, 5)


@pytest.mark.filterwarnings("ignore:Column 'n' numbers the rows")
def test_frames_of_many_rows_are_encoded_in_blocks():
    rows = 70_000
    x = pd.DataFrame({"n": np.arange(rows), "c": np.arange(rows) % 3 == 0, "t": pd.Timestamp("2020-01-01")})
    schema = Schema.of(x)
    values, observed = schema.encode(x)
    assert observed.all()
    number, category, date = schema.decode(values)
    np.testing.assert_allclose(number, x["n"], rtol=1e-5, atol=0.05)
    assert (category == np.where(x["c"], "True", "False")).all()
    assert set(date) == {"Wed, 1 Jan"}


@pytest.mark.parametrize(
    "values",
    [
        [1, 2.5, None],
        [decimal.Decimal(1), decimal.Decimal("2.5"), decimal.Decimal("NaN")],
        [np.float32(1), np.int8(2) + np.float16(0.5), np.nan],
        [1, 2.5, pd.NA],
        [1, 2.5, pd.NaT],
    ],
)
def test_objects_that_are_numbers(values):
    assert only(column(values)) == Field("0", "number", 1.75, 0.75, missing=True)


@pytest.mark.parametrize(
    "values",
    [
        [dt.date(2024, 3, 12), None],
        [pd.Timestamp("2024-03-12 14:05"), pd.NaT],
        [np.datetime64("2024-03-12"), np.datetime64("NaT")],
        [dt.datetime(2024, 3, 12, 14, 5, tzinfo=dt.UTC), dt.date(2024, 3, 12), None],
    ],
)
def test_objects_that_are_dates(values):
    schema = Schema.of(column(values))
    assert schema.fields[0].kind == "date"
    assert schema.fields[0].missing
    first = schema.decode(schema.encode(column(values))[0])[0][0]
    assert first == ("Tue 14:05, 12 Mar" if schema.fields[0].clock else "Tue, 12 Mar")


@pytest.mark.parametrize(
    ("X", "categories"),
    [
        (np.array([["b"], ["a"], ["b"]]), ("b", "a")),
        (np.array([["b"], ["a"], ["b"]], dtype=np.dtypes.StringDType()), ("b", "a")),
        (column(["b", np.str_("a"), "b"]), ("b", "a")),
        (np.array([[True], [False]]), ("False", "True")),
        (column([True, np.False_]), ("False", "True")),
        (pd.DataFrame({"0": pd.Categorical([2, 10, 2])}), ("2", "10")),
    ],
)
def test_what_becomes_categories(X, categories):
    assert only(X) == Field("0", "category", categories=categories)
    assert all(type(category) is str for category in only(X).categories)


def test_numbers_of_a_list_do_not_become_text_beside_text():
    assert [field.kind for field in Schema.of([[3.5, "a"], [4.5, "b"]]).fields] == ["number", "category"]
    mixed = [[np.datetime64("2024-03-12"), "a"], [np.datetime64("2024-03-13"), "b"]]
    assert [field.kind for field in Schema.of(mixed).fields] == ["date", "category"]


def test_masked_values_are_missing():
    mask = [[False], [True], [False]]
    number = np.ma.masked_array([[1.0], [9.0], [3.0]], mask=mask)
    assert only(number) == Field("0", "number", 2.0, 1.0, missing=True)
    text = np.ma.masked_array([["a"], ["b"], ["a"]], mask=mask)
    assert only(text) == Field("0", "category", categories=("a",), missing=True)
    day = np.ma.masked_array(np.array([["2024-03-12"]] * 3, "M8[ns]"), mask=mask)
    assert only(day) == Field("0", "date", missing=True)


def test_tensors_are_tables():
    x = torch.tensor([[1.0, 2.0], [3.0, 6.0]], requires_grad=True)
    same(Schema.of(x).encode(x), (np.array([[-1, -1], [1, 1]]), np.ones((2, 2))))


@pytest.mark.parametrize("nothing", [[None, None], [np.nan, np.nan], [pd.NA, pd.NaT]])
def test_a_column_of_which_all_is_missing_is_a_number_and_warned_of(nothing):
    X = pd.DataFrame({"a": [1.0, 2.0], "nothing": nothing})
    with pytest.warns(DiaboloWarning, match="All values are missing in column 'nothing'"):
        schema = Schema.of(X)
    assert schema.fields[1] == Field("nothing", "number", 0, 1, missing=True)
    assert schema.encode(X)[0][:, 1:].tolist() == [[0, 1], [0, 1]]


def test_a_batch_may_miss_all_of_a_column_whatever_its_type():
    schema = Schema.of(pd.DataFrame({"c": ["a", None], "t": [pd.Timestamp("2024-01-01"), None], "n": [1.0, None]}))
    nothing = pd.DataFrame({"c": [np.nan], "t": pd.Series([None], dtype=object), "n": pd.to_datetime([None])})
    values, observed = schema.encode(nothing)
    assert not observed.any()
    assert np.flatnonzero(values[0]).tolist() == [s.stop - 1 for s in schema.slices]


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_empty_tables_are_refused(shape):
    with pytest.raises(DataError, match=r"X must hold rows.*: 0 (sample|feature)\(s\) \(shape=.*minimum of 1 is"):
        Schema.of(np.empty(shape))


@pytest.mark.parametrize("columns", [["a", "b", "a"], [1, "b", "1"]])
def test_duplicate_names_are_refused(columns):
    with pytest.raises(DataError, match=r"columns of distinct names; got '[a1]' more than once: rename them"):
        Schema.of(pd.DataFrame([[1.0, 2.0, 3.0]], columns=columns))


@pytest.mark.parametrize(
    ("X", "error", "words"),
    [
        (np.ones(3), DataError, r"X must be a table \(N, F\); got shape \(3,\). Reshape your data"),
        (pd.Series([1.0]), DataError, "Reshape your data"),
        (np.ones((2, 2, 2)), DataError, r"got shape \(2, 2, 2\)"),
        ([[1, 2], [3]], DataError, "rectangular"),
        (None, DataTypeError, "got None"),
        (np.ones((2, 2), dtype=complex), DataTypeError, "Complex data not supported"),
        (scipy.sparse.csr_matrix(np.eye(2)), DataTypeError, r"sparse.*toarray\(\)"),
        (pl.LazyFrame({"a": [1]}), DataTypeError, r"X.collect\(\)"),
        (
            np.array([[b"a"]]),
            DataTypeError,
            r"Column '0' must hold numbers, text, booleans or dates; got \|S1: convert",
        ),
        (column([{}, 1.0]), DataTypeError, "Column '0' must hold .*; got dict: convert it, or drop it"),
        (column([1j]), DataTypeError, "got complex"),
        (pd.DataFrame({"a": pd.to_timedelta([1])}), DataTypeError, "Column 'a' .* got timedelta64"),
        (column([np.timedelta64(1, "s")]), DataTypeError, "got timedelta64"),
        (pd.DataFrame({"a": pd.period_range("2020", periods=1)}), DataTypeError, "got Period"),
        (pd.DataFrame({"a": [1j]}), DataTypeError, "Column 'a' .* got complex128"),
        (pl.DataFrame({"a": [dt.time(3)]}), DataTypeError, "Column 'a' .* got time"),
        (pl.DataFrame({"a": [[1, 2]]}), DataTypeError, "Column 'a' .* got ndarray"),
        (pl.DataFrame({"a": [{"b": 1}]}), DataTypeError, "Column 'a' .* got nested values"),
        (column(["a", 1.5]), DataTypeError, "Column '0' must hold values of one kind; got float and str: convert it"),
        (column([True, 1.5]), DataTypeError, "got bool and float"),
        (column([10**400]), DataError, "Column '0' must hold finite numbers; got infinity"),
        (pd.DataFrame({"a": [1.0, np.inf]}), DataError, "Column 'a' must hold finite numbers"),
        (np.array([[1.0, 1.0], [1.0, -np.inf]]), DataError, "Column '1' must hold finite numbers"),
        (pd.DataFrame({"id": [f"u{i}" for i in range(99)]}), DataError, "Column 'id' .* 99 distinct texts in 99 rows"),
    ],
)
def test_what_is_no_table_of_numbers_text_and_dates_is_refused(X, error, words):
    with pytest.raises(error, match=words):
        Schema.of(X)


@pytest.mark.parametrize(
    ("trained", "given", "words"),
    [
        ([1.0, 2.0], ["3.5", "x"], "must hold numbers, as in training; got text or booleans such as '3.5': convert it"),
        ([1.0, 2.0], [True, False], "must hold numbers, as in training; got text or booleans such as 'True'"),
        (["a", "b"], [None, 3.5], "must hold text or booleans, as in training; got numbers such as '3.5'"),
        (["a", "b"], WHEN, "must hold text or booleans, as in training; got dates such as '2024-03-12"),
        (WHEN, ["2024-03-12", None], "must hold dates, as in training; got text or booleans such as '2024-03-12'"),
        (WHEN, [1.0, 2.0], "must hold dates, as in training; got numbers such as '1.0'"),
    ],
)
@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_a_column_that_changed_its_kind_is_refused(trained, given, words, frame):
    schema = Schema.of(frame({"n": [0.0] * len(trained), "a": trained}))
    with pytest.raises(DataTypeError, match=f"Column 'a' {words}"):
        schema.encode(frame({"n": [0.0] * len(given), "a": given}))


def test_an_array_of_text_is_refused_where_numbers_were():
    with pytest.raises(DataTypeError, match="Column '0' must hold numbers"):
        Schema.of(np.eye(2)).encode(np.array([["1", "2"]]))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("ab", "missing: 'c', not known: none"),
        ("abcd", "missing: none, not known: 'd'"),
        ("wxyz", "missing: 'a', 'b', 'c', not known: 'w', 'x', 'y' and 1 more. Rename or add columns, take those of"),
    ],
)
@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_missing_and_extra_columns_are_named(columns, words, frame):
    schema = Schema.of(frame({name: [1.0, 2.0] for name in "abc"}))
    with pytest.raises(DataError, match=f"X must have the columns of training, by their feature names.*; {words}"):
        schema.encode(frame({name: [1.0] for name in columns}))


def test_arrays_need_as_many_columns_as_in_training():
    with pytest.raises(DataError, match="X must have 3 columns, as in training; got 2"):
        Schema.of(np.eye(3)).encode(np.eye(2))


@pytest.mark.parametrize("dtype", ["int32", "float16"])
def test_numbers_are_float32_or_float64(dtype):
    with pytest.raises(ParameterError, match=r"'dtype' of Schema\.encode must be 'float32' or 'float64'; got"):
        Schema.of(np.eye(2)).encode(np.eye(2), dtype=dtype)


@pytest.mark.parametrize("shape", [(2,), (2, 3), (2, 2, 2)])
def test_decode_refuses_other_shapes(shape):
    with pytest.raises(DataError, match=r"values must have shape \(N, 2\), as encoded; got \(2"):
        Schema.of(np.eye(2)).decode(np.zeros(shape))


def test_schemas_travel_as_json():
    schema = Schema.of(pd.DataFrame(MIXED))
    back = Schema.from_json(json.loads(json.dumps(schema.to_json())))
    assert back == schema
    assert hash(back) == hash(schema)
    same(back.encode(pd.DataFrame(MIXED)), schema.encode(pd.DataFrame(MIXED)))


FIELD = Field("a", "number").to_json()


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        (None, "a schema must have a list of fields, and a knee; got None. It was edited or is foreign"),
        ({"fields": [], "knee": 3.0}, "a schema must have a list of fields"),
        ({"fields": FIELD, "knee": 3.0}, "a schema must have a list of fields"),
        ({"fields": [FIELD], "knee": 3.0, "more": 1}, "a schema must have a list of fields"),
        ({"fields": [FIELD], "knee": None}, "'knee' of a schema must be a number > 0; got None"),
        ({"fields": [FIELD, None], "knee": 3.0}, "a field must have a name"),
        ({"fields": [FIELD, FIELD], "knee": 3.0}, "the names of fields must be distinct"),
        ({"fields": [FIELD | {"scale": -1}], "knee": 3.0}, "'scale' of a field must be a number > 0; got -1"),
    ],
)
def test_hostile_descriptions_are_refused(plain, words):
    with pytest.raises(FileError, match=words):
        Schema.from_json(plain)


def test_neither_pandas_nor_polars_is_imported():
    code = (
        "import sys; from diabolo.data import Schema; X = [[1, 'a', True], [2, None, False]]; "
        "Schema.of(X).encode(X); print({'pandas', 'polars'} & {*sys.modules})"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
