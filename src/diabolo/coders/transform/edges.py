"""Levels of images from real numbers: those that machines could round differently are told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.entropy import Reader, Writer
from diabolo.errors import FileError

Values = NDArray[np.float64]
Levels = NDArray[np.uint8]

EDGE = 6
"""Bytes that it takes to tell of a number here."""

NEAR = 1e-6
"""How near to the edge between two levels values are told of: nets in float64 agree to about 1e-10."""

_END = 0x5AFE  # told last: bytes of something else rarely lead to it
_DIGIT = 2**16


def put_edges(writer: Writer, values: Values) -> None:
    """Append how those of the values (N,) are rounded that lie between two levels, and that this was the end.

    Examples
    --------
    >>> writer = Writer()
    >>> put_edges(writer, np.array([7.0, 2.5 + 1e-9]))
    >>> take_levels(Reader(writer.bytes()), np.array([7.0, 2.5 - 1e-9])).tolist()
    [7, 3]
    """
    inside = values.clip(0, 255)
    near = np.flatnonzero(np.abs(inside - np.floor(inside) - 0.5) < NEAR)
    up = np.rint(inside[near]) - np.floor(inside[near])
    _put(writer, np.array([len(near)]))
    _put(writer, 2 * near + up.astype(np.int64))
    _put(writer, np.array([_END]))


def take_levels(reader: Reader, values: Values) -> Levels:
    """Return the values (N,), equal to those of `put_edges` but for what machines differ in, rounded as told.

    Raises
    ------
    FileError
        If the bytes are no such bytes, or are over before.
    """
    (count,) = _taken(reader, 1)
    told = _taken(reader, int(count)) if count <= len(values) else np.empty(0, np.int64)
    (end,) = _taken(reader, 1)
    if end != _END or told.max(initial=0) >= 2 * len(values):
        raise FileError("A coded image was changed or cut, or is decoded by another model; copy it again.")
    levels = rounded(values)
    levels[told // 2] = (np.floor(values[told // 2].clip(0, 255)) + told % 2).clip(0, 255)
    return levels


def rounded(values: Values) -> Levels:
    """Return the levels that values (N,) are nearest to.

    Examples
    --------
    >>> rounded(np.array([-3.0, 6.7, 300.0])).tolist()
    [0, 7, 255]
    """
    return np.rint(values.clip(0, 255)).astype(np.uint8)


def _put(writer: Writer, numbers: NDArray[np.int64]) -> None:
    digits = np.stack([numbers // _DIGIT**2, numbers // _DIGIT, numbers], 1) % _DIGIT
    writer.put_even(digits.ravel(), np.full(digits.size, _DIGIT, np.int32))


def _taken(reader: Reader, count: int) -> NDArray[np.int64]:
    digits = reader.take_even(np.full(3 * count, _DIGIT, np.int32)).astype(np.int64).reshape(count, 3)
    return digits @ np.array([_DIGIT**2, _DIGIT, 1])
