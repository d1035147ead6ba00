"""Tables as columns and back: the same types, names, index, categories and missing values, whole or piece by piece."""

import base64
import datetime as dt
import decimal
import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from diabolo.codec.framed import Framed
from diabolo.codec.sheet import Cells, Sheet
from diabolo.errors import DataError, DataTypeError, FileError

N = 12
DRAW = np.random.default_rng(0)
WORDS = [None, "Oslo", "Rome", "", "\x00", "Ω\U0001f600"] * 2


def numbers(dtype):
    """An array (12, 2) of a type, with its extremes, and what is no number where there is such."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return DRAW.random((N, 2)) < 0.5
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return np.array([info.min, info.max, 0, 1, 2, 3] * 4, dtype).reshape(N, 2)
    info = np.finfo(dtype)
    some = [np.nan, np.inf, -np.inf, -0.0, info.smallest_subnormal, info.max]
    return np.array([some, DRAW.normal(size=6)] * 2).astype(dtype).reshape(N, 2)


WHOLE = [f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)]
ARRAYS = {str(np.dtype(kind)): numbers(kind) for kind in ["?", *WHOLE, "f2", "f4", "f8"]}
FRAMES = {
    "integers": pd.DataFrame({kind: numbers(kind)[:, 0] for kind in WHOLE}),
    "floats": pd.DataFrame({kind: numbers(kind)[:, 0] for kind in ["f2", "f4", "f8"]}),
    "nullable": pd.DataFrame(
        {
            "i": pd.array([1, None, -3] * 4, dtype="Int64"),
            "u": pd.array([1, None, 2**64 - 1] * 4, dtype="UInt64"),
            "b": pd.array([True, None, False] * 4, dtype="boolean"),
            "f": pd.array([0.5, None, -1e300] * 4, dtype="Float64"),
            "s": pd.array(WORDS, dtype="string"),
        }
    ),
    "booleans": pd.DataFrame({"b": [True, False, True] * 4}),
    "strings": pd.DataFrame({"s": WORDS}),
    "objects": pd.DataFrame(
        {"s": ["a", None, "b"] * 4, "i": [1, None, 2] * 4, "b": [True, None, False] * 4}, dtype=object
    ),
    "categories": pd.DataFrame(
        {
            "unused": pd.Categorical(["b", None, "a"] * 4, categories=["z", "b", "a", "never"]),
            "ordered": pd.Categorical(["lo", "hi", "lo"] * 4, categories=["lo", "mid", "hi"], ordered=True),
            "of numbers": pd.Categorical([3, 1, 3] * 4),
            "of nothing": pd.Categorical([None] * N, categories=[]),
        }
    ),
    "times": pd.DataFrame(
        {
            "zone": pd.date_range("2020-03-29", periods=N, freq="h", tz="Europe/Oslo"),
            "nanoseconds": pd.date_range("1800", periods=N, unit="ns"),
            "seconds": pd.date_range("0900", periods=N, unit="s"),
            "missing": pd.to_datetime([None, "2020-01-01", "1999-12-31"] * 4),
            "never": pd.to_datetime([None] * N),
            "length": pd.to_timedelta([None, "1D", "-2ns"] * 4),
            "day": [dt.date(2020, 1, 1), dt.date(1, 1, 1), None] * 4,
            "hour": [dt.time(1, 2, 3), dt.time(0), None] * 4,
        }
    ),
    "neither numbers nor words": pd.DataFrame(
        {
            "list": [np.array([1, 2]), None, np.array([], int)] * 4,
            "structure": [{"a": 1}, {"a": None}, None] * 4,
            "bytes": [b"\0", b"", None] * 4,
            "decimal": [decimal.Decimal("1.10"), None, decimal.Decimal("-2.00")] * 4,
            "period": pd.period_range("2020", periods=N, freq="M"),
            "interval": pd.interval_range(0, N),
            "nothing": [None] * N,
        }
    ),
    "named index": pd.DataFrame({"a": range(N)}, index=pd.Index([f"k{i}" for i in range(N)], name="key")),
    "stepped index": pd.DataFrame({"a": range(N)}, index=pd.RangeIndex(5, 5 + 3 * N, 3)),
    "two indices": pd.DataFrame({"a": range(N)}, index=pd.MultiIndex.from_product([[1, 2, 3], list("abcd")])),
    "numbered columns": pd.DataFrame(DRAW.normal(size=(N, 3)), columns=[7, 3, 5]),
    "two rows of names": pd.DataFrame(
        DRAW.normal(size=(N, 2)), columns=pd.MultiIndex.from_tuples([(1, "a"), (1, "b")])
    ),
    "of Arrow": pd.DataFrame(
        {"s": pd.array(WORDS, dtype="string[pyarrow]"), "i": pd.array([1, None, 2] * 4, dtype="int32[pyarrow]")}
    ),
    "no rows": pd.DataFrame({"a": np.empty(0), "b": pd.Categorical([], categories=["x"])}),
}
POLARS = {
    "numbers": pl.DataFrame(
        {
            "u": pl.Series([1, None, 2**64 - 1] * 4, dtype=pl.UInt64),
            "i": pl.Series([-128, 127, None] * 4, dtype=pl.Int8),
            "f": [None, float("nan"), -0.0] * 4,
            "b": [True, None, False] * 4,
        }
    ),
    "words": pl.DataFrame(
        {
            "s": WORDS,
            "c": pl.Series(WORDS, dtype=pl.Categorical),
            "e": pl.Series(["x", None, "y"] * 4, dtype=pl.Enum(["y", "never", "x"])),
        }
    ),
    "times": pl.DataFrame(
        {
            "day": [dt.date(2020, 1, 1), None] * 6,
            "hour": [dt.time(1, 2), None] * 6,
            "moment": [dt.datetime(2020, 1, 1), None] * 6,
            "zone": [dt.datetime(2020, 1, 1, tzinfo=dt.UTC), None] * 6,
            "length": [dt.timedelta(1), None] * 6,
        }
    ),
    "others": pl.DataFrame(
        {
            "list": [[1], None, []] * 4,
            "structure": [{"a": 1}, {"a": None}] * 6,
            "bytes": [b"a", None] * 6,
            "decimal": [decimal.Decimal("1.10"), None] * 6,
            "nothing": [None] * N,
        }
    ),
    "in pieces": pl.concat([pl.DataFrame({"s": WORDS, "i": range(N)})] * 3, rechunk=False)[5:29],
}
TENSORS = {
    str(kind): torch.tensor([[0, 1], [1, 0], [1, 1]]).to(kind)
    for kind in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.float64)
}
TABLES = [
    pytest.param(table, id=f"{kind} {name}")
    for kind, tables in (("array", ARRAYS), ("pandas", FRAMES), ("polars", POLARS), ("tensor", TENSORS))
    for name, table in tables.items()
]


def assert_same(got, X):
    assert type(got) is type(X)
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_frame_equal(got, X, check_exact=True, check_freq=False)
    elif isinstance(X, pl.DataFrame):
        assert got.schema == X.schema
        assert got.equals(X)
    else:
        assert got.dtype == X.dtype
        one, two = np.asarray(got), np.asarray(X)
        np.testing.assert_array_equal(one, two)
        if two.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(one)[two == 0], np.signbit(two)[two == 0])


def reread(sheet):
    """Return a sheet after JSON, which a file holds."""
    return Sheet.from_json(json.loads(json.dumps(sheet.to_json())))


@pytest.mark.parametrize("X", TABLES)
def test_columns_are_the_table(X):
    sheet, columns = Sheet.of(X)
    again = reread(sheet)
    assert again.kinds == sheet.kinds
    assert len(again.kinds) == len(columns)
    assert_same(again.table([again.joined([column]) for column in columns]), X)


@pytest.mark.parametrize("X", TABLES)
def test_columns_are_bytes(X):
    sheet, columns = Sheet.of(X)
    again = reread(sheet)
    read = [again.from_bytes(i, sheet.as_bytes(column)) for i, column in enumerate(columns)]
    assert_same(again.table([again.joined([column]) for column in read]), X)
    for column in columns:
        assert sheet.size(column) >= 0


@pytest.mark.parametrize("X", TABLES)
def test_columns_are_what_they_hold(X):
    sheet, columns = Sheet.of(X)
    again = reread(sheet)
    kept = []
    for i, column in enumerate(columns):
        cells = sheet.cells(i, column)
        if cells is not None:
            assert cells.missing.shape == cells.values.shape == (len(column),)
            if cells.words is None:
                assert cells.values.dtype == again.dtype(i)
            column = again.kept(i, Cells(cells.values.copy(), cells.missing, cells.words))
        kept.append(again.joined([column]))
    assert_same(again.table(kept), X)


@pytest.mark.parametrize("X", TABLES)
def test_rows_are_cut_joined_and_mended(X):
    sheet, columns = Sheet.of(X)
    if not len(columns[0]):
        return
    pieces = [[sheet.some(c, np.arange(at, min(at + 5, len(c)))) for at in range(0, len(c), 5)] for c in columns]
    assert_same(sheet.table([sheet.joined(each) for each in pieces]), X)
    rows = np.array([0, 2])
    for i, column in enumerate(columns):
        wrong = sheet.mended(column, rows, sheet.some(column, np.array([1, 1])))
        mended = sheet.mended(wrong, rows, sheet.some(column, rows))
        assert sheet.as_bytes(sheet.some(mended, np.arange(3))) == sheet.as_bytes(sheet.some(column, np.arange(3))), i


def test_levels_that_are_missing_in_whole_numbers_do_no_harm():
    sheet, columns = Sheet.of(np.arange(6, dtype=np.int16).reshape(3, 2))
    kept = sheet.kept(0, Cells(columns[0], np.array([True, False, True])))  # all of it is mended later
    assert kept.dtype == np.int16
    assert kept[1] == 2


def test_masked_values_are_missing():
    X = np.ma.masked_array([[1.5, 2.5], [3.5, 4.5]], [[True, False], [False, False]])
    sheet, columns = Sheet.of(X)
    np.testing.assert_array_equal(sheet.table(columns), [[np.nan, 2.5], [3.5, 4.5]])


@pytest.mark.parametrize("kind", [torch.bool, torch.bfloat16], ids=str)
def test_tensors_that_numpy_lacks_come_back_as_they_were_or_are_refused(kind):
    X = torch.tensor([[0, 1], [1, 0]]).to(kind)
    try:
        sheet, columns = Sheet.of(X)
    except DataTypeError:
        return
    assert reread(sheet).table(columns).dtype == kind


def test_big_ends_are_told_as_little_ones():
    X = np.arange(6, dtype=">i4").reshape(3, 2)
    sheet, columns = Sheet.of(X)
    got = sheet.table([sheet.from_bytes(i, sheet.as_bytes(column)) for i, column in enumerate(columns)])
    np.testing.assert_array_equal(got, X)
    cells = sheet.cells(0, columns[0])
    assert cells is not None
    assert cells.values.dtype == sheet.dtype(0)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((2, 2), complex), "complex128 of shape"),
        (np.zeros((2, 2), np.longdouble), "Make a data frame of what is mixed"),
        (np.array([["a", "b"]]), "an array \\(N, D\\) of numbers"),
        (np.array([[1, "b"]], object), "got object"),
        (np.array([["2020-01-01"]], "M8[D]"), "got datetime64"),
        (np.zeros(3), "shape \\(3,\\)"),
        (pd.DataFrame({"a": [1j]}), "X has a column that no table file can hold"),
        (pd.DataFrame({"a": [1, "x"]}, dtype=object), "X has a column that no table file can hold"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "Duplicate column names"),
        (pd.DataFrame([[1, 2]], columns=[5, "5a"]), "column names of mixed type"),
        (pd.DataFrame({"a": pd.arrays.SparseArray([0, 1])}), "Sparse pandas data"),
        (torch.eye(3).to_sparse(), "sparse tensor"),
        (pl.LazyFrame({"a": [1]}), "LazyFrame"),
    ],
    ids=range(13),
)
def test_what_is_no_table_is_refused(X, message):
    with pytest.raises(DataTypeError, match=message):
        Sheet.of(X)


def test_a_frame_without_columns_is_refused():
    for X in (pd.DataFrame(index=range(0)), pl.DataFrame()):
        with pytest.raises(DataError, match="must have columns"):
            Sheet.of(X)


FRAMED = Sheet.of(FRAMES["categories"])[0].to_json()


@pytest.mark.parametrize(
    "plain",
    [
        None,
        3,
        [],
        {},
        {"dtype": "<f8", "columns": 2},
        {"dtype": "<f8", "columns": 0, "tensor": False},
        {"dtype": "<f8", "columns": 2**40, "tensor": False},
        {"dtype": "<f8", "columns": True, "tensor": False},
        {"dtype": "<f8", "columns": "2", "tensor": False},
        {"dtype": "O", "columns": 2, "tensor": False},
        {"dtype": "V9", "columns": 2, "tensor": False},
        {"dtype": "<c16", "columns": 2, "tensor": False},
        {"dtype": "<M8[s]", "columns": 2, "tensor": False},
        {"dtype": "no such type", "columns": 2, "tensor": False},
        {"dtype": [["a", "<f8"]], "columns": 2, "tensor": False},
        {"frame": "os", "schema": "", "categories": {}},
        {"frame": ["pandas"], "schema": "", "categories": {}},
        {"frame": "pandas", "schema": "", "categories": {}},
        {"frame": "pandas", "schema": "\x00", "categories": {}},
        {"frame": "pandas", "schema": 3, "categories": {}},
        {"frame": "pandas", "schema": base64.b85encode(bytes(64)).decode(), "categories": {}},
        FRAMED | {"categories": {}},
        FRAMED | {"categories": None},
        FRAMED | {"categories": {"9": []}},
        FRAMED | {"categories": {"0": 3, "1": [], "2": [], "3": []}},
        FRAMED | {"categories": {"0": [1, {}], "1": [], "2": [], "3": []}},
        FRAMED | {"metadata": None},
        FRAMED | {"metadata": [["pandas", "{}"]]},
        FRAMED | {"metadata": {"pandas": 3}},
        FRAMED | {"metadata": {"pandas": "−"}},
    ],
    ids=range(30),
)
def test_hostile_json(plain):
    with pytest.raises(FileError, match="describes no table"):
        Sheet.from_json(plain)


def test_every_byte_of_a_schema_may_be_wrong():
    schema, read = bytes.fromhex(FRAMED["schema"]), 0
    for at in range(0, len(schema), 3):
        changed = schema[:at] + bytes([schema[at] ^ 0x15]) + schema[at + 1 :]
        try:
            sheet = Sheet.from_json(FRAMED | {"schema": changed.hex()})
        except FileError:
            continue
        assert isinstance(sheet, Framed)
        read += 1
    assert read


def test_a_schema_of_format_1_has_its_metadata_in_it():
    sheet = Sheet.from_json(FRAMED)
    assert isinstance(sheet, Framed) and sheet.schema.metadata
    text = base64.b85encode(sheet.schema.serialize().to_pybytes()).decode()
    first = Sheet.from_json({name: FRAMED[name] for name in ("frame", "categories")} | {"schema": text})
    assert isinstance(first, Framed) and first.schema.equals(sheet.schema, check_metadata=True)


def test_bytes_that_are_no_column_are_refused():
    for X in (ARRAYS["int32"], FRAMES["strings"], FRAMES["booleans"]):
        sheet, columns = Sheet.of(X)
        data = sheet.as_bytes(columns[0])
        for wrong in (data[:-3], data[:1], b"\xff" * 7):
            with pytest.raises(FileError, match="copy it again"):
                sheet.from_bytes(0, wrong)
    sheet, columns = Sheet.of(FRAMES["strings"])
    other, numbers = Sheet.of(FRAMES["booleans"])
    with pytest.raises(FileError, match="column of another type"):
        sheet.from_bytes(0, other.as_bytes(numbers[0]))
