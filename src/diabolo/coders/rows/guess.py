"""What the hidden units of a net of rows say of one column, in whole numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from diabolo.codec.alphabets import Alphabets
from diabolo.codec.entropy import Counts
from diabolo.codec.exact import Whole, counts, counts_below, exponential
from diabolo.codec.exchange import Integers
from diabolo.coders.coder import Arrays
from diabolo.coders.rows.net import FLATTEST

HIGHEST = 256.0
"""The largest value of a hidden unit, in its whole numbers."""

_SLOWEST = 2**13  # sharpnesses below 0 that are told from each other
_ABSENT = 2**40  # how far below the likeliest a cell is that a group does not have


def _decays() -> Whole:
    """Return how fast counts decay, 2¹¹ being the steepest, at sharpnesses of 1 − 2¹³ to 0, in 1/256."""
    fine = exponential(np.arange(1.0 - _SLOWEST, 1.0)) - exponential(np.array([256.0 * FLATTEST]))
    return np.maximum(fine, 0) * 2.0**-13


_DECAYS = _decays()


class Spread(NamedTuple):
    """How counts of the cells of a column fall off, in S rows.

    Parameters
    ----------
    middle : ndarray (S,)
        Where they are largest, as measured.
    decay : ndarray (S,)
        How fast they decay with the distance from it.
    """

    middle: Whole
    decay: Whole


class Guess:
    """How often the groups of a column are expected, and its cells given the group.

    All sums are of whole multiples of a power of two, below 2⁵³ of them, and so exact in any order.

    Parameters
    ----------
    alphabets : Alphabets
        Of D columns.
    weights : dict of ndarray
        Those of `RowCoding`.
    column : int
        Which column.
    slots : slice
        Its groups, among those of all columns.
    """

    def __init__(self, alphabets: Alphabets, weights: Arrays, column: int, slots: slice) -> None:
        w, alphabet, expected = weights, alphabets.each[column], alphabets.expected[column]
        self._count = len(alphabet.sizes)
        self._weights = np.concatenate([w["readout"][slots], w["lean"][column][None], w["sharp"][:, column]]) * 2.0**-4
        begin = [w["offset"][slots] * 16 + alphabet.logits, w["start"][[column]] * 16]
        self._begin = np.concatenate([*begin, w["blunt"][:, column] * 16 + (_SLOWEST - 1)])[:, None]
        self._centres = alphabet.centres.astype(np.float64)[:, None]
        sharpest = np.maximum(self._weights[-2:], 0).sum(1) * HIGHEST + self._begin[-2:, 0]
        self._decays = (_DECAYS.take(sharpest.astype(np.intp), mode="clip") > 0).tolist()
        there = expected > -(2**62)
        self._middles = alphabets.middles[column].astype(np.float64)
        self._below = np.where(there, -expected, _ABSENT).astype(np.float64)
        self._there = None if there[alphabet.shared].all() else there.astype(np.float64)
        self._table = counts(expected) * there.astype(np.float64)

    def __call__(self, h: Whole, mean: Whole) -> tuple[Counts, Spread]:
        """Return how often each group is expected (S, K), and how counts of cells fall off.

        `h` are hidden units (S, H) in whole numbers, and `mean` linear middles (S,) in 1/256.
        """
        told = self._weights @ h.T  # (K + 3, S)
        told += self._begin
        told[-3] += mean
        np.floor(told, out=told)
        logits, middle = told[:-3], told[-3]
        slow, decay = _DECAYS.take(told[-2:].astype(np.intp), mode="clip")
        if self._count == 1:
            return np.ones((len(h), 1)), Spread(middle, decay)
        if self._decays[0]:
            logits -= _lost(self._centres - middle, slow)
        np.subtract(np.maximum.reduce(logits, 0), logits, out=logits)
        return counts_below(logits), Spread(middle, decay)

    def places(self, spread: Spread, rows: Integers | slice, group: Integers) -> Counts:
        """Return how often each cell is expected (R, W), of some rows (R,), given their groups (R,)."""
        if not self._decays[1]:
            return self._table.take(group, 0)
        whole = isinstance(rows, slice)
        below = self._middles.take(group, 0)
        below -= (spread.middle[rows] if whole else spread.middle.take(rows))[:, None]
        _lost(below, (spread.decay[rows] if whole else spread.decay.take(rows))[:, None])
        below += self._below.take(group, 0)
        below -= np.minimum.reduce(below, 1, keepdims=True)
        found = counts_below(below.T)
        if self._there is not None:
            found *= self._there.take(group, 0)
        return found


def _lost(distance: Whole, decay: Whole) -> Whole:
    """Return how much is lost at distances, in 1/256 nat, where counts decay so fast; in place."""
    np.abs(distance, out=distance)
    distance *= decay
    return np.floor(distance, out=distance)
