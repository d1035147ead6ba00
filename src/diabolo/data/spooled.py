"""Arrays that arrive one after the other, kept as the rows of one file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from diabolo.check import shorten
from diabolo.data.form import Form
from diabolo.errors import DataError


def spooled(blocks: Iterable[Any], path: Path) -> Path:
    """Write blocks of rows (B, *shape) to an ``.npy`` file as they come, and return its path.

    Memory holds one block. Numbers are kept as the first block has them.

    Raises
    ------
    DataError
        If a block has rows of another shape than the first, or there are none.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = spooled((np.full((2, 3), i) for i in range(2)), Path(folder) / "x.npy")
    ...     np.load(path).tolist()
    [[0, 0, 0], [0, 0, 0], [1, 1, 1], [1, 1, 1]]
    """
    first: np.ndarray | None = None
    count = 0
    with path.open("wb") as file:
        for block in blocks:
            rows = Form.of(block).array(block)
            if first is None:
                first = rows[:0]
                _head(file, 0, first)
            if rows.ndim != first.ndim or rows.shape[1:] != first.shape[1:]:
                raise DataError(
                    f"Blocks of X must have rows of one shape; got {shorten(first.shape[1:])} first and "
                    f"{shorten(rows.shape[1:])} after {count} rows."
                )
            file.write(np.ascontiguousarray(rows, first.dtype).tobytes())
            count += len(rows)
        if first is None or not count:
            raise DataError("X is an iterator that gave no rows; make a new one, as it can be gone through once only.")
        file.seek(0)
        _head(file, count, first)
    return path


def _head(file: BinaryIO, count: int, rows: np.ndarray) -> None:
    """Write the head of an array of `count` rows; it takes as many bytes whatever the count."""
    described = {"descr": np.lib.format.dtype_to_descr(rows.dtype), "fortran_order": False}
    np.lib.format.write_array_header_1_0(file, described | {"shape": (count, *rows.shape[1:])})
