"""The 256 values of a byte in cells of neighbours, and how often each is expected within its cell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.alphabet import CELLS, GROUPS, gathered
from diabolo.codec.exact import POWERS
from diabolo.errors import FileError

Integers = NDArray[np.int64]

VALUES = 256
"""How many values a byte has."""

SHARE = 2**10
"""How finely the share of a value in its cell is told."""

_BEYOND = 2**30  # the lowest and the highest value have all that is beyond them
_PARTS = 8  # weights are logarithms in eighths of a nat


@dataclass(frozen=True, eq=False)
class Shades:
    """Values of a byte, told by their cell, and by their place in it; frequent ones have a cell of their own.

    Parameters
    ----------
    weights : ndarray of int64 (256,)
        How often each value is expected: the logarithm in eighths of a nat, the largest 0, the others below.
    sizes : ndarray of int64 (K,)
        How many values each cell has.

    Examples
    --------
    >>> shades = Shades.of(np.bincount([0] * 90 + [255] * 9, minlength=256))
    >>> shades.sizes.tolist()
    [1, 32, 32, 32, 32, 32, 32, 32, 30, 1]
    >>> shades.owner[[0, 1, 33, 255]].tolist(), shades.place[[0, 1, 33, 255]].tolist()
    ([0, 1, 2, 9], [0, 0, 0, 0])
    """

    weights: Integers
    sizes: Integers

    @staticmethod
    def of(counts: Integers) -> Shades:
        """Return cells for values that are there so often (256,)."""
        seen = counts + (counts.sum() + 1) * 2.0**-17  # what is not there may still come
        weights = np.rint(_PARTS * np.log(seen / seen.max())).astype(np.int64)
        return Shades(np.maximum(weights, 1 - VALUES), gathered(seen, seen >= seen.sum() / GROUPS, CELLS))

    @cached_property
    def first(self) -> Integers:
        """The first value of each cell (K,), and what comes after the last."""
        return np.append(0, np.cumsum(self.sizes))

    @cached_property
    def owner(self) -> Integers:
        """The cell of each value (256,)."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @cached_property
    def place(self) -> Integers:
        """The place of each value (256,) in its cell."""
        return np.arange(VALUES) - self.first[self.owner]

    @cached_property
    def edges(self) -> Integers:
        """The values of each cell, and the one after (K, W + 1): the last is repeated in cells that have fewer."""
        return np.minimum(self.first[:-1, None] + np.arange(self.sizes.max() + 1), self.first[1:, None])

    @cached_property
    def bounds(self) -> Integers:
        """Where each cell begins (K,), and where the last one ends, in 1/256 of a value: half a value below it."""
        return _halves(self.first)

    @cached_property
    def ends(self) -> Integers:
        """Where the values of each cell begin and end (K, W + 1), in 1/256 of a value."""
        return _halves(self.edges)

    @cached_property
    def shares(self) -> Integers:
        """The share of each value (K, W) in its cell, in 1/1024: at least one of these where there is a value."""
        low, high = self.edges[:, :-1], self.edges[:, 1:]
        often = np.where(high > low, POWERS[np.minimum(-32 * self.weights, len(POWERS) - 1)][np.minimum(low, 255)], 0)
        return np.where(high > low, np.maximum(often * SHARE // often.sum(1, keepdims=True), 1), 0)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return it as arrays of small numbers."""
        return {"weights": -self.weights, "sizes": self.sizes}

    @staticmethod
    def from_arrays(arrays: dict[str, NDArray[Any]]) -> Shades:
        """Return what `arrays` described.

        Raises
        ------
        FileError
            If it is none.
        """
        weights, sizes = (np.asarray(arrays.get(name, ())) for name in ("weights", "sizes"))
        whole = all(a.ndim == 1 and a.dtype.kind in "iu" for a in (weights, sizes))
        sound = whole and len(weights) == VALUES and weights.min() == 0 and weights.max() < VALUES
        if not sound or not 0 < len(sizes) <= VALUES or not 0 < sizes.min() <= sizes.max() <= VALUES == sizes.sum():
            raise FileError("The file describes values that no byte has; it was edited or is foreign.")
        return Shades(-weights.astype(np.int64), sizes.astype(np.int64))


def _halves(edges: Integers) -> Integers:
    return np.where(edges <= 0, -_BEYOND, np.where(edges >= VALUES, _BEYOND, edges * 256 - 128))
