"""Cells: each column of the user's table as one numpy array of numbers, texts or dates.

pandas and polars are imported only where the table is theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from numbers import Real
from types import NoneType
from typing import Any, Literal

import numpy as np

from diabolo.check import listed, shorten
from diabolo.data.form import Form, NumpyForm, PandasForm, PolarsForm, TorchForm, as_given
from diabolo.errors import DataError, DataTypeError

Content = Literal["number", "category", "date"]
"""What a column holds: its cells are numbers or NaN, str or None (as objects), datetime64[us] or NaT."""

WORDS: dict[Content, str] = {"number": "numbers", "category": "text or booleans", "date": "dates"}
"""What each content is called to a user."""

_BOOLEANS = np.array(["False", "True"], dtype=object)
_NAN = (float, np.floating, Decimal, np.datetime64)  # types with a value for "missing", which is unequal to itself


def table_of(X: Any) -> Any:
    """Return a data frame as it is, and anything else as an array (N, F).

    Raises
    ------
    DataError
        If it is ragged, or has more or less than two axes.
    DataTypeError
        If it is no table, sparse, lazy or complex.

    Examples
    --------
    >>> table_of([[3.5, "a"], [None, "b"]]).tolist()
    [[3.5, 'a'], [None, 'b']]
    """
    form = Form.of(X)
    if isinstance(form, PandasForm | PolarsForm):
        return X
    array = form.array(X) if isinstance(form, TorchForm) else _array(X)
    if array.ndim != 2:
        raise DataError(
            f"X must be a table (N, F); got shape {array.shape}. Reshape your data, with X.reshape(-1, 1) if it is a "
            "single column."
        )
    return array


def names_of(table: Any) -> list[str]:
    """Return the names of the columns, as text: "0", "1", ... for an array.

    Raises
    ------
    DataError
        If two are the same.

    Examples
    --------
    >>> names_of(np.ones((3, 2)))
    ['0', '1']
    """
    if isinstance(table, np.ndarray):
        return [str(i) for i in range(table.shape[1])]
    names = [str(name) for name in table.columns]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"X must have columns of distinct names; got {listed(twice)} more than once: rename them.")
    return names


def column_of(table: Any, i: int, rows: slice = slice(None)) -> np.ndarray:
    """Return some rows of a column (N,) as numpy has them, missing values whatever the user has for them.

    Examples
    --------
    >>> column_of(np.eye(2), 1).tolist()
    [0.0, 1.0]
    """
    if isinstance(table, np.ndarray):
        return table[rows, i]
    return _pandas(table.iloc[rows, i]) if hasattr(table, "iloc") else _polars(table.to_series(i)[rows])


def read_column(name: str, column: np.ndarray) -> tuple[Content, np.ndarray]:
    """Return what a column (N,) holds, and its cells: numbers where it holds nothing but missing values.

    Raises
    ------
    DataTypeError
        If it mixes kinds, or holds what is neither number, text, boolean nor date.
    DataError
        If a number is beyond float64.

    Examples
    --------
    >>> read_column("a", np.array([True, None], dtype=object))
    ('category', array(['True', None], dtype=object))
    """
    kind = column.dtype.kind if column.ndim == 1 else ""
    if kind and kind in "iuf":
        return "number", column
    if kind == "b":
        return "category", _BOOLEANS[column.astype(np.intp)]
    if kind == "M":
        return "date", column.astype("M8[us]")
    if kind and kind in "OUT":
        return _objects(name, column.astype(object))
    raise _unusable(name, str(column.dtype) if kind else "nested values")


def present(cells: np.ndarray) -> np.ndarray:
    """Tell which cells (N,) are not missing.

    Examples
    --------
    >>> present(np.array([1.0, np.nan])).tolist(), present(np.array(["a", None], dtype=object)).tolist()
    ([True, False], [True, False])
    """
    if cells.dtype.kind == "O":
        return np.not_equal(cells, np.array(None))
    return ~np.isnat(cells) if cells.dtype.kind == "M" else ~np.isnan(cells)


def is_missing(value: object) -> bool:
    """Tell whether a cell of any package is missing.

    Examples
    --------
    >>> is_missing(None), is_missing(float("nan")), is_missing(np.datetime64("NaT")), is_missing("")
    (True, True, True, False)
    """
    unequal = isinstance(value, float | np.floating | np.datetime64) and bool(value != value)
    return value is None or unequal or type(value).__name__ in ("NAType", "NaTType")


def blank(kind: Content, count: int) -> np.ndarray:
    """Return cells (count,) that are all missing.

    Examples
    --------
    >>> blank("category", 2)
    array([None, None], dtype=object)
    """
    if kind == "date":
        return np.full(count, "NaT", dtype="M8[us]")
    return np.full(count, np.nan) if kind == "number" else np.full(count, None, dtype=object)


def expected(name: str, content: Content, column: np.ndarray) -> np.ndarray:
    """Return the cells of a column (N,) that is to hold what it held in training, or nothing.

    Raises
    ------
    DataTypeError
        If it holds something else.

    Examples
    --------
    >>> expected("town", "category", np.array([np.nan, np.nan]))
    array([None, None], dtype=object)
    """
    kind, cells = read_column(name, column)
    if kind == content:
        return cells
    found = cells[present(cells)][:1].tolist()
    if found:
        raise DataTypeError(
            f"Column {name!r} must hold {WORDS[content]}, as in training; got {WORDS[kind]} such as "
            f"{shorten(str(found[0]))}: convert it, or train anew."
        )
    return blank(content, len(cells))


def endless(name: str) -> DataError:
    """Return the error for a column that holds infinity."""
    return DataError(
        f"Column {name!r} must hold finite numbers; got infinity, or numbers too far apart. "
        "Clip them, or write NaN where a value is missing."
    )


def _array(X: Any) -> np.ndarray:
    if isinstance(X, np.ma.MaskedArray):
        array = (X.data.astype("M8[us]") if X.dtype.kind == "M" else X.data).astype(object)
        array[np.ma.getmaskarray(X)] = None
        return array
    try:
        array = as_given(X)
    except TypeError:  # dates beside numbers
        return np.asarray(X, dtype=object)
    except ValueError:
        return NumpyForm().array(X)  # says that it is ragged
    if array.ndim == 0 or array.dtype.kind == "c":
        return NumpyForm().array(X)  # says what is wrong with it
    return array


def _pandas(series: Any) -> np.ndarray:
    import pandas as pd

    dtype, types = series.dtype, pd.api.types
    if isinstance(dtype, pd.CategoricalDtype):
        return np.array([*map(str, series.cat.categories), None], dtype=object)[series.cat.codes.to_numpy()]
    if isinstance(dtype, pd.DatetimeTZDtype):
        return series.dt.tz_localize(None).to_numpy()
    if isinstance(dtype, np.dtype):
        return series.to_numpy()
    if types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype):
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    return series.to_numpy(dtype=object)  # text, nullable booleans, Arrow's types: their values tell


def _polars(series: Any) -> np.ndarray:
    import polars as pl

    if isinstance(series.dtype, pl.Datetime):
        series = series.dt.replace_time_zone(None)
    if str(series.dtype) in ("Int128", "UInt128"):  # which numpy does not have
        series = series.cast(pl.Float64)
    return (series.cast(pl.String) if series.dtype in (pl.Categorical, pl.Enum) else series).to_numpy()


def _objects(name: str, values: np.ndarray) -> tuple[Content, np.ndarray]:
    here = _here(values)
    classes = set(map(type, values[here]))
    kinds: dict[Content, type] = {_content(name, cls): cls for cls in classes}
    if len(kinds) > 1:
        found = " and ".join(sorted(cls.__name__ for cls in kinds.values()))
        raise DataTypeError(f"Column {name!r} must hold values of one kind; got {found}: convert it to one of them.")
    kind: Content = next(iter(kinds)) if kinds else "number"
    cells = blank(kind, len(values))
    try:
        cells[here] = values[here] if classes == {str} else _CELLS[kind](values[here])
    except OverflowError as error:
        raise endless(name) from error
    return kind, cells


def _here(values: np.ndarray) -> np.ndarray:
    """Tell which objects are not missing; by their types, for comparing some of them has no truth value."""
    types = set(map(type, values))
    gone = {cls for cls in types if cls is NoneType or cls.__name__ in ("NAType", "NaTType")}  # None, pd.NA, pd.NaT
    nan = {cls for cls in types - gone if issubclass(cls, _NAN)}
    if not gone and not nan:
        return np.ones(len(values), dtype=bool)
    each = (type(v) not in gone and not (type(v) in nan and v != v) for v in values)
    return np.fromiter(each, bool, len(values))


def _content(name: str, cls: type) -> Content:
    if issubclass(cls, str | bool | np.bool_):
        return "category"
    if issubclass(cls, date | np.datetime64):
        return "date"
    if issubclass(cls, Real | Decimal) and not issubclass(cls, np.timedelta64):
        return "number"
    raise _unusable(name, cls.__name__)


def _texts(values: Iterable[Any]) -> np.ndarray:
    return np.array([str(value) for value in values], dtype=object)


def _dates(values: Iterable[Any]) -> np.ndarray:
    local = [value.replace(tzinfo=None) if isinstance(value, datetime) else value for value in values]
    return np.array(local, dtype="M8[us]")


def _floats(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float64)


_CELLS = {"number": _floats, "category": _texts, "date": _dates}


def _unusable(name: str, what: str) -> DataTypeError:
    return DataTypeError(
        f"Column {name!r} must hold numbers, text, booleans or dates; got {what}: convert it, or drop it."
    )
