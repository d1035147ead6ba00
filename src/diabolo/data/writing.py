"""Writing: a result into a file, whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from diabolo.data.form import Form
from diabolo.data.package import package
from diabolo.errors import DataError, FileError
from diabolo.files import replacing


def write(path: str | os.PathLike[str], result: Any) -> None:
    """Write an array, tensor or data frame as ``.npy``, ``.npz`` (named "X"), ``.csv`` or ``.parquet``.

    Tables made of arrays have the columns x0, x1, …; the index of a pandas frame is kept in ``.parquet``, and in
    ``.csv`` if it is more than a numbering.

    Raises
    ------
    FileError
        If the suffix is unknown, or the path cannot be written.
    DataError
        If the result does not fit into a table.
    CapabilityError
        If an optional package is needed and not installed.

    Examples
    --------
    >>> write("codes.txt", [[1.0]])
    Traceback (most recent call last):
    ...
    diabolo.errors.FileError: Cannot write 'codes.txt'; known suffixes: .csv, .npy, .npz, .parquet. Choose one of them.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() not in _WRITERS:
        known = ", ".join(sorted(_WRITERS))
        raise FileError(f"Cannot write {path.name!r}; known suffixes: {known}. Choose one of them.")
    writer = _WRITERS[path.suffix.lower()]
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            writer(file, result)
    except OSError as error:
        raise FileError(
            f"Cannot write {path.name!r} ({error.strerror}); check the folder and the space left."
        ) from error


def _npy(file: IO[bytes], result: Any) -> None:
    np.save(file, Form.of(result).array(result), allow_pickle=False)


def _npz(file: IO[bytes], result: Any) -> None:
    np.savez_compressed(file, X=Form.of(result).array(result))


def _csv(file: IO[bytes], result: Any) -> None:
    frame = _frame(result)
    frame.to_csv(file, index=not isinstance(frame.index, package("pandas").RangeIndex))


def _parquet(file: IO[bytes], result: Any) -> None:
    package("pyarrow")
    _frame(result).to_parquet(file, engine="pyarrow")


def _frame(result: Any) -> Any:
    pandas = package("pandas")
    if isinstance(result, pandas.DataFrame):
        return result
    polars = sys.modules.get("polars")
    if polars is not None and isinstance(result, polars.DataFrame):
        return pandas.DataFrame(result.to_dict(as_series=False))
    array = Form.of(result).array(result)
    table = array[:, None] if array.ndim == 1 else array
    if table.ndim != 2:
        raise DataError(f"A table has 2 axes; got an array of shape {array.shape}. Write it as .npy or .npz.")
    return pandas.DataFrame(table, columns=[f"x{i}" for i in range(table.shape[1])])


_WRITERS: dict[str, Callable[[IO[bytes], object], None]] = {
    ".csv": _csv,
    ".npy": _npy,
    ".npz": _npz,
    ".parquet": _parquet,
}
