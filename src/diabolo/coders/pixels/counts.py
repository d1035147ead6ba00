"""`PixelNet` in whole numbers: how often each value of a pixel is expected, the same on every machine."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.exact import Whole, counts, demand_exact, exponential, shifted
from diabolo.coders.coder import Arrays
from diabolo.coders.pixels.net import BLUNTEST, CURVES, LARGEST, SHARPEST, STEPS, bent
from diabolo.coders.pixels.shades import SHARE, VALUES, Integers, Shades
from diabolo.errors import FileError

_UNIT = 2**24  # what a distribution sums to
_PARTS = 2**12  # what the shares of a mixture sum to
_END = 12 * 2**10  # arguments of a curve are whole multiples of 1/1024, up to 12
_FARTHEST = 2**20  # where a curve may have its middle


class PixelCounts:
    """What `PixelNet` describes, for the pixels of one channel, with weights that are whole numbers of its steps.

    Parameters
    ----------
    known : int
        How many values are known around a pixel.
    shades : Shades
        The cells of the values.
    weights : dict of ndarray
        By the names of `STEPS`.

    Raises
    ------
    FileError
        If the weights do not fit, or would not be exact.
    """

    def __init__(self, known: int, shades: Shades, weights: Arrays) -> None:
        _check(known, shades, weights)
        self.shades = shades
        self.weights = {name: np.asarray(weights[name]).astype(np.float64) for name in STEPS}
        self._bent = bent().astype(np.float64)

    def guess(self, around: NDArray[np.uint8], row: int | Integers, column: int | Integers) -> Guess:
        """Return what is expected of pixels with so much known around them (S, F), in rows and columns (S,)."""
        w = self.weights
        values = around.astype(np.int64)
        left, apart = values[:, :1], values - values[:, :1]
        h = self._hidden(self._bent[apart + VALUES - 1], left, row, column)
        told = shifted(h @ w["readout"].T + w["offset"] * 256, 4)  # (S, 2·CURVES + 1 + K), in 1/256
        lean = h @ w["lean"][:, :-1].T + w["lean"][:, -1] * 256  # in 2⁻⁹ of a value
        linear = apart.astype(np.float64) @ w["linear"].T  # in 2⁻⁸ of a value
        middle = left * 256 + linear + shifted(lean, 1)
        return Guess(self.shades, middle, told)

    def _hidden(self, seen: Whole, left: Integers, row: int | Integers, column: int | Integers) -> Whole:
        """Return hidden units (S, H + G), in 1/256."""
        w = self.weights
        total = seen @ w["first"][:, :-1].T * 2 + left * w["first"][:, -1] + w["begin"] * 256  # in 2⁻¹³
        if len(w["rows"]):
            at = [np.minimum(i, len(w[name]) - 1) for i, name in ((row, "rows"), (column, "columns"))]
            total = total + (w["rows"][at[0]] + w["columns"][at[1]]) * 512
        h = _clipped(shifted(total + 16, 5), 0, 256)
        g = _clipped(shifted(h @ w["second"].T + w["between"] * 256 + 16, 5), 0, 256)
        return np.concatenate([h, g], 1)

    def state(self) -> Arrays:
        """Return the weights as whole numbers, and the cells."""
        whole = {name: value.astype(np.int64) for name, value in self.weights.items()}
        return {**whole, **{f"shades.{name}": value for name, value in self.shades.arrays().items()}}


class Guess:
    """What is expected of pixels: first of the cells of values, then of the values of a cell.

    Parameters
    ----------
    shades : Shades
        The cells.
    middle : Whole (S, M)
        Of each curve, in 1/256 of a value.
    told : Whole (S, 2·M + 1 + K)
        Logarithms in 1/256: how steep curves are, what shares they have, and the table, and how often it has each cell.
    """

    def __init__(self, shades: Shades, middle: Whole, told: Whole) -> None:
        self.shades, self._middle = shades, _clipped(middle, -_FARTHEST, _FARTHEST).astype(np.int64)[..., None]
        self._steep = exponential(_clipped(told[:, :CURVES], BLUNTEST, SHARPEST) - SHARPEST)[..., None]
        shares = _normal(counts(told[:, CURVES : 2 * CURVES + 1]), _PARTS)
        self._shares, self._tabled = shares[:, :CURVES, None], shares[:, CURVES:]
        self._table = _normal(counts(told[:, 2 * CURVES + 1 :]), _UNIT)

    def cells(self) -> Integers:
        """Return how often each cell is expected (S, K)."""
        mass = self._between(slice(None), self.shades.bounds) + self._tabled * self._table
        return (mass >> 16) + 1  # of 2³⁶, 2²⁰

    def places(self, rows: Integers, cells: Integers) -> Integers:
        """Return how often each value of a cell is expected (R, W), given the cell, for R of the pixels."""
        mass = self._between(rows, self.shades.ends[cells][:, None])
        table = self._tabled[rows, 0] * self._table[rows, cells] // SHARE  # (R,)
        mass += table[:, None] * self.shades.shares[cells]
        return (mass << 20) // (mass.sum(1, keepdims=True) + 1) + 1

    def _between(self, rows: Any, ends: Integers) -> Integers:
        """Return what the curves have between neighbouring ends (R, 1, E), each (R, E − 1), times 2³⁶."""
        argument = (ends - self._middle[rows]) * self._steep[rows] >> 18  # (R, M, E)
        argument += _END
        below = _curve().take(argument, mode="clip")
        below *= self._shares[rows]
        total = below.sum(1)
        return total[:, 1:] - total[:, :-1]


def _clipped(numbers: Whole, low: int, high: int) -> Whole:
    return np.minimum(np.maximum(numbers, low), high)  # several times as fast as np.clip for few numbers


def _normal(often: Integers, total: int) -> Integers:
    """Return counts (S, K) as shares that sum to `total` at most."""
    return often * total // often.sum(1, keepdims=True)


@cache
def _curve() -> Integers:
    """Return 2²⁴·σ(i / 1024) for i from −12·1024 to 12·1024, by whole numbers alone; 0 and 2²⁴ at the ends."""
    ratio, one = 4607184617107619805, 2**62  # ratio = ⌊2⁶² · exp(−1/1024)⌋
    power, found = one, []
    for _ in range(_END):
        found.append(_UNIT * power // (one + power))  # of −i / 1024
        power = power * ratio // one
    below = np.array([*found, 0])[::-1]
    return np.concatenate([below, _UNIT - below[-2::-1]])


def _check(known: int, shades: Shades, weights: Arrays) -> None:
    """Raise FileError unless the weights fit each other, and all sums are exact."""
    foreign = FileError("The file describes a net of pixels that does not fit its images; it was edited or is foreign.")
    if set(weights) != set(STEPS) or not all(map(_small, weights.values())):
        raise foreign
    shapes = {name: np.shape(weight) for name, weight in weights.items()}
    one, two, told = shapes["begin"], shapes["between"], 2 * CURVES + 1 + len(shades.sizes)
    if len(one) != 1 or len(two) != 1 or not one[0] or not two[0]:
        raise foreign
    rows, columns = shapes["rows"][:1], shapes["columns"][:1]
    expected = {
        "first": (*one, known + 1),
        "begin": one,
        "rows": (*rows, *one),
        "columns": (*columns, *one),
        "second": (*two, *one),
        "between": two,
        "readout": (told, one[0] + two[0]),
        "offset": (told,),
        "linear": (1, known),
        "lean": (CURVES, one[0] + two[0] + 1),
    }
    if shapes != expected or (rows[0] == 0) != (columns[0] == 0):
        raise foreign
    for name in ("first", "second", "readout", "lean", "linear"):
        demand_exact(np.asarray(weights[name]).T, 2**9, 2.0**36)


def _small(weight: Any) -> bool:
    array = np.asarray(weight)
    return array.dtype.kind in "iu" and bool((np.abs(array.astype(np.float64)) <= LARGEST).all())
