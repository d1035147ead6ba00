"""The column of a data frame that tells the time of each row: it orders a series, and is no part of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from diabolo.data import Form
from diabolo.data.cells import column_of, names_of, told
from diabolo.data.form import PandasForm, PolarsForm


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
        if _may_be_dates(column) and _rises(*told(name, column_of(_universal(X), i))):
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


def _may_be_dates(column: Any) -> bool:
    """Tell by the type of a column, or by its first value if it holds objects."""
    name = str(column.dtype).lower()
    return "date" in name or "timestamp" in name or (name == "object" and isinstance(next(iter(column), None), date))


def _universal(X: Any) -> Any:
    """Return a data frame with times of a zone in universal time, which never goes back."""
    if isinstance(Form.of(X), PandasForm):
        zoned = [name for name in X.columns if getattr(X[name].dtype, "tz", None) is not None]
        return X.assign(**{name: X[name].dt.tz_convert("UTC") for name in zoned})
    import polars as pl

    return X.with_columns(
        pl.col(pl.Datetime("us", "*"), pl.Datetime("ns", "*"), pl.Datetime("ms", "*")).dt.convert_time_zone("UTC")
    )


def _rises(content: str, dates: np.ndarray) -> bool:
    return content == "date" and not np.isnat(dates).any() and bool((dates[1:] >= dates[:-1]).all())
