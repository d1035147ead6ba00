"""The net of rows in whole numbers: what its hidden units add up, and what they say of each column."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from diabolo.codec.alphabets import Alphabets
from diabolo.codec.entropy import Counts
from diabolo.codec.exact import Whole
from diabolo.codec.exchange import Integers
from diabolo.coders.coder import Arrays
from diabolo.coders.rows.addends import Addends, Together
from diabolo.coders.rows.guess import HIGHEST, Guess, Spread


class Row(NamedTuple):
    """What is known of S rows, one of each lane.

    Parameters
    ----------
    u : ndarray (D, S)
        The levels as measured.
    sums : ndarray (S, H + B·H)
        What is added up in their hidden units, and what they add to those of each of the B rows after them, if wanted.
    mean : ndarray (D, S)
        The middle of each column, as far as the rows before say it, in 1/256.
    """

    u: Whole
    sums: Whole
    mean: Whole


Past = tuple[Whole, Whole]
"""Of rows before, their levels as measured (D, S), and what they add to the hidden units of those after them (S, H)."""


class Sums:
    """The weights of a net of rows as they are used: in units of what they add to, which are powers of two.

    Parameters
    ----------
    alphabets : Alphabets
        Of D columns.
    weights : dict of ndarray
        Those of `RowCoding`.
    """

    def __init__(self, alphabets: Alphabets, weights: Arrays) -> None:
        self.alphabets, self._weights = alphabets, weights
        self.before, self.hidden = len(weights["embed"]) - 1, weights["embed"].shape[2]
        sizes = np.array(alphabets.sizes)
        self._slots = [slice(*ends) for ends in zip(np.cumsum(sizes) - sizes, np.cumsum(sizes), strict=True)]
        self._within = [row[:column] * 2.0**-8 for column, row in enumerate(weights["linear"][0])]
        self._begin, self._linear = weights["begin"] * 2.0**3, weights["linear"] * 2.0**-8

    @cached_property
    def own(self) -> dict[int, Addends]:
        """What each column adds to the hidden units of its row."""
        return {i: self._addends(i, slice(0, 1)) for i in self.alphabets.wide}

    @cached_property
    def later(self) -> Together:
        """What the columns that are wide add to the hidden units of the rows after theirs, side by side."""
        embeds, slopes = zip(*(self._weighed(i, slice(1, None)) for i in self.alphabets.wide), strict=True)
        return Together(embeds, np.stack(slopes))

    @cached_property
    def all(self) -> dict[int, Addends]:
        """What each column adds to both, side by side."""
        return {i: self._addends(i, slice(None)) for i in self.alphabets.wide} if self.before else self.own

    @cached_property
    def _guesses(self) -> dict[int, Guess]:
        return {i: Guess(self.alphabets, self._weights, i, self._slots[i]) for i in self.alphabets.wide}

    def _addends(self, column: int, lags: slice) -> Addends:
        return Addends(*self._weighed(column, lags))

    def _weighed(self, column: int, lags: slice) -> tuple[Whole, Whole]:
        """Return what the groups of a column add to rows so far after it (K, L·H), and its measure (L·H,)."""
        embed, slope = self._weights["embed"][lags, self._slots[column]], self._weights["slope"][lags, column]
        return np.concatenate(list(embed), 1), slope.ravel()

    def row(self, count: int, past: Sequence[Past], ahead: int) -> Row:
        """Return so many rows of which nothing is known yet but the rows before, the last first.

        These may be of more lanes than have another row: the first count. What the rows add to those after them is
        added up for so many rows `ahead`.
        """
        hidden, columns = self.hidden, len(self.alphabets.each)
        row = Row(np.zeros((columns, count)), np.zeros((count, (1 + ahead) * hidden)), np.zeros((columns, count)))
        row.sums[:, :hidden] = self._begin
        for lag, (u, added) in enumerate(past, 1):
            row.sums[:, :hidden] += added[:count]
            row.mean[:] += self._linear[lag] @ u[:, :count]
        return row

    def past(self, rows: Sequence[Row]) -> list[Past]:
        """Return what is known of rows before, the last first, by those after them."""
        places = (slice(lag * self.hidden, (lag + 1) * self.hidden) for lag in range(1, len(rows) + 1))
        return [(row.u, row.sums[:, place]) for row, place in zip(rows, places, strict=True)]

    def said(self, column: int, row: Row, rows: slice) -> tuple[Counts, Spread]:
        """Return what is said of a column in some of these rows, of which the columns before are known."""
        h = np.floor(row.sums[rows, : self.hidden])
        np.minimum(h, HIGHEST, out=h)
        np.maximum(h, 0.0, out=h)
        mean = self._within[column] @ row.u[:column, rows]
        mean += row.mean[column, rows]
        return self._guesses[column](h, mean)

    def places(self, column: int, spread: Spread, rows: Integers | slice, group: Integers) -> Counts:
        """Return how often each cell of a column is expected (R, W), of some rows (R,), given their groups (R,)."""
        return self._guesses[column].places(spread, rows, group)
