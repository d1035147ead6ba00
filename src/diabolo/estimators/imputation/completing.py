"""Filled cells put into the user's own table: what was there stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, as_tensor, cat

from diabolo.data.cells import present, table_of
from diabolo.data.form import Form, PandasForm, PolarsForm, TorchForm
from diabolo.data.package import package

Array = NDArray[Any]


def completed(X: Any, gaps: Sequence[Array], values: Sequence[Array]) -> Any:
    """Return a copy of a table X in which the gaps of each column, row numbers (G,), hold values (G,).

    Types stay, so that numbers are rounded where only whole ones fit.

    Examples
    --------
    >>> completed(np.array([[1.0, np.nan]]), [np.array([], int), np.array([0])], [np.array([]), np.array([5.0])])
    array([[1., 5.]])
    """
    form = Form.of(X)
    if isinstance(form, PandasForm):
        return _pandas(X, gaps, values)
    if isinstance(form, PolarsForm):
        return _polars(X, gaps, values)
    if isinstance(form, TorchForm):
        return _tensor(X, gaps, values)
    plain = isinstance(X, np.ma.MaskedArray) and X.dtype.kind in "iuf"
    table = np.array(np.ma.filled(X.astype(np.float64), np.nan) if plain else table_of(X))
    for i, (rows, own) in enumerate(zip(gaps, values, strict=True)):
        table[rows, i] = own
    return table


def flagged(found: Any, cells: Sequence[Array], columns: Sequence[int]) -> Any:
    """Return a filled table with a column more for each of some columns: where their cells were missing."""
    gone = np.stack([~present(cells[i]) for i in columns], 1)
    form = Form.of(found)
    if isinstance(form, PandasForm | PolarsForm):
        names = [f"missingindicator_{found.columns[i]}" for i in columns]
        flags = dict(zip(names, gone.T, strict=True))
        return found.assign(**flags) if isinstance(form, PandasForm) else found.with_columns(**flags)
    if isinstance(form, TorchForm):
        return cat([found, as_tensor(gone, dtype=found.dtype, device=found.device)], 1)
    return np.concatenate([found, gone.astype(found.dtype)], 1)


def _tensor(X: Tensor, gaps: Sequence[Array], values: Sequence[Array]) -> Tensor:
    found = X.detach().clone()
    for i, (rows, own) in enumerate(zip(gaps, values, strict=True)):
        found[as_tensor(rows, device=found.device), i] = as_tensor(own, dtype=found.dtype, device=found.device)
    return found


def _pandas(X: Any, gaps: Sequence[Array], values: Sequence[Array]) -> Any:
    pandas = package("pandas")
    found = X.copy()
    for i, (rows, own) in enumerate(zip(gaps, values, strict=True)):
        dtype = X.dtypes.iloc[i]
        if not len(rows):
            continue
        if isinstance(dtype, pandas.DatetimeTZDtype):  # in whose time zone they are
            own = pandas.Series(own).dt.tz_localize(dtype.tz, ambiguous=np.zeros(len(own), bool), nonexistent="NaT")
            own = own.astype(dtype).array
        elif isinstance(dtype, np.dtype) and dtype.kind in "fM":
            own = own.astype(dtype)
        elif pandas.api.types.is_integer_dtype(dtype):
            own = pandas.array(np.round(own.astype(np.float64)).astype(np.int64), dtype=dtype)
        elif pandas.api.types.is_float_dtype(dtype):
            own = pandas.array(own.astype(np.float64), dtype=dtype)
        column = X.iloc[:, i].copy()
        column.iloc[rows] = own
        found.isetitem(i, column)
    return found


def _polars(X: Any, gaps: Sequence[Array], values: Sequence[Array]) -> Any:
    polars = package("polars")
    columns = []
    for i, (rows, own) in enumerate(zip(gaps, values, strict=True)):
        series = X.to_series(i)
        if len(rows):
            whole = series.dtype.is_integer()
            cells = np.full(len(series), None, dtype=object)
            cells[rows] = np.round(own.astype(np.float64)).astype(np.int64) if whole else own.tolist()
            new = polars.Series(series.name, cells.tolist(), strict=False)
            zone = getattr(series.dtype, "time_zone", None)
            new = new.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null") if zone else new
            gone = np.zeros(len(series), bool)
            gone[rows] = True
            series = new.cast(series.dtype).zip_with(polars.Series(gone), series)
        columns.append(series)
    return polars.DataFrame(columns)
