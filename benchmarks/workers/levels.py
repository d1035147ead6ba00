"""The plain way to keep an error bound: round to a grid, then code the levels of each column by how often they occur.

It learns nothing of how columns go together, so a compressor that learns has to be smaller: its bytes are those of a
file that can be read, with the counts of the levels in it.
"""

from __future__ import annotations

import struct
from importlib import import_module
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

Array = NDArray[np.float32]
Levels = NDArray[np.int64]

STREAM: Any = import_module("constriction").stream  # it has no types
HEAD = struct.Struct("<IIdI")
"""Rows, columns, the step of the grid, and the bytes of the packed counts."""
MOST = 2**16
"""Levels a column may have: more is no grid that columns in [-1, 1] and bounds from 1e-4 on need."""


def step(X: Array, bound: float) -> float:
    """Return the step of a grid on which values rounded to float32 stay within the bound, in float64.

    Raises
    ------
    ValueError
        If the bound is too small for float32 to keep.
    """
    slack = float(np.spacing(np.abs(X).max(initial=0)))
    if bound <= 2 * slack:
        raise ValueError(f"bound must be above {2 * slack:g} for values up to {np.abs(X).max():g}; got {bound}.")
    return 2 * (bound - slack)


def rounded(X: Array, step: float) -> Levels:
    """Return the levels (N, D) that are nearest."""
    return np.rint(X.astype(np.float64) / step).astype(np.int64)


def values(levels: Levels, step: float) -> Array:
    """Return the values (N, D) of levels."""
    return (levels * step).astype(np.float32)


def counts(levels: Levels) -> NDArray[np.int64]:
    """Return how often each level of a column (N,) occurs, from its lowest to its highest."""
    return np.bincount(levels - levels.min())


def ideal(levels: Levels) -> float:
    """Return the bits of an ideal code of levels (N, D), column by column, without the tables that it needs."""
    bits = 0.0
    for column in levels.T:
        n = counts(column)
        n = n[n > 0]
        bits -= float((n * np.log2(n / n.sum())).sum())
    return bits


def packed(X: Array, bound: float) -> bytes:
    """Return the file of values (N, D): counts of the levels, raw or packed by zstd, and one stream of all columns.

    Raises
    ------
    ValueError
        If a column needs too many levels.
    """
    width = step(X, bound)
    levels = rounded(X, width)
    lows, sizes = levels.min(0), np.ptp(levels, 0) + 1
    if sizes.max() > MOST:
        raise ValueError(f"columns must have at most {MOST} levels; got {sizes.max()}.")
    tables = [counts(column) for column in levels.T]
    whole = np.concatenate([lows, sizes]).astype("<i4").tobytes() + np.concatenate(tables).astype(_kind(X)).tobytes()
    small = zstandard.compress(whole, 19)
    told = small if len(small) < len(whole) else whole
    coder = STREAM.stack.AnsCoder()
    for column, low, table in reversed(list(zip(levels.T, lows, tables, strict=True))):
        if len(table) > 1:  # a constant costs nothing
            coder.encode_reverse((column - low).astype(np.int32), _model(table))
    stream = coder.get_compressed().astype("<u4").tobytes()
    return HEAD.pack(*X.shape, width, len(told) << 1 | (told is small)) + told + stream


def unpacked(data: bytes) -> Array:
    """Return the values (N, D) of a file of `packed`."""
    rows, columns, width, told = HEAD.unpack_from(data)
    end = HEAD.size + (told >> 1)
    whole = zstandard.decompress(data[HEAD.size : end]) if told & 1 else data[HEAD.size : end]
    lows, sizes = np.frombuffer(whole, "<i4", 2 * columns).astype(np.int64).reshape(2, columns)
    every = np.frombuffer(whole, _kind(np.empty((rows, 0), np.float32)), offset=8 * columns)
    tables = np.split(every.astype(np.int64), np.cumsum(sizes)[:-1])
    coder = STREAM.stack.AnsCoder(np.frombuffer(data[end:], "<u4").astype(np.uint32))
    levels = np.zeros((rows, columns), np.int64)
    for i, table in enumerate(tables):
        if len(table) > 1:
            levels[:, i] = coder.decode(_model(table), rows)
    return values(levels + lows, width)


def _kind(X: Array) -> str:
    """Return the type of counts: no level occurs more often than there are rows."""
    return "<u2" if len(X) < 2**16 else "<u4"


def _model(table: NDArray[np.int64]) -> Any:
    return STREAM.model.Categorical(table.astype(np.float32), perfect=False)
