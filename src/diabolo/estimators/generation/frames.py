"""Columns as a frame of pandas or polars, each of the type that it had in the user's own."""

from __future__ import annotations

import ast
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.data.objects import as_objects, object_type
from diabolo.data.package import package
from diabolo.data.zones import pandas_local, polars_local

Array = NDArray[Any]
Scale = tuple[tuple[Any, ...], bool]
"""The categories of a categorical type, and whether they are ordered."""


def plainly(level: Any) -> bool:
    """Tell whether a category is text, a number or a truth value, of which JSON has all."""
    return isinstance(level, str | int | float | bool)


def scale_of(dtype: Any) -> Scale | None:
    """Return the categories of a categorical type, and whether they are ordered; None of those that no file can keep.

    Examples
    --------
    >>> import pandas
    >>> scale_of(pandas.CategoricalDtype(["low", "high"], ordered=True))
    (('low', 'high'), True)
    """
    levels = getattr(dtype, "categories", None)
    if levels is None or any(_kept(level) is None for level in levels.tolist()):
        return None
    return tuple(levels.tolist()), bool(dtype.ordered)


def kept_scale(scale: Scale | None) -> Any:
    """Return categories as plain JSON values."""
    return scale and [[_kept(level) for level in scale[0]], scale[1]]


def read_scale(plain: Any) -> Scale | None:
    """Return what `kept_scale` gave.

    Examples
    --------
    >>> import pandas
    >>> scale = scale_of(pandas.cut([1, 2, 3], [0, 2, 4]).dtype)
    >>> read_scale(kept_scale(scale)) == scale
    True
    """
    return plain and (tuple(map(_read, plain[0])), bool(plain[1]))


def _kept(level: Any) -> Any:
    """Return a category as a plain JSON value, such as an interval of `pandas.cut`, or None."""
    if isinstance(level, np.generic):
        level = level.item()
    if plainly(level):
        return level if not isinstance(level, float) or math.isfinite(level) else {"number": repr(level)}
    if hasattr(level, "closed"):
        ends = _kept(level.left), _kept(level.right)
        return None if None in ends else {"interval": [*ends, level.closed]}
    return {"date": level.isoformat()} if getattr(level, "tzinfo", level) is None else None


def _read(plain: Any) -> Any:
    if not isinstance(plain, dict):
        return plain
    pandas = package("pandas")
    if "number" in plain:
        return float(plain["number"])
    if "date" in plain:
        return pandas.Timestamp(plain["date"])
    left, right, closed = plain["interval"]
    return pandas.Interval(_read(left), _read(right), closed)


def pandas_types(frame: Any) -> tuple[str, ...]:
    """Return the type of each column of a frame of pandas; of dates and decimals that are objects, also that.

    Examples
    --------
    >>> import datetime, pandas
    >>> pandas_types(pandas.DataFrame({"a": [1], "b": [datetime.date(2020, 2, 1)]}))
    ('int64', 'object of date')
    """
    each = ((str(frame.dtypes.iloc[i]), frame.iloc[:, i]) for i in range(frame.shape[1]))
    return tuple((object_type(cells) or name) if name == "object" else name for name, cells in each)


def pandas_frame(
    labels: tuple[Any, ...], columns: list[Array], dtypes: tuple[str, ...], scales: tuple[Scale | None, ...]
) -> Any:
    """Return columns (N,) as a frame of pandas, given what they are called, their types and those of categories."""
    pandas = package("pandas")
    series = [_series(pandas, *each) for each in zip(columns, dtypes, scales, strict=True)]
    frame = pandas.concat(series, axis=1) if series else pandas.DataFrame()
    return frame.set_axis(list(labels), axis=1)


def _series(pandas: Any, column: Array, dtype: str, scale: Scale | None) -> Any:
    """Return a column (N,) as a series of this type, or of these categories."""
    if dtype.startswith("object of "):
        return pandas.Series(as_objects(column, dtype), dtype=object)
    values = pandas.Series(column)
    if scale and not all(map(plainly, scale[0])):
        values = values.map({str(level): level for level in scale[0]})
    if "," in dtype and dtype.startswith("datetime64"):  # with a time zone, in which they are
        values = pandas_local(values, dtype.partition(",")[2].strip(" ]"))
    return values.astype(pandas.CategoricalDtype(*scale) if scale else dtype)


def polars_frame(labels: tuple[Any, ...], columns: list[Array], dtypes: tuple[str, ...]) -> Any:
    """Return columns (N,) as a frame of polars, given what they are called and their types."""
    polars = package("polars")
    series = []
    for label, column, dtype in zip(labels, columns, dtypes, strict=True):
        values = polars.Series(str(label), column.tolist() if column.dtype.kind == "O" else column, nan_to_null=True)
        series.append(_as(values, _type(polars, dtype)))
    return polars.DataFrame(series)


def _type(polars: Any, text: str) -> Any:
    """Return the type of polars that a text names, such as "Decimal(precision=38, scale=1)", or None."""
    try:
        said = ast.parse(text, mode="eval").body
    except SyntaxError:
        return None
    name = said.func if isinstance(said, ast.Call) else said
    dtype = getattr(polars, name.id, None) if isinstance(name, ast.Name) else None
    if not isinstance(dtype, type) or not issubclass(dtype, polars.DataType) or not isinstance(said, ast.Call):
        return dtype if isinstance(dtype, type) else None
    try:
        return dtype(**{str(each.arg): ast.literal_eval(each.value) for each in said.keywords})
    except (TypeError, ValueError):
        return dtype


def _as(values: Any, dtype: Any) -> Any:
    """Return a series of polars as one of this type, if there is any; dates are local to their time zone."""
    zone = getattr(dtype, "time_zone", None)
    if dtype is None or zone is None:
        return values if dtype is None else values.cast(dtype)
    return polars_local(values.cast(type(dtype)(dtype.time_unit)), zone)
