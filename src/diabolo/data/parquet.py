"""Parquet: one file or a folder of them, read row group by row group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.check import shorten
from diabolo.data.broken import readable
from diabolo.data.form import refuse
from diabolo.data.layout import Chunk, Layout, rows_at_a_time
from diabolo.data.package import package
from diabolo.errors import DataError, DataTypeError

_ROWS = 2**16
"""Rows of an Arrow table at most."""

_OPEN_BYTES = 2**23
"""Bytes of a file read ahead, over all columns."""


def parquet_files(path: Path) -> list[Path]:
    """Return the Parquet files of a folder by name, hidden ones and subfolders passed over; or the file itself.

    Examples
    --------
    >>> parquet_files(Path("x.parquet"))
    [PosixPath('x.parquet')]
    """
    if not path.is_dir():
        return [path]
    files = (file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    return sorted(file for file in files if file.suffix.lower() == ".parquet")


def decoded_bytes(paths: Sequence[Path]) -> int:
    """Return about how much memory the files need when read whole; text is counted as 8 bytes a value.

    Raises
    ------
    FileError
        If one is cut, broken or foreign.
    """
    return sum(_rows(file) * sum(map(_bytes, file.schema_arrow.types)) for file in map(_opened, paths))


def rows_of(paths: Sequence[Path]) -> int:
    """Return how many rows the files have.

    Raises
    ------
    FileError
        If one is cut, broken or foreign.
    """
    return sum(_rows(_opened(path)) for path in paths)


def arrow_tables(paths: Sequence[Path]) -> Iterator[Any]:
    """Yield the rows of Parquet files as Arrow tables of bounded size, of the very types that the files have.

    Each column of categories has the same ones in all tables, whatever row groups have.

    Raises
    ------
    FileError
        If one is cut, broken or foreign.
    """
    arrow, count, words = package("pyarrow"), 0, _words(paths)
    for path in paths:
        for batch, schema in _batches(path):
            columns = [
                _coded(column, words[name]) if name in words else column
                for name, column in zip(schema.names, batch.columns, strict=True)
            ]
            yield arrow.Table.from_arrays(columns, schema=schema)
            count += 1
    if not count:
        yield from (_opened(path).schema_arrow.empty_table() for path in paths[:1])


def _batches(path: Path, names: list[str] | None = None) -> Iterator[tuple[Any, Any]]:
    with readable(path), _reading(path, None, _OPEN_BYTES) as file:
        for batch in file.iter_batches(_ROWS, columns=names, use_threads=False):
            yield batch, file.schema_arrow if names is None else batch.schema


def _words(paths: Sequence[Path]) -> dict[str, Any]:
    """Return all categories of each column of such, in the order in which they are met."""
    arrow, found = package("pyarrow"), {}
    for path in paths:
        schema = _opened(path).schema_arrow
        names = [field.name for field in schema if arrow.types.is_dictionary(field.type)]
        for batch, _ in _batches(path, names) if names else ():
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                known = found.setdefault(name, column.dictionary)
                if not known.equals(column.dictionary):
                    found[name] = arrow.concat_arrays([known, column.dictionary]).unique()
    return found


def _coded(column: Any, words: Any) -> Any:
    """Return a column of categories as one of others, which hold its own."""
    if column.dictionary.equals(words):
        return column
    places = package("pyarrow.compute").index_in(column.dictionary, words).take(column.indices)
    indices = places.cast(column.type.index_type)
    return package("pyarrow").DictionaryArray.from_arrays(indices, words, ordered=column.type.ordered)


def parquet_layout(paths: Sequence[Path]) -> Layout:
    """Return how the rows of Parquet files lie: chunks are row groups, small ones joined.

    The index of a pandas frame is left out.

    Raises
    ------
    FileError
        If one is cut, broken or foreign.
    DataTypeError
        If a column does not hold numbers.
    DataError
        If the files differ in their columns.
    CapabilityError
        If pandas or pyarrow is not installed.
    """
    package("pandas")
    files = [_opened(path) for path in paths]
    headers = [file.schema_arrow.empty_table().to_pandas() for file in files]
    _demand_same_columns(paths, headers)
    names, *_ = [_columns(path, file.schema_arrow) for path, file in zip(paths, files, strict=True)]
    types = [file.schema_arrow.field(name).type for file in files for name in names]
    dtype = np.result_type(*map(_dtype, types)) if types else np.dtype(np.float64)
    size = rows_at_a_time(dtype.itemsize * len(names))
    starts = list(accumulate(map(_rows, files), initial=0))[:-1]
    each = zip(paths, files, starts, strict=True)
    chunks = [chunk for path, file, start in each for chunk in _chunks(path, file.metadata, start, size)]
    metadata = {path: file.metadata for path, file in zip(paths, files, strict=True)}
    return Layout(headers[0], dtype, tuple(chunks), partial(_read, metadata, names, dtype, size))


def _opened(path: Path) -> Any:
    package("pyarrow")
    with readable(path), package("pyarrow.parquet").ParquetFile(path) as file:
        file.schema_arrow  # noqa: B018 - read while the file is open
        return file


def _rows(file: Any) -> int:
    return file.metadata.num_rows


def _demand_same_columns(paths: Sequence[Path], headers: Sequence[Any]) -> None:
    first = list(headers[0].columns)
    for path, header in zip(paths, headers, strict=True):
        if list(header.columns) != first:
            raise DataError(
                f"Files must have the same columns in the same order; {paths[0].name!r} has {shorten(first, 100)} and "
                f"{path.name!r} has {shorten(list(header.columns), 100)}. Write them alike."
            )


def _columns(path: Path, schema: Any) -> list[str]:
    """Return the names of the columns in the file, which must hold numbers, without the index of a pandas frame."""
    index = (schema.pandas_metadata or {}).get("index_columns", [])
    names = [name for name in schema.names if name not in index]
    try:
        refuse([(name, schema.field(name).type) for name in names if not _numeric(schema.field(name).type)])
    except DataTypeError as error:
        raise DataTypeError(f"{path.name!r}: {error}") from error
    return names


def _numeric(type_: Any) -> bool:
    kinds = package("pyarrow.types")
    return any(is_(type_) for is_ in (kinds.is_boolean, kinds.is_decimal, kinds.is_null)) or _native(type_)


def _native(type_: Any) -> bool:
    kinds = package("pyarrow.types")
    return kinds.is_integer(type_) or kinds.is_floating(type_)


def _dtype(type_: Any) -> np.dtype:
    return np.dtype(type_.to_pandas_dtype() if _native(type_) else np.float64)


def _bytes(type_: Any) -> int:
    return _dtype(type_).itemsize


def _chunks(path: Path, metadata: Any, start: int, least: int) -> Iterator[Chunk]:
    """Yield the row groups of a file, neighbours joined until they have at least `least` rows."""
    first, groups, count = 0, [], 0
    for group in range(metadata.num_row_groups):
        groups.append(group)
        count += metadata.row_group(group).num_rows
        if count and (count >= least or group == metadata.num_row_groups - 1):
            yield Chunk(path, range(start + first, start + first + count), first, tuple(groups))
            first, groups, count = first + count, [], 0


def _read(
    metadata: dict[Path, Any], names: list[str], dtype: np.dtype, size: int, chunk: Chunk
) -> Iterator[np.ndarray]:
    ahead = max(2**13, min(2**17, _OPEN_BYTES // max(len(names), 1)))
    with readable(chunk.path), _reading(chunk.path, metadata[chunk.path], ahead) as file:
        for batch in file.iter_batches(size, row_groups=list(chunk.groups), columns=names, use_threads=False):
            yield _array(batch, names, dtype)


def _reading(path: Path, metadata: Any, ahead: int) -> Any:
    """Return a file to read, of which so many bytes are held: without that a row group is read whole at first."""
    return package("pyarrow.parquet").ParquetFile(path, metadata=metadata, buffer_size=ahead, pre_buffer=False)


def _array(batch: Any, names: list[str], dtype: np.dtype) -> np.ndarray:
    """Return a record batch as one array (B, D); missing values are NaN, and make floating point of integers."""
    columns = [batch.column(name) for name in names]
    if any(column.null_count for column in columns):
        dtype = np.result_type(dtype, np.float32)
    out = np.empty((batch.num_rows, len(columns)), dtype)
    for i, column in enumerate(columns):
        native = column if _native(column.type) else column.cast("float64")
        out[:, i] = native.to_numpy(zero_copy_only=False)
    return out
