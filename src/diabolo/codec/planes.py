"""Numbers as bytes with all first bytes first: what repeats stands together, and compresses better."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from diabolo.errors import FileError


def planes(numbers: NDArray[Any], wide: int | None = None) -> bytes:
    r"""Return numbers (N,) as their first bytes, the lowest, then their second ones, and so on: `wide` of them, or all.

    Examples
    --------
    >>> planes(np.array([1, 258], np.uint16))
    b'\x01\x02\x00\x01'
    """
    little = np.ascontiguousarray(numbers).astype(numbers.dtype.newbyteorder("<"), copy=False)
    return little.view(np.uint8).reshape(-1, numbers.itemsize)[:, :wide].T.tobytes()


def together(data: bytes, count: int, dtype: DTypeLike, wide: int | None = None) -> NDArray[Any]:
    """Return the numbers (count,) of which `planes` made these bytes.

    Raises
    ------
    FileError
        If there are not so many.

    Examples
    --------
    >>> together(planes(np.array([1, 258], np.uint16)), 2, np.uint16).tolist()
    [1, 258]
    """
    kind = np.dtype(dtype).newbyteorder("<")
    told = kind.itemsize if wide is None else wide
    if not 0 < told <= kind.itemsize or len(data) != told * count:
        raise FileError("A part of the file holds another number of numbers than it says; copy it again.")
    whole = np.zeros((count, kind.itemsize), np.uint8)
    whole[:, :told] = np.frombuffer(data, np.uint8).reshape(told, count).T
    return whole.view(kind).ravel().astype(np.dtype(dtype), copy=False)
