"""A table as the user has it: filled cells are put into it, and what was there stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, as_tensor, cat

from diabolo.data.cells import present, table_of
from diabolo.data.form import Form, PandasForm, PolarsForm, TorchForm
from diabolo.data.objects import as_objects, object_type
from diabolo.data.package import package
from diabolo.data.zones import pandas_local, polars_local
from diabolo.errors import DataError, DataTypeError

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class UserTable:
    """A table with gaps, in the form of the user, and its cells.

    Parameters
    ----------
    table : array, data frame, tensor or list
        The table (N, F); of a frame the columns in the order of training.
    cells : list of ndarray (N,)
        The cells of each column as numbers, texts, or dates as days.

    Examples
    --------
    >>> table = UserTable(np.array([[1.0, np.nan]]), [np.array([1.0]), np.array([np.nan])])
    >>> table.completed([np.array([], int), np.array([0])], [np.array([]), np.array([5.0])])
    array([[1., 5.]])
    """

    table: Any
    cells: list[Array]

    @property
    def missing(self) -> Array:
        """Which cells are missing, (N, F)."""
        return np.stack([~present(own) for own in self.cells], 1)

    def completed(self, gaps: Sequence[Array], values: Sequence[Array]) -> Any:
        """Return a copy of the table in which the gaps of each column, row numbers (G,), hold values (G,).

        Types stay, so that numbers are rounded where only whole ones fit.
        """
        X, form = self.table, Form.of(self.table)
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

    def flagged(self, filled: Any, columns: Sequence[int]) -> Any:
        """Return the filled table with a column more for each of some columns: where their cells were missing."""
        gone, form = self.missing[:, list(columns)], Form.of(filled)
        if isinstance(form, PandasForm | PolarsForm):
            flags = {flag_of(filled.columns[i]): own for i, own in zip(columns, gone.T, strict=True)}
            twice = [name for name in flags if name in list(filled.columns)]
            if twice:
                raise DataError(
                    f"X must leave the names of indicators free; it has a column {twice[0]!r}. Rename it, or choose "
                    "add_indicator=False."
                )
            if isinstance(form, PolarsForm):
                return filled.with_columns(**flags)
            whole = filled.copy()
            for name, own in flags.items():
                whole[name] = own
            return whole
        if isinstance(form, TorchForm):
            return cat([filled, as_tensor(gone, dtype=filled.dtype, device=filled.device)], 1)
        if filled.dtype.kind == "M":
            raise DataTypeError(
                "An array of dates has no place for indicators; pass a data frame, or choose add_indicator=False."
            )
        return np.concatenate([filled, gone.astype(np.float64).astype(filled.dtype)], 1)


def flag_of(name: Any) -> Any:
    """Return what the column is called that says where cells of another one were missing.

    Examples
    --------
    >>> flag_of("age"), flag_of(("body", "age"))
    ('missingindicator_age', ('missingindicator_body', 'age'))
    """
    return (f"missingindicator_{name[0]}", *name[1:]) if isinstance(name, tuple) else f"missingindicator_{name}"


def _tensor(X: Tensor, gaps: Sequence[Array], values: Sequence[Array]) -> Tensor:
    filled = X.detach().clone()
    for i, (rows, own) in enumerate(zip(gaps, values, strict=True)):
        filled[as_tensor(rows, device=filled.device), i] = as_tensor(own, dtype=filled.dtype, device=filled.device)
    return filled


def _pandas(X: Any, gaps: Sequence[Array], values: Sequence[Array]) -> Any:
    pandas = package("pandas")
    filled = X.copy()
    for i, (rows, own) in enumerate(zip(gaps, values, strict=True)):
        if len(rows):
            column = X.iloc[:, i].copy()
            if isinstance(column.dtype, pandas.SparseDtype):  # which takes no single cells
                column = column.sparse.to_dense()
            column.iloc[rows] = _of_type(pandas, own, column)
            filled.isetitem(i, column)
    return filled


def _of_type(pandas: Any, own: Array, column: Any) -> Any:
    """Return values (G,) as ones of the type of a column."""
    dtype: Any = column.dtype
    if isinstance(dtype, pandas.DatetimeTZDtype):  # in whose time zone they are
        return pandas_local(pandas.Series(own), dtype.tz).astype(dtype).array
    if isinstance(dtype, np.dtype) and dtype.kind in "fM":
        return own.astype(dtype)
    if pandas.api.types.is_integer_dtype(dtype):
        return pandas.array(np.round(own.astype(np.float64)).astype(np.int64), dtype=dtype)
    if pandas.api.types.is_float_dtype(dtype):
        return pandas.array(own.astype(np.float64), dtype=dtype)
    if isinstance(dtype, pandas.CategoricalDtype):
        known = list(column.cat.categories)
        of_text = {str(level): level for level in known}  # such as the intervals of `pandas.cut`
        found = [value if value in known else of_text.get(str(value), value) for value in own]
        return pandas.Categorical(found, dtype=dtype)
    objects = object_type(column) if str(dtype) == "object" else None
    return as_objects(own, objects) if objects else own


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
            new = polars_local(new, zone) if zone else new
            gone = np.zeros(len(series), bool)
            gone[rows] = True
            series = new.cast(series.dtype).zip_with(polars.Series(gone), series)
        columns.append(series)
    return polars.DataFrame(columns)
