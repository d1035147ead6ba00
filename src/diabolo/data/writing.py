"""Writing: a result into a file, whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from scipy.sparse import issparse, save_npz, vstack

from diabolo.check import shorten
from diabolo.data.form import Form
from diabolo.data.package import package
from diabolo.errors import DataError, DataTypeError, FileError
from diabolo.files import replacing
from diabolo.flow import Shape


def write(path: str | os.PathLike[str], result: Any) -> None:
    """Write an array, tensor or data frame as ``.npy``, ``.npz`` (named "X"), ``.csv`` or ``.parquet``.

    Tables made of arrays have the columns x0, x1, …; the index of a pandas frame is kept in ``.parquet``, and in
    ``.csv`` if it is more than a numbering. Sparse matrices of SciPy are written as ``.npz`` alone, which
    `scipy.sparse.load_npz` reads.

    Raises
    ------
    FileError
        If the suffix is unknown, or the path cannot be written.
    DataError
        If the result does not fit into a table.
    DataTypeError
        If an array would have to hold something other than numbers.
    CapabilityError
        If an optional package is needed and not installed.

    Examples
    --------
    >>> write("codes.txt", [[1.0]])
    Traceback (most recent call last):
    ...
    diabolo.errors.FileError: Cannot write 'codes.txt'; known suffixes: .csv, .npy, .npz, .parquet. Choose one of them.
    """
    with _written(path) as (file, suffix):
        _WRITERS[suffix](file, result)


def write_parts(path: str | os.PathLike[str], parts: Iterable[Any]) -> Shape:
    """Write a result that comes in parts, rows after rows, and return its shape; see `write`.

    Only one part is in memory at a time, except for ``.npz``. An index of a pandas frame is left out.

    Raises
    ------
    FileError
        If the suffix is unknown, or the path cannot be written.
    DataError
        If the parts do not fit into a table, or not together.
    CapabilityError
        If an optional package is needed and not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_parts(f"{folder}/codes.npy", (np.full((2, 3), i) for i in range(4)))
    ...     np.load(f"{folder}/codes.npy").shape
    (8, 3)
    (8, 3)
    """
    with _written(path) as (file, suffix):
        return _WRITERS_OF_PARTS[suffix](file, parts)


@contextmanager
def _written(path: str | os.PathLike[str]) -> Iterator[tuple[IO[bytes], str]]:
    """Give the file to write, and its suffix."""
    path = Path(path).expanduser()
    if path.suffix.lower() not in _WRITERS:
        known = ", ".join(sorted(_WRITERS))
        raise FileError(f"Cannot write {path.name!r}; known suffixes: {known}. Choose one of them.")
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            yield file, path.suffix.lower()
    except OSError as error:
        raise FileError(
            f"Cannot write {path.name!r} ({error.strerror}); check the folder and the space left."
        ) from error


def _npy(file: IO[bytes], result: Any) -> None:
    np.save(file, _array(result), allow_pickle=False)


def _npz(file: IO[bytes], result: Any) -> None:
    if issparse(result):
        save_npz(file, result)
    else:
        np.savez_compressed(file, X=_array(result))


def _csv(file: IO[bytes], result: Any) -> None:
    frame = _frame(result)
    frame.to_csv(file, index=not isinstance(frame.index, package("pandas").RangeIndex))


def _parquet(file: IO[bytes], result: Any) -> None:
    package("pyarrow")
    _frame(result).to_parquet(file, engine="pyarrow")


def _npy_of_parts(file: IO[bytes], parts: Iterable[Any]) -> Shape:
    count, first = 0, None
    for part in parts:
        array = np.ascontiguousarray(_array(part))
        if first is None:
            first = array[:0]
            np.save(file, first, allow_pickle=False)  # numpy leaves room in the header for a count of any length
        _demand_alike(array.shape[1:], first.shape[1:])
        file.write(array.astype(first.dtype, copy=False).tobytes())
        count += len(array)
    if first is None:
        raise DataError("There is no part to write; give at least one.")
    file.seek(0)
    header = {"descr": np.lib.format.dtype_to_descr(first.dtype), "fortran_order": False}
    np.lib.format.write_array_header_1_0(file, header | {"shape": (count, *first.shape[1:])})
    return (count, *first.shape[1:])


def _npz_of_parts(file: IO[bytes], parts: Iterable[Any]) -> Shape:
    found = list(parts)
    sparse = bool(found) and issparse(found[0])
    whole: Any = vstack(found, format="csr") if sparse else np.concatenate([_array(part) for part in found])
    _npz(file, whole)
    return whole.shape


def _csv_of_parts(file: IO[bytes], parts: Iterable[Any]) -> Shape:
    count, columns = 0, None
    for frame in map(_frame, parts):
        columns = list(frame.columns) if columns is None else columns
        _demand_alike(list(frame.columns), columns)
        frame.to_csv(file, index=False, header=not count)
        count += len(frame)
    return count, len(columns or ())


def _parquet_of_parts(file: IO[bytes], parts: Iterable[Any]) -> Shape:
    pyarrow, parquet = package("pyarrow"), package("pyarrow.parquet")
    count, writer = 0, None
    try:
        for frame in map(_frame, parts):
            table = pyarrow.Table.from_pandas(frame, preserve_index=False)
            writer = writer or parquet.ParquetWriter(file, table.schema)
            _demand_alike(table.column_names, writer.schema.names)
            writer.write_table(table.cast(writer.schema))
            count += len(frame)
    finally:
        if writer is not None:
            writer.close()
    return count, len(writer.schema.names) if writer is not None else 0


def _demand_alike(part: object, first: object) -> None:
    if part != first:
        raise DataError(f"Parts of one result must be alike; got {shorten(part, 100)} after {shorten(first, 100)}.")


def _array(result: Any) -> np.ndarray:
    if issparse(result):
        raise DataError("A sparse matrix is written as .npz, which scipy.sparse.load_npz reads; name such a file.")
    try:
        return Form.of(result).array(result)
    except DataTypeError as error:  # its advice is for what is learned from
        raise DataTypeError(
            "An array holds numbers only, and this result has columns of other kinds, such as text; name a file .csv "
            "or .parquet."
        ) from error


def _frame(result: Any) -> Any:
    pandas = package("pandas")
    if isinstance(result, pandas.DataFrame):
        return result
    polars = sys.modules.get("polars")
    if polars is not None and isinstance(result, polars.DataFrame):
        return pandas.DataFrame(result.to_dict(as_series=False))
    array = _array(result)
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

_WRITERS_OF_PARTS: dict[str, Callable[[IO[bytes], Iterable[Any]], Shape]] = {
    ".csv": _csv_of_parts,
    ".npy": _npy_of_parts,
    ".npz": _npz_of_parts,
    ".parquet": _parquet_of_parts,
}
