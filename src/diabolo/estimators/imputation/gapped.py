"""Tables with gaps: mixed columns as numbers, and which cells are there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.data.cells import column_of, endless, names_of, present, table_of
from diabolo.data.counters import warn_of_counters
from diabolo.errors import FileError
from diabolo.estimators.bins import Bins
from diabolo.estimators.columns import Column

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Gapped:
    """What is remembered of the columns of a table with gaps.

    Numbers, and dates as days, are standardised; each category has an indicator, standardised too. What is missing
    is 0.

    Parameters
    ----------
    columns : tuple of Column
        One for each column.
    shift, scale : ndarray (P,)
        Of the encoded numbers.

    Examples
    --------
    >>> gapped, cells = Gapped.of([[3.0, "a"], [5.0, "b"], [None, "b"], [4.0, "b"]])
    >>> z, observed = gapped.encode(cells)
    >>> z.shape, observed[:, 0].tolist(), round(float(z[2, 0]), 3)
    ((4, 3), [True, True, False, True], 0.0)
    """

    columns: tuple[Column, ...]
    shift: Array
    scale: Array

    @staticmethod
    def of(X: Any) -> tuple[Gapped, list[Array]]:
        """Return what is to be remembered of training rows, and their cells, one array (N,) for each column.

        Raises
        ------
        DataError, DataTypeError
            If a column cannot be learned: see `Schema.of` of `diabolo.data`.

        Warns
        -----
        DiaboloWarning
            If a column has only missing values, numbers the rows, or holds texts that are hardly categories.
        """
        table = table_of(X)
        pairs = [_column(table, i, name) for i, name in enumerate(names_of(table))]
        warn_of_counters(table)
        columns, cells = tuple(column for column, _ in pairs), [own for _, own in pairs]
        raw = Gapped(columns, np.zeros(sum(map(width, columns))), np.ones(sum(map(width, columns))))
        found, observed = raw.encode(cells)
        there = raw.spread(observed)
        count = np.maximum(there.sum(0), 1)
        shift = found.sum(0) / count
        scale = np.sqrt((np.square(found - shift) * there).sum(0) / count)
        flat = scale <= 1e-12 * np.abs(found).max(0, initial=0)
        return Gapped(columns, shift, np.where(flat, 1.0, scale)), cells

    def cells(self, X: Any) -> list[Array]:
        """Return the cells of rows, one array (N,) for each column: numbers, texts, or dates as days.

        Raises
        ------
        DataTypeError
            If a column holds something else than in training.
        """
        table = table_of(X)
        return [column.cells(column_of(table, i)) for i, column in enumerate(self.columns)]

    def encode(self, cells: list[Array]) -> tuple[Array, Array]:
        """Return rows as numbers (N, P), float64, and which cells are there (N, F).

        Raises
        ------
        DataError
            If numbers are infinite.
        """
        z = np.zeros((len(cells[0]), len(self.shift)))
        observed = np.empty((len(z), len(cells)), bool)
        for i, (column, own, place) in enumerate(zip(self.columns, cells, self.slices, strict=True)):
            observed[:, i] = here = present(own)
            if column.field is None:
                if np.isinf(own).any():
                    raise endless(column.name)
                z[here, place.start] = own[here]
            else:
                for k, category in enumerate(column.field.categories):
                    z[own == category, place.start + k] = 1
        return np.where(self.spread(observed), (z - self.shift) / self.scale, 0.0), observed

    def spread(self, flags: Array) -> Array:
        """Return what is said of each cell (N, F) for each of its encoded numbers (N, P)."""
        return np.repeat(flags, [width(column) for column in self.columns], axis=1)

    @property
    def slices(self) -> tuple[slice, ...]:
        """Where the encoded numbers of each column lie."""
        ends = list(accumulate(map(width, self.columns), initial=0))
        return tuple(slice(*ends[i : i + 2]) for i in range(len(self.columns)))

    def line(self, i: int, fill: Array, spread: Array) -> tuple[Array, Array]:
        """Return standardised numbers (G,) of a column, and deviations of them, in units of the user."""
        at = self.slices[i].start
        return fill * self.scale[at] + self.shift[at], spread * self.scale[at]

    def numbers(self) -> Iterator[tuple[int, Column, int]]:
        """Yield which columns hold numbers or dates that were seen, and where these are encoded."""
        for i, (column, place) in enumerate(zip(self.columns, self.slices, strict=True)):
            if column.field is None and not column.empty:
                yield i, column, place.start

    def to_json(self) -> list[dict[str, Any]]:
        """Return the columns as plain JSON values."""
        return [column.to_json() for column in self.columns]

    @staticmethod
    def from_json(plain: Any, shift: Array, scale: Array) -> Gapped:
        """Return what `to_json` described.

        Raises
        ------
        FileError
            If it is no such description.
        """
        columns = tuple(Column.from_json(each) for each in plain)
        wanted = (sum(map(width, columns)),)
        sound = shift.shape == scale.shape == wanted and np.isfinite(shift).all() and np.isfinite(scale).all()
        if not sound or not columns or (scale <= 0).any():
            raise FileError("it does not describe the columns of a table")
        return Gapped(columns, shift, scale)


def width(column: Column) -> int:
    """Return how many numbers tell of a column.

    Examples
    --------
    >>> width(Column.of("a", np.array([1.0, 2.0]))[0])
    1
    """
    return 1 if column.field is None else len(column.field.categories)


def _column(table: Any, i: int, name: str) -> tuple[Column, Array]:
    """Return a column and its cells; numbers of few values are numbers here, for their mean is wanted."""
    dtype = table.dtypes.iloc[i] if hasattr(table, "iloc") else None
    levels = {str(level): level for level in getattr(dtype, "categories", ()) if isinstance(level, str | int | float)}
    given = column_of(table, i)
    column, cells = Column.of(name, given, levels)
    if column.field is None or column.content == "category":
        return replace(column, bins=Bins((), ())), cells
    values = np.array(column.values)
    parts = next((parts for parts in (1, 10, 100) if np.array_equal(np.round(values * parts) / parts, values)), None)
    plain = replace(column, texts=(), values=(), counts=(), field=None)
    plain = replace(plain, low=float(values.min()), high=float(values.max()), parts=parts)
    return plain, plain.cells(given)
