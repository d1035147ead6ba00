"""Counters: columns of a table that number its rows, of which a model learns nothing that holds for new ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.check import listed
from diabolo.data.cells import column_of, names_of, read_column, table_of
from diabolo.errors import warn

_ROWS = 50
"""Rows from which equal steps are no accident."""


_GAPS = 2
"""Steps between two rows, on average, up to which they are numbered."""


def warn_of_counters(X: Any) -> None:
    """Warn of columns that number the rows of a table X, such as the index that was written with it.

    Warns
    -----
    DiaboloWarning
        If a column of whole numbers rises or falls by equal steps, and another does not. Up to half of the rows of a
        longer table may be left out: those held out are.

    Examples
    --------
    >>> warn_of_counters(np.eye(60))
    """
    table = table_of(X)
    names = names_of(table)
    found = _counters(table, len(names)) if len(table) >= _ROWS else []
    if found and len(found) < len(names):
        which = [names[i] for i in found]
        warn(
            f"Column {listed(which)} numbers the rows: it rises or falls throughout by equal steps, but for gaps, so "
            f"that new rows will lie outside of what is learned. Leave it out, with {_without(table, which, found)}.",
        )


def _counters(table: Any, count: int) -> list[int]:
    """Return which columns of a table (N, F) number its rows; the first rows tell of most that they do not."""
    if isinstance(table, np.ndarray) and table.dtype.kind in "iuf":
        few = np.flatnonzero(_steady(table[:_ROWS]))
        return few[_steady(table[:, few])].tolist()
    return [i for i in range(count) if _steady_column(table, i, slice(_ROWS)) and _steady_column(table, i, slice(None))]


def _steady_column(table: Any, i: int, rows: slice) -> bool:
    kind, cells = read_column("", column_of(table, i, rows))
    return kind == "number" and bool(_steady(cells[:, None])[0])


def _steady(numbers: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which columns of numbers (N, F) rise or fall throughout, by a whole step or, in places, several of it."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        steps = np.diff(numbers.astype(np.float64), axis=0)
        least = np.abs(steps).min(0)
        each = steps / least
        equal = (least == np.round(least)) & (each == np.round(each)).all(0)
        return equal & (np.abs(each.sum(0)) == np.abs(each).sum(0)) & (np.abs(each).mean(0) <= _GAPS)


def _without(table: Any, names: list[str], places: list[int]) -> str:
    """Return how the user takes such columns out of the table."""
    if isinstance(table, np.ndarray):
        return f"np.delete(X, {places}, axis=1)"
    return f"X.drop(columns={names})" if hasattr(table, "iloc") else f"X.drop({names})"
