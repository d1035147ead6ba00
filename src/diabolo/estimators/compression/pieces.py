"""Tables that come piece by piece: what a generator yields, or Parquet files larger than memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.codec.sheet import Column, Sheet
from diabolo.data import Stored, read, reading
from diabolo.data.parquet import arrow_tables, decoded_bytes, parquet_files, rows_of
from diabolo.errors import DataError, DataTypeError

_RUNS = 64
"""Runs of rows that are learned from in place of a large table: what a row tells of the next is to be seen in them."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """Tables alike, one after the other, that count as one.

    Parameters
    ----------
    begin : callable
        Returns the tables from the first on.
    rows : int, optional
        How many rows they have. Not known of what can be gone through but once.

    Examples
    --------
    >>> pieces = Pieces(lambda: iter([np.zeros((3, 2)), np.ones((2, 2))]))
    >>> [len(columns[0]) for _, columns in pieces.blocks(4)]
    [4, 1]
    """

    begin: Callable[[], Iterator[Any]]
    rows: int | None = None

    def blocks(self, size: int) -> Iterator[tuple[Sheet, list[Column]]]:
        """Yield the columns of so many rows at a time, of fewer at the end, and how they are kept; once at least.

        Raises
        ------
        DataError
            If there is no table, or one has other columns than the first.
        """
        first, waiting, count = None, [], 0
        for number, piece in enumerate(self.begin()):
            sheet, kept = Sheet.of(piece)
            first = sheet if first is None else first
            _demand_alike(sheet, first, number)
            waiting, count = [*waiting, kept], count + len(kept[0])
            if count > size:  # and not just as many: what comes last is no empty block
                columns, whole = _joined(first, waiting), (count - 1) // size * size
                for at in range(0, whole, size):
                    yield first, [column[at : at + size] for column in columns]
                waiting, count = [[column[whole:] for column in columns]], count - whole
        if first is None:
            raise DataError("X must yield at least one table; it yields none, or was gone through already.")
        yield first, _joined(first, waiting)

    def some(self, cells: int) -> tuple[Sheet, list[Column]]:
        """Return the columns of as many rows as hold about so many cells: the first rows of every piece.

        Raises
        ------
        DataTypeError
            If nothing would be left to compress afterwards.
        """
        if self.rows is None:
            raise DataTypeError(
                "X is an iterator, of which nothing is left once it was learned from; fit to a part of the rows, a "
                "frame or an array, and compress the iterator then."
            )
        taken, first = [], None
        for piece in self.begin():
            sheet, kept = Sheet.of(piece)
            first = sheet if first is None else first
            share = min(1.0, cells / max(1, self.rows * len(kept)))
            taken.append([column[: int(np.ceil(share * len(column)))] for column in kept])
        if first is None:
            raise DataError("X must hold rows and columns to learn from; got none.")
        return first, _joined(first, taken)

    def whole(self) -> Any:
        """Return all as one table, in memory."""
        sheet, columns = next(self.blocks(2**62))
        return sheet.table(columns)


def taken(X: Any) -> Any:
    """Return what a path names: a large array mapped into memory, large tables as pieces, all else read.

    What an iterator yields are pieces as well; anything else is given back as it is.

    Raises
    ------
    MissingFileError, FileError
        If a path names nothing that can be read.
    """
    if isinstance(X, Iterator):
        return Pieces(lambda: X)
    path = X.path if isinstance(X, Stored) else Path(X).expanduser() if isinstance(X, str | PathLike) else None
    if path is None or not path.exists():
        return read(X)
    files = [file for file in parquet_files(path) if file.suffix.lower() == ".parquet"]
    if files and (path.is_dir() or decoded_bytes(files) > reading.LARGE):
        return Pieces(lambda: arrow_tables(files), rows_of(files))
    found = read(path)
    return np.lib.format.open_memmap(path, mode="r") if isinstance(found, Stored) else found


def runs(kept: Sequence[Column], cells: int) -> list[list[Column]]:
    """Return the columns of runs of rows at equal distances, about so many cells; of all rows as one, if they are few.

    Examples
    --------
    >>> [columns[0].tolist() for columns in runs([np.arange(1000)], 128)][-1]
    [998, 999]
    """
    count, size = len(kept[0]), -(-cells // (len(kept) * _RUNS))
    if count <= size * _RUNS:
        return [list(kept)]
    starts = np.linspace(0, count - size, _RUNS).astype(int)
    return [[column[start : start + size] for column in kept] for start in starts.tolist()]


def _joined(sheet: Sheet, parts: list[list[Column]]) -> list[Column]:
    return parts[0] if len(parts) == 1 else [sheet.joined(each) for each in zip(*parts, strict=True)]


def _demand_alike(sheet: Sheet, first: Sheet, number: int) -> None:
    if not sheet.alike(first):
        raise DataError(
            f"X must yield tables of the same columns, types and categories; table {number} has {sheet.kinds}, the "
            f"first {first.kinds}. Convert them, categories with pandas.CategoricalDtype."
        )
