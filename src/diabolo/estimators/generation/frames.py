"""Columns as a frame of pandas or polars, each of the type that it had in the user's own."""

from __future__ import annotations

import ast
from typing import Any

from numpy.typing import NDArray

from diabolo.data.objects import as_objects, object_type
from diabolo.data.package import package
from diabolo.data.zones import pandas_local, polars_local

Array = NDArray[Any]
Scale = tuple[tuple[Any, ...], bool]
"""The categories of a categorical type, and whether they are ordered."""


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
