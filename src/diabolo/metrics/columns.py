"""Columns: tables of the same mixed columns, column by column, as numbers that can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from diabolo.check import listed
from diabolo.data.cells import WORDS, Content, blank, column_of, endless, names_of, present, read_column, table_of
from diabolo.errors import DataError, DataTypeError
from diabolo.metrics.arrays import Array


@dataclass(frozen=True, eq=False)
class Column:
    """A column of several tables.

    Parameters
    ----------
    name : str
        Its name, as text.
    sides : tuple of ndarray (N,)
        For each table, numbers, with NaN where a value is missing; dates as microseconds; or classes: whole numbers
        from 0 on in the order of the alphabet, of which a missing value is the last.
    classes : tuple of (str or None), optional
        What the classes are called; None if the column holds numbers.
    """

    name: str
    sides: tuple[Array, ...]
    classes: tuple[str | None, ...] | None

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers or dates."""
        return self.classes is None


def columns(tables: Mapping[str, Any]) -> list[Column]:
    """Return the columns of tables (N, F), in the order of the first one.

    Text, booleans and categorical types are classes; numbers are numbers, also where they stand for classes: convert
    such columns to text. Columns of frames go by name, of arrays by place.

    Parameters
    ----------
    tables : mapping
        From what a table is called in errors to the table.

    Raises
    ------
    DataError
        If there are no rows, the columns are not the same, or a number is infinite.
    DataTypeError
        If a column mixes kinds, or holds another kind in one table than in another.

    Examples
    --------
    >>> for column in columns({"real": [[1.5, "a"], [None, "b"]], "other": [[2.5, "c"]]}):
    ...     print(column.name, *column.sides, column.classes)
    0 [1.5 nan] [2.5] None
    1 [0. 1.] [2.] ('a', 'b', 'c')
    """
    every = {called: table_of(X) for called, X in tables.items()}
    for called, table in every.items():
        if 0 in table.shape:
            raise DataError(f"{called} must hold at least one row of at least one column; got shape {table.shape}.")
    (first, table), *_ = every.items()
    places = [_places(first, table, called, other) for called, other in every.items()]
    return [
        _column(name, [column_of(table, place[i]) for place, table in zip(places, every.values(), strict=True)])
        for i, name in enumerate(names_of(table))
    ]


def _places(first: str, one: Any, second: str, two: Any) -> list[int]:
    """Return where in the second table each column of the first one is."""
    names, others = names_of(one), names_of(two)
    if isinstance(one, np.ndarray) or isinstance(two, np.ndarray):
        if len(names) != len(others):
            raise DataError(
                f"{first} and {second} must have the same columns; got {len(names)} and {len(others)}. "
                "Give as many, in the same order."
            )
        return list(range(len(names)))
    if set(names) != set(others):
        lost, extra = sorted(set(names) - set(others)), sorted(set(others) - set(names))
        raise DataError(
            f"{first} and {second} must have the same columns; only in {first}: {listed(lost)}, only in {second}: "
            f"{listed(extra)}. Rename, add or drop columns."
        )
    return [others.index(name) for name in names]


def _column(name: str, parts: list[np.ndarray]) -> Column:
    each = [read_column(name, part) for part in parts]
    kinds: set[Content] = {kind for kind, cells in each if present(cells).any()} or {"number"}
    if len(kinds) > 1:
        raise DataTypeError(
            f"Column {name!r} must hold values of one kind in all tables; got "
            f"{' and '.join(WORDS[kind] for kind in sorted(kinds))}. Convert it to one of them."
        )
    kind = next(iter(kinds))
    # nothing but missing values is of any kind
    sides = [cells if kind == own else blank(kind, len(cells)) for own, cells in each]
    if kind == "category":
        return _classes(name, sides)
    return Column(name, tuple(_numbers(name, cells) for cells in sides), None)


def _numbers(name: str, cells: np.ndarray) -> Array:
    here = present(cells)
    numbers = np.full(len(cells), np.nan)
    numbers[here] = cells[here].astype(np.int64) if cells.dtype.kind == "M" else cells[here]
    if np.isinf(numbers).any():
        raise endless(name)
    return numbers


def _classes(name: str, sides: list[np.ndarray]) -> Column:
    known: list[str | None] = sorted({cell for cells in sides for cell in cells if cell is not None})
    if not all(present(cells).all() for cells in sides):
        known.append(None)
    code = {cell: float(i) for i, cell in enumerate(known)}
    return Column(name, tuple(np.array([code[cell] for cell in cells]) for cells in sides), tuple(known))
