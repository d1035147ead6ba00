"""Distances to nearest neighbours, found a block at a time: memory is bounded, however many points there are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from diabolo.metrics.arrays import Array

_NUMBERS = 2**22
"""Distances, or differences of coordinates, that are held at a time."""


def nearest(some: Array, among: Array, count: int) -> Array:
    """Return the distances (N, count), rising, of points `some` (N, F) to those nearest to them of `among` (M, F).

    A point that lies in both has itself as a neighbour, at distance 0. Which points are nearest is found by products
    of matrices; their distances are then computed from differences, so that equal points are at exactly 0.

    Examples
    --------
    >>> nearest(np.array([[0.0], [5.0]]), np.array([[0.0], [1.0], [3.0]]), 2)
    array([[0., 1.],
           [2., 4.]])
    """
    found = np.empty((len(some), count))
    for rows, squares in squared(some, among, count * some.shape[1]):
        index = _least(squares, count)
        found[rows] = np.linalg.norm(among[index] - some[rows, None], axis=2)
    found.sort(axis=1)
    return found


def squared(some: Array, among: Array, width: int = 1) -> Iterator[tuple[slice, Array]]:
    """Yield blocks of rows of `some` (N, F) and their squared distances to `among` (M, F), each (B, M).

    They are too small by up to a 1e-13th of the squared lengths from the mean, so that rounding does not put a point
    outside of a ball on whose surface it lies. A block has at most 2²² distances, and 2²² / `width` rows.
    """
    centre = among.mean(0)
    to = among - centre
    lengths = np.square(to).sum(1) * (1 - 1e-13)
    step = max(1, _NUMBERS // max(len(among), width))
    for start in range(0, len(some), step):
        rows = slice(start, start + step)
        block = some[rows] - centre
        products = (-2 * block) @ to.T
        products += lengths
        products += np.square(block).sum(1, keepdims=True) * (1 - 1e-13)
        yield rows, products


def _least(squares: Array, count: int) -> NDArray[np.intp]:
    """Return where the `count` least of each row are, (B, count)."""
    if count == 1:
        return squares.argmin(1)[:, None]  # several times as fast
    return np.argpartition(squares, count - 1, axis=1)[:, :count]
