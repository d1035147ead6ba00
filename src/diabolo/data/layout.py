"""Layout: how rows lie on disk, in chunks that can be read one without the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.data.broken import readable
from diabolo.data.form import NumpyForm

ROWS = 2**16
"""Rows read at a time, where they are narrow."""

BYTES = 2**24
"""Bytes read at a time, where rows are wide."""


@dataclass(frozen=True)
class Chunk:
    """Rows that lie together in one file.

    Parameters
    ----------
    path : Path
        The file.
    rows : range
        Which rows they are of all.
    first : int
        Which row of the file they begin with.
    groups : tuple of int
        The row groups that hold them, in Parquet.
    """

    path: Path
    rows: range
    first: int
    groups: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Layout:
    """Where rows are, and how they are read.

    Parameters
    ----------
    header : ndarray (0, *shape) or data frame
        What the file would give if it had no rows: the user's form, and the names of columns.
    dtype : dtype
        Of the numbers that are read.
    chunks : tuple of Chunk
        All rows, in order.
    read : callable
        Gives the rows of a chunk in blocks (B, *shape) of bounded size, in order.
    """

    header: Any
    dtype: np.dtype
    chunks: tuple[Chunk, ...]
    read: Callable[[Chunk], Iterator[np.ndarray]]


def rows_at_a_time(row_bytes: int) -> int:
    """Return how many rows of `row_bytes` bytes to read at a time.

    Examples
    --------
    >>> rows_at_a_time(80), rows_at_a_time(3 * 224 * 224)
    (65536, 111)
    """
    return max(1, min(ROWS, BYTES // max(row_bytes, 1)))


def npy_layout(path: Path) -> Layout:
    """Return how the rows of an ``.npy`` file lie.

    Raises
    ------
    FileError
        If it is cut, broken or holds Python objects.
    DataTypeError
        If it holds no numbers.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/x.npy", np.zeros((5, 2)))
    ...     npy_layout(Path(folder, "x.npy")).chunks[0].rows
    range(0, 5)
    """
    with readable(path):
        mapped = _mapped(path)
        header = NumpyForm().array(np.empty((0, *mapped.shape[1:]), mapped.dtype) if mapped.ndim else mapped)
        count, step = len(mapped), rows_at_a_time(header.dtype.itemsize * math.prod(header.shape[1:]))
    starts = range(0, count, step)
    chunks = tuple(Chunk(path, range(start, min(start + step, count)), start) for start in starts)
    return Layout(header, header.dtype, chunks, _read)


def _mapped(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _read(chunk: Chunk) -> Iterator[np.ndarray]:
    with readable(chunk.path):
        # mapped anew for every chunk, and copied: pages of a long-lived map count as memory of the process
        rows = np.array(_mapped(chunk.path)[chunk.rows.start : chunk.rows.stop], order="C")
    yield NumpyForm().array(rows)
