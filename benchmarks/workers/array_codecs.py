"""Compressors of arrays of numbers that learn nothing: SZ3, zfp, zstd, Parquet, and levels coded column by column."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import pyarrow
import zstandard
from numpy.typing import NDArray
from pyarrow import parquet

from benchmarks.workers.coding import told, trial, worst
from benchmarks.workers.levels import ideal, packed, rounded, step, unpacked, values
from benchmarks.workers.protocol import Settings, Task, serve

Array = NDArray[Any]
Way = tuple[Callable[[Array, float], bytes], Callable[[bytes], Array]]
"""Of values (N, D) and the bound to bytes, and from bytes to values."""

HEAD, SHAPE = struct.Struct("<IId"), struct.Struct("<II")


def by_column(X: Array, _: float) -> bytes:
    """Return all values, column after column, packed by zstd."""
    return SHAPE.pack(*X.shape) + zstandard.compress(X.T.tobytes(), 19)


def from_columns(data: bytes) -> Array:
    """Return the values of `by_column`."""
    rows, columns = SHAPE.unpack_from(data)
    return np.frombuffer(zstandard.decompress(data[SHAPE.size :]), np.float32).reshape(columns, rows).T


def as_levels(X: Array, bound: float) -> bytes:
    """Return levels of 16 bits, column after column, packed by zstd."""
    width = step(X, bound)
    return HEAD.pack(*X.shape, width) + zstandard.compress(rounded(X, width).T.astype("<i2").tobytes(), 19)


def from_levels(data: bytes) -> Array:
    """Return the values of `as_levels`."""
    rows, columns, width = HEAD.unpack_from(data)
    levels = np.frombuffer(zstandard.decompress(data[HEAD.size :]), "<i2").reshape(columns, rows).T
    return values(levels.astype(np.int64), width)


def to_parquet(X: Array, _: float) -> bytes:
    """Return a Parquet file, a column each, packed by zstd."""
    names = [str(i) for i in range(X.shape[1])]
    file = BytesIO()
    table = pyarrow.table({name: np.ascontiguousarray(column) for name, column in zip(names, X.T, strict=True)})
    parquet.write_table(table, file, compression="zstd", compression_level=19)
    return file.getvalue()


def from_parquet(data: bytes) -> Array:
    """Return the values of a Parquet file."""
    return np.column_stack([column.to_numpy() for column in parquet.read_table(BytesIO(data)).columns])


def sz3(X: Array, bound: float) -> bytes:
    """Return the stream of SZ3, after the shape, which it has to be told."""
    return SHAPE.pack(*X.shape) + bytes(imagecodecs.sz3_encode(np.ascontiguousarray(X), mode="abs", abs=bound))


def from_sz3(data: bytes) -> Array:
    """Return the values of `sz3`."""
    return np.asarray(imagecodecs.sz3_decode(data[SHAPE.size :], SHAPE.unpack_from(data), np.float32))


def zfp(X: Array, bound: float) -> bytes:
    """Return the stream of zfp of fixed accuracy, with its header."""
    return bytes(imagecodecs.zfp_encode(np.ascontiguousarray(X), bound, mode="a", header=True))


def across(way: Way) -> Way:
    """Return a way that sees the values with rows and columns swapped."""
    return lambda X, bound: way[0](X.T, bound), lambda data: way[1](data).T


SZ3: Way = sz3, from_sz3
ZFP: Way = zfp, imagecodecs.zfp_decode
WAYS: dict[str, list[Way]] = {
    "entropy per column": [(packed, unpacked)],
    "int16 + zstd": [(as_levels, from_levels)],
    "SZ3": [SZ3, across(SZ3)],
    "zfp": [ZFP, across(ZFP)],
    "zstd": [(by_column, from_columns)],
    "Parquet": [(to_parquet, from_parquet)],
}
"""With their variants, the smallest of which is taken: who codes fields may see the table either way round."""


def arrays(settings: Settings) -> Task:
    """Compress the values of a file in one way: bytes, seconds each way and the worst error."""
    every = [way for variants in WAYS.values() for way in variants]
    small = np.random.default_rng(0).random((64, 4), np.float32)
    for encode, decode in every:  # what is slow the first time is not timed
        decode(encode(small, 1e-2))

    def block(asked: Settings) -> Settings:
        X, bound = np.load(asked["path"]), asked["bound"]
        encode, decode = min(WAYS[asked["way"]], key=lambda way: len(way[0](X, bound)))
        found = trial(lambda: encode(X, bound), decode, lambda back: worst(X, back))
        return found | {"ideal": ideal(rounded(X, step(X, bound)))}

    return Task(told(block))


if __name__ == "__main__":
    serve({"arrays": arrays})
