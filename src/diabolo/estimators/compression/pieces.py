"""Tables that come piece by piece: what a generator yields, or Parquet files larger than memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.check import listed
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
        for first, kept in self._alike():
            waiting.append(kept)
            count += len(kept[0])
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
        DataError
            If one has other columns than the first.
        DataTypeError
            If nothing would be left to compress afterwards.
        """
        if self.rows is None:
            raise DataTypeError(
                "X is an iterator, of which nothing is left once it was learned from; fit to a part of the rows, a "
                "frame or an array, and compress the iterator then."
            )
        found = [(sheet, _some(sheet, kept, cells / max(1, self.rows * len(kept)))) for sheet, kept in self._alike()]
        if not found:
            raise DataError("X must hold rows and columns to learn from; got none.")
        return found[0][0], _joined(found[0][0], [columns for _, columns in found])

    def whole(self) -> Any:
        """Return all as one table, in memory."""
        sheet, columns = next(self.blocks(2**62))
        return sheet.table(columns)

    def _alike(self) -> Iterator[tuple[Sheet, list[Column]]]:
        """Yield the columns of each table, and how those of the first are kept."""
        first = None
        for number, piece in enumerate(self.begin()):
            sheet, kept = Sheet.of(piece)
            first = sheet if first is None else first
            if not sheet.alike(first):
                raise _unlike(sheet, first, number)
            yield first, kept


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
    files = [] if reading.holds_images(path) else parquet_files(path)
    files = [file for file in files if file.suffix.lower() == ".parquet"]
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


def _some(sheet: Sheet, kept: Sequence[Column], share: float) -> list[Column]:
    """Return a share of the rows as columns of their own: a view would keep the piece in memory."""
    rows = np.arange(math.ceil(min(1.0, share) * len(kept[0])))
    return [sheet.some(column, rows) for column in kept]


def _joined(sheet: Sheet, parts: list[list[Column]]) -> list[Column]:
    return parts[0] if len(parts) == 1 else [sheet.joined(each) for each in zip(*parts, strict=True)]


def _unlike(sheet: Sheet, first: Sheet, number: int) -> DataError:
    differ = [f"{name} ({kind})" for name, kind in sorted({*sheet.kinds} ^ {*first.kinds})]
    what = f"in {listed(differ)}" if differ else "in the order of columns, in categories, or in what may be missing"
    return DataError(
        f"X must yield tables of the same columns, types and categories; table {number} differs from the first {what}. "
        "Convert it, set categories by pandas.CategoricalDtype, or leave out the index by reset_index(drop=True)."
    )
