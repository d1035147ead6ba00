"""What a detector found, as rows: energy, p-value, flag and reasons beside what was given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.data import Form, Schema
from diabolo.data.cells import is_missing, names_of
from diabolo.data.form import PandasForm, PolarsForm
from diabolo.data.images import Assorted
from diabolo.data.package import package
from diabolo.errors import DataError
from diabolo.estimators.detection.clock import without
from diabolo.estimators.detection.explaining import account
from diabolo.estimators.detection.intake import samples
from diabolo.estimators.tabular import holds_text
from diabolo.metrics import p_values

if TYPE_CHECKING:
    from diabolo.estimators.detection.detector import Detector

Array = NDArray[Any]

REASONS = 3
"""Columns named for each row."""


def findings(detector: Detector, X: Any) -> Any:
    """Return a data frame of a row for each sample, of polars if X is one, else of pandas.

    Raises
    ------
    DataError
        If X is not what was learned.
    CapabilityError
        If pandas is not installed.
    """
    if not detector._reading.by_rows:
        return _beside(X, _judged(detector, -detector.score_samples(X)))
    energies, (names, *told) = _reasons(detector, X, REASONS)
    return _beside(X, _judged(detector, energies) | _told(names if hasattr(X, "columns") else "x" + names, *told))


def reasons(detector: Detector, X: Any, most: int) -> tuple[Array, Array, Array, Array]:
    """Return the columns that add most to the energy of each row of a table, the most first: (N, R) each.

    They come as names, nats, values and expected values, of which the last two are texts.
    """
    return _reasons(detector, X, most)[1]


def _reasons(detector: Detector, X: Any, most: int) -> tuple[Array, tuple[Array, Array, Array, Array]]:
    """Return the energies of the rows of a table, and `reasons`."""
    reading = detector._reading
    if reading.schema is None:
        raise DataError("X must be a table, for its columns to be named.")
    pieces = samples(detector, reading, X)
    energies, shares, expected = account(reading.clock, reading.schema, detector._scorer, X, pieces)
    return energies, _first(reading.schema, without(X, reading.clock), shares, expected, most)


def _first(schema: Schema, X: Any, shares: Any, expected: Any, most: int) -> tuple[Array, Array, Array, Array]:
    parts = cells_of(shares).astype(np.float64)  # (N, F)
    first = np.argsort(-parts, axis=1, kind="stable")[:, :most]
    texts = [_texts(np.take_along_axis(cells_of(table), first, axis=1)) for table in (X, expected)]
    names = np.array(names_of(X) if hasattr(X, "columns") else schema.names, dtype=object)
    return names[first], np.take_along_axis(parts, first, axis=1), texts[0], texts[1]


def _judged(detector: Detector, energies: Array) -> dict[str, Array]:
    return {
        "energy": energies,
        "p_value": p_values(detector._usual.unseen, energies),
        "anomaly": energies > -detector.offset_,
    }


def _told(names: Array, nats: Array, _: Array, expected: Array) -> dict[str, Array]:
    columns: dict[str, Array] = {}
    for rank in range(names.shape[1]):
        columns[f"reason_{rank + 1}"] = names[:, rank]
        columns[f"nats_{rank + 1}"] = nats[:, rank]
        columns[f"expected_{rank + 1}"] = expected[:, rank]
    return columns


def _beside(X: Any, found: dict[str, Array]) -> Any:
    """Return what was found beside the columns of a table, under names that these do not have."""
    form = Form.of(X)
    if isinstance(form, PolarsForm):
        import polars as pl

        return X.with_columns(pl.Series(_free(name, X.columns), list(values)) for name, values in found.items())
    beside = X.copy() if isinstance(form, PandasForm) else _frame(X, len(found["energy"]))
    levels = beside.columns.nlevels
    for name, values in found.items():
        free = _free(name, beside.columns.get_level_values(0))
        beside[free if levels == 1 else (free, *[""] * (levels - 1))] = values
    return beside


def _frame(X: Any, count: int) -> Any:
    """Return an array as a data frame, its columns called as those of files are; without columns if it is no table."""
    pandas = package("pandas")
    if (isinstance(X, list | tuple) and all(np.ndim(each) > 1 for each in X)) or np.ndim(X) > 2:
        if isinstance(X, Assorted):
            return pandas.DataFrame(index=list(X.names)).rename_axis("file")
        return pandas.DataFrame(index=range(count))
    rows = cells_of(X)
    return pandas.DataFrame(rows, columns=[f"x{i}" for i in range(rows.shape[1])])


def cells_of(table: Any) -> Array:
    """Return the cells of a table (N, F), or of one series (T,), as an array."""
    if isinstance(table, np.ma.MaskedArray):
        kind, gone = (np.float64, np.nan) if table.dtype.kind in "iufb" else (object, None)
        table = np.ma.filled(table.astype(kind), gone)
    if isinstance(Form.of(table), PolarsForm):  # which would first look for a type that all columns have
        return np.stack([np.array([*column], dtype=object) for column in table.get_columns()], 1)
    cells = table.numpy(force=True) if isinstance(table, torch.Tensor) else np.asarray(table, dtype=_type(table))
    return cells[:, None] if cells.ndim == 1 else cells


def _type(table: Any) -> type | None:
    return object if hasattr(table, "columns") or holds_text(table) else None


def _free(name: str, taken: Iterable[object]) -> str:
    return name if name not in set(map(str, taken)) else _free(f"{name}_", taken)


def _texts(cells: Array) -> Array:
    return np.array([[short(value) for value in row] for row in cells], dtype=object).reshape(cells.shape)


def short(value: object) -> str:
    """Return a cell as a reader wants it.

    Examples
    --------
    >>> short(None), short(1234.5678), short("Rome")
    ('missing', '1235', 'Rome')
    """
    if is_missing(value):
        return "missing"
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
