"""The column of a data frame that tells the time of each row: it orders a series, and is no part of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.data import Form
from diabolo.data.cells import column_of, names_of, read_column
from diabolo.data.form import PandasForm, PolarsForm
from diabolo.errors import warn

Times = NDArray[np.datetime64]

_REGULAR, _HOLE = 0.9, 10
"""Share of equal steps from which on a series is regular, and how many of them at once are a hole in it."""


def clock_of(X: Any) -> str | None:
    """Return the name of the first column of a data frame that holds dates which never fall; None if there is none.

    Examples
    --------
    >>> import pandas as pd
    >>> clock_of(pd.DataFrame({"load": [1.0, 2.0], "time": pd.to_datetime(["2026-01-01", "2026-01-02"])}))
    'time'
    """
    if not isinstance(Form.of(X), PandasForm | PolarsForm):
        return None
    for i, name in enumerate(names_of(X)):
        column = X.iloc[:, i] if isinstance(Form.of(X), PandasForm) else X[X.columns[i]]
        if _may_be_dates(column) and _rises(*read_column(name, column_of(_universal(X), i))):
            return name
    return None


def without(X: Any, clock: str | None) -> Any:
    """Return a data frame without the column that tells the time; anything else unchanged.

    Examples
    --------
    >>> import pandas as pd
    >>> without(pd.DataFrame({"load": [1.0], "time": [0]}), "time").columns.tolist()
    ['load']
    """
    form = Form.of(X)
    if clock is None or not isinstance(form, PandasForm | PolarsForm) or clock not in names_of(X):
        return X
    kept = [i for i, name in enumerate(names_of(X)) if name != clock]
    return X.iloc[:, kept] if isinstance(form, PandasForm) else X.select([X.columns[i] for i in kept])


def warn_of_disorder(series: Sequence[Any], clock: str | None) -> None:
    """Warn if rows of a series, one of those given, are not in the order of time, or if much time is missing.

    The time is that of the column `clock`, or of the index of a frame of pandas; if neither tells it, any column of
    dates is taken to be meant as such.
    """
    for X in series:
        for name, times in _times(X, clock):
            if trouble := _disorder(times):
                warn(_words(name, trouble))
                return


def _times(X: Any, clock: str | None) -> Iterator[tuple[str, Times]]:
    """Yield what tells the time, or might be meant to, by what it is called."""
    form = Form.of(X)
    if not isinstance(form, PandasForm | PolarsForm):
        return
    index = form.index if isinstance(form, PandasForm) else None
    if index is not None and str(index.dtype).startswith("datetime64"):
        yield "the index", np.asarray(index.tz_convert("UTC").tz_localize(None) if index.tz else index, dtype="M8[us]")
        if clock is None:
            return
    for i, name in enumerate(names_of(X)):
        column = X.iloc[:, i] if isinstance(form, PandasForm) else X[X.columns[i]]
        if clock in (None, name) and _may_be_dates(column):
            content, times = read_column(name, column_of(_universal(X), i))
            if content == "date":
                yield f"column {name!r}", times


def _disorder(times: Times) -> str:
    """Return what is wrong with times (T,), if anything is."""
    if np.isnat(times).any():
        return f"is missing in row {int(np.isnat(times).argmax())}"
    steps = np.diff(times).astype(np.int64)
    if (steps < 0).any():
        return f"goes back at row {int((steps < 0).argmax()) + 1}"
    usual = np.median(steps) if len(steps) else 0
    if usual and (steps == usual).mean() > _REGULAR and steps.max() > _HOLE * usual:
        at = int(steps.argmax())
        return f"jumps by {steps.max() / usual:.0f} steps at row {at + 1}"
    return ""


def _words(name: str, trouble: str) -> str:
    """Return the warning."""
    if "jumps" in trouble:
        return (
            f"The time in {name} {trouble}, and windows lie across the hole as if there were none: split X there into "
            "several series, a list of data frames, or fill the hole with rows of missing values."
        )
    return (
        f"The time in {name} {trouble}, but a Detector with a window takes rows in the order in which they come: sort "
        "X by it first, or drop it if it does not tell the time of rows."
    )


def _may_be_dates(column: Any) -> bool:
    """Tell by the type of a column, or by its first value if it holds objects."""
    name = str(column.dtype).lower()
    return "date" in name or "timestamp" in name or (name == "object" and isinstance(next(iter(column), None), date))


def _universal(X: Any) -> Any:
    """Return a data frame with times of a zone in universal time, which never goes back."""
    if isinstance(Form.of(X), PandasForm):
        universal = X.copy(deep=False)
        for i in range(X.shape[1]):
            if _zoned(X.dtypes.iloc[i]):
                universal.isetitem(i, X.iloc[:, i].dt.tz_convert("UTC"))
        return universal
    import polars as pl

    return X.with_columns(
        pl.col(pl.Datetime("us", "*"), pl.Datetime("ns", "*"), pl.Datetime("ms", "*")).dt.convert_time_zone("UTC")
    )


def _zoned(dtype: Any) -> bool:
    """Tell whether a type of pandas is one of times with a zone, its own or that of Arrow."""
    name = str(dtype)
    return "tz=" in name or (name.startswith("datetime64") and "," in name)


def _rises(content: str, dates: np.ndarray) -> bool:
    return content == "date" and not np.isnat(dates).any() and bool((dates[1:] >= dates[:-1]).all())
