"""What other compressors make of the same tables: real bytes of whole files, of those that are installed."""

from __future__ import annotations

import gzip
import io
import lzma
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.squeezed import squeezed
from diabolo.data.package import package
from diabolo.errors import CapabilityError

_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd -19": squeezed,
    "xz -9": partial(lzma.compress, preset=9),
    "gzip -9": partial(gzip.compress, mtime=0),
}


@dataclass(frozen=True)
class Other:
    """What another compressor made.

    Parameters
    ----------
    name : str
        Which one, and of what.
    size : int
        Bytes.
    exact : bool
        Whether all comes back as it was, or within the same error.
    """

    name: str
    size: int
    exact: bool = True


def of_frame(X: Any) -> Iterator[Other]:
    """Yield what is made of a frame of pandas or polars: of its text, and as Parquet."""
    arrow = package("pyarrow")
    table = arrow.Table.from_pandas(X) if hasattr(X, "iloc") else X.to_arrow()
    text = (X.to_csv(index=False) if hasattr(X, "iloc") else X.write_csv()).encode()
    yield Other("CSV", len(text))
    yield from (Other(f"CSV, {name}", len(pack(text))) for name, pack in _PACKERS.items())
    yield Other("Parquet, zstd -19", _parquet(table))


def of_array(X: NDArray[Any]) -> Iterator[Other]:
    """Yield what is made of an array (N, D) of numbers, column after column."""
    data = np.ascontiguousarray(X.T).tobytes()
    yield from (Other(name, len(pack(data))) for name, pack in _PACKERS.items())
    try:
        arrow = package("pyarrow")
    except CapabilityError:
        return
    yield Other("Parquet, zstd -19", _parquet(arrow.table({str(i): column.copy() for i, column in enumerate(X.T)})))


def of_levels(levels: NDArray[np.uint64]) -> Other:
    """Return what zstandard makes of numbers (N, D) rounded to the promised error, in as few bytes each as fit."""
    columns = [column - column.min() for column in levels.T]
    data = b"".join(column.astype(np.min_scalar_type(column.max(initial=0))).tobytes() for column in columns)
    return Other("rounded to the error, zstd -19", len(squeezed(data)), False)


def of_field(X: NDArray[Any], errors: Sequence[float]) -> Iterator[Other]:
    """Yield what is made of floating point numbers (..., C), each channel with an error of its own, as of a field.

    Such compressors take one error: they see each channel divided by its own.
    """
    try:
        codecs = package("imagecodecs")
    except CapabilityError:
        return
    scaled = np.ascontiguousarray(X / np.where(np.array(errors) > 0, errors, 1.0).astype(X.dtype))
    field = scaled if scaled.ndim <= 4 else scaled.reshape(len(scaled), -1)
    yield Other("SZ3", min(len(codecs.sz3_encode(each, mode="abs", abs=1.0)) for each in _both_ways(field)), False)
    yield Other(
        "zfp", min(len(codecs.zfp_encode(each, 1.0, mode="a", header=True)) for each in _both_ways(field)), False
    )


def _parquet(table: Any) -> int:
    file = io.BytesIO()
    package("pyarrow.parquet").write_table(table, file, compression="zstd", compression_level=19)
    return len(file.getvalue())


def _both_ways(X: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield a table as it is and turned: which way suits a compressor of fields is not known."""
    yield X
    if X.ndim == 2:
        yield np.ascontiguousarray(X.T)
