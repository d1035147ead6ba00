"""Stored: rows on disk as a value, for data larger than memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.check import shorten
from diabolo.data.form import Form, PandasForm
from diabolo.data.layout import Chunk, Layout, npy_layout
from diabolo.data.package import package
from diabolo.data.parquet import parquet_files, parquet_layout
from diabolo.errors import DataError, FileError, MissingFileError
from diabolo.flow import Shape


@dataclass(frozen=True, eq=False)
class Stored:
    """Rows on disk, read in blocks; estimators take it in place of an array.

    The file must stay as it is while it is in use.

    Parameters
    ----------
    path : Path
        The file, or the folder of files.
    layout : Layout
        Where the rows are and how they are read.
    gaps : bool
        Whether numbers may be missing, NaN: see `with_gaps`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/x.npy", np.arange(6.0).reshape(3, 2))
    ...     stored = Stored.open(f"{folder}/x.npy")
    ...     stored.shape, stored.take(np.array([2])).tolist()
    ((3, 2), [[4.0, 5.0]])
    """

    path: Path
    layout: Layout = field(repr=False)
    gaps: bool = False

    @staticmethod
    def open(path: str | os.PathLike[str]) -> Stored:
        """Return the rows of an ``.npy`` file, a ``.parquet`` file or a folder of those, of any size.

        Raises
        ------
        MissingFileError
            If there is no such file.
        FileError
            If it is of another kind, or cut, broken or foreign.
        DataTypeError
            If it holds what is not a number.
        DataError
            If the files of a folder differ in their columns.
        CapabilityError
            If pandas or pyarrow is needed and not installed.
        """
        path = Path(path).expanduser()
        if not path.exists():
            raise MissingFileError(f"There is no file or folder {shorten(str(path), 200)}; check the path.")
        if path.is_dir() and parquet_files(path):
            return Stored(path, _parquet(path))
        if path.suffix.lower() not in _LAYOUTS:
            known = ", ".join(sorted(_LAYOUTS))
            raise FileError(f"Cannot read {path.name!r} block by block; known: {known}, a folder of .parquet files.")
        return Stored(path, _LAYOUTS[path.suffix.lower()](path))

    def __len__(self) -> int:
        return self.chunks[-1].rows.stop if self.chunks else 0

    @property
    def shape(self) -> Shape:
        """``(N, *shape)``, as of an array."""
        return (len(self), *self.layout.header.shape[1:])

    def with_gaps(self) -> Stored:
        """Return the same rows for a reader that takes missing numbers; otherwise one is an error when it is met."""
        return replace(self, gaps=True)

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def dtype(self) -> np.dtype:
        """Of the numbers."""
        return self.layout.dtype

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """What can be read one without the other, in order."""
        return self.layout.chunks

    def blocks(self, chunk: Chunk | None = None) -> Iterator[np.ndarray]:
        """Yield the rows of a chunk, or of all, in order, in arrays (B, *shape) of bounded size.

        Raises
        ------
        DataError
            If a number is infinite, or missing where there are to be no gaps; file, column and row are named.
        FileError
            If the file is cut or broken.
        """
        for each in self.chunks if chunk is None else (chunk,):
            first = each.first
            for block in self.layout.read(each):
                self._demand_finite(block, each.path, first)
                yield block
                first += len(block)

    def parts(self) -> Iterator[Any]:
        """Yield all rows in the user's form, arrays or data frames of bounded size; at least one, empty if need be."""
        if not len(self):
            yield self.layout.header
        yield from map(self.back, self.blocks())

    def head(self, count: int) -> Any:
        """Return the first rows, `count` at most, in the user's form."""
        return next(self.parts())[:count]

    def take(self, index: np.ndarray) -> np.ndarray:
        """Return the rows (M, *shape) of a rising `index`, in one pass over the chunks that hold them."""
        out = np.empty((len(index), *self.shape[1:]), self.dtype)
        for chunk in self.chunks:
            start = chunk.rows.start
            if np.diff(np.searchsorted(index, [start, chunk.rows.stop])) == 0:
                continue
            for block in self.blocks(chunk):
                low, high = np.searchsorted(index, [start, start + len(block)])
                out[low:high] = block[index[low:high] - start]
                start += len(block)
        return out

    def some(self, numbers: int) -> np.ndarray:
        """Return the numbers of rows at equal distances, of all or of as many as hold `numbers`, 1000 at least."""
        count = min(len(self), max(1000, numbers * len(self) // max(self.size, 1)))
        return np.linspace(0, len(self) - 1, count, dtype=np.int64)

    def back(self, array: np.ndarray) -> Any:
        """Return rows (B, *shape) in the user's form, numbered from 0."""
        form = Form.of(self.layout.header)
        return (replace(form, index=None) if isinstance(form, PandasForm) else form).back(array)

    def _demand_finite(self, block: np.ndarray, path: Path, first: int) -> None:
        wrong = np.zeros(0, bool) if block.dtype.kind != "f" else np.isinf(block) if self.gaps else ~np.isfinite(block)
        if not wrong.any():
            return
        where = np.argwhere(wrong)[0]
        what = "NaN" if np.isnan(block[tuple(where)]) else "infinity"
        names = getattr(self.layout.header, "columns", range(block.shape[-1]))
        column = f"column {names[where[1]]!r} of " if block.ndim == 2 else ""
        raise DataError(
            f"Input X contains {what}: {column}row {first + where[0]} in {path.name!r}, among rows {first} to "
            f"{first + len(block) - 1}; drop or impute those values first."
        )


def joined(parts: Iterable[Any]) -> Any:
    """Return parts, arrays or pandas frames, as one.

    Examples
    --------
    >>> joined([np.zeros((2, 3)), np.ones((1, 3))]).shape
    (3, 3)
    """
    parts = list(parts)
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    return package("pandas").concat(parts, ignore_index=True)


def _parquet(path: Path) -> Layout:
    return parquet_layout(parquet_files(path))


_LAYOUTS: dict[str, Callable[[Path], Layout]] = {".npy": npy_layout, ".parquet": _parquet}
