"""What a model says of the missing cells of one column of a table: best guesses, draws, deviations, intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.estimators.columns import Column
from diabolo.estimators.imputation.spreads import Spread

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class View:
    """What is known of the missing cells of one column.

    Parameters
    ----------
    place : int
        Which column.
    column : Column
        That column.
    spread : Spread or None
        How its numbers lie; None for categories.
    trust : float
        How far its means lie from the line, 0, to the means of its bins, 1.
    p : ndarray (G, K)
        Probabilities of its bins, or categories.
    base, unit : ndarray (G,)
        What is added to the numbers of the spread times the unit, to have those of the user.
    linear : ndarray (G,)
        What is expected linearly, in units of the user.

    Examples
    --------
    >>> spread = Spread.of(np.arange(1.0, 21.0), None, False)
    >>> one, p = np.ones(1), np.full((1, spread.width), 1 / spread.width)
    >>> View(0, Column("a", "number", 1.0, 20.0), spread, 0.5, p, 0 * one, one, 2.5 * one).mean.tolist()
    [6.5]
    """

    place: int
    column: Column
    spread: Spread | None
    trust: float
    p: Array
    base: Array
    unit: Array
    linear: Array

    def every(self, step: int) -> View:
        """Return what is known of some of the cells, at equal distances."""
        p, base, unit, linear = (each[::step] for each in (self.p, self.base, self.unit, self.linear))
        return replace(self, p=p, base=base, unit=unit, linear=linear)

    @property
    def mean(self) -> Array:
        """Means of the numbers (G,), within their range: `trust` of the way from the line to those of the bins."""
        if self.spread is None:
            return self.linear
        mean = self.base + self.unit * self.spread.mean(self.p)
        return (self.linear + self.trust * (mean - self.linear)).clip(self.column.low, self.column.high)

    def guess(self, strategy: str) -> Array:
        """Return the best guess, as the user has cells: mean or median of numbers, the most probable category."""
        if self.spread is None:
            return self._categories(self.p.argmax(1))
        if strategy == "median":
            return self._cells(self._quantile(np.full((len(self.p), 1), 0.5)))
        return self._cells(self.mean)

    def uncertainty(self) -> Array:
        """Return the standard deviation of numbers, in units of the user (dates: days), or the entropy in nats."""
        if self.spread is None:
            return -(self.p * np.log(np.maximum(self.p, 1e-300))).sum(1)
        return self.unit * self.spread.deviation(self.p)

    def ends(self, level: float) -> tuple[Array, Array]:
        """Return the ends of intervals, as the user has cells; of categories, which have none, the best guess twice."""
        if self.spread is None:
            guess = self._categories(self.p.argmax(1))
            return guess, guess
        low, high = self.interval(level)
        return self._cells(low), self._cells(high)

    def interval(self, level: float) -> tuple[Array, Array]:
        """Return numbers (G,) between which lies so much probability."""
        spread, parts = self.spread, self.column.parts
        if spread is None:
            return self.base, self.base
        low, high = (self.base + self.unit * end for end in spread.interval(self.p, level))
        if parts is not None and not spread.apart:  # a bin ends where the next value begins
            low, high = (np.floor(end * parts + 1e-3) / parts + 0.0 for end in (low, high))
        return low.clip(self.column.low, self.column.high), high.clip(self.column.low, self.column.high)

    def draw(self, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return drawn cells as the user has them, and as the columns are encoded from."""
        level = rng.random((len(self.p), 1))
        if self.spread is not None:
            numbers = self._quantile(level)
            return self._cells(numbers), numbers
        which = (self.p.cumsum(1) < level).sum(1).clip(max=self.p.shape[1] - 1)
        return self._categories(which), np.array(self._known, dtype=object)[which]

    def _quantile(self, level: Array) -> Array:
        """Return the numbers below which lies the probability `level`, such as there were in training."""
        spread, column = self.spread, self.column
        numbers = self.base + self.unit * spread.quantile(self.p, level)[:, 0] if spread is not None else self.base
        if column.parts is not None:
            whole = np.round if spread is not None and spread.apart else np.floor
            numbers = whole(numbers * column.parts + (0 if whole is np.round else 1e-3)) / column.parts + 0.0
        return numbers.clip(column.low, column.high)

    def _cells(self, numbers: Array) -> Array:
        """Return numbers (G,) as the user has cells: dates where they are days since 1970."""
        if self.column.content == "number":
            return numbers
        step = 86_400 / (self.column.parts or 86_400)  # seconds
        return (np.round(numbers * 86_400 / step) * step).astype(np.int64).astype("M8[s]").astype("M8[us]")

    def _categories(self, which: Array) -> Array:
        """Return what the user has for categories (G,)."""
        of_text: dict[str, Any] = dict(zip(self.column.texts, self.column.values, strict=True))
        values = np.empty(len(which), dtype=object)
        values[:] = [of_text[self._known[k]] for k in which.tolist()]
        return values

    @property
    def _known(self) -> tuple[str, ...]:
        """The categories that are told apart."""
        return () if self.column.field is None else self.column.field.categories
