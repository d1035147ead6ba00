"""Where a missing number may lie: bins of a column with their probabilities, turned into what is asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.errors import FileError
from diabolo.estimators.bins import Bins

Array = NDArray[Any]

_TAILS = 7
"""Intervals of one probability that are compared, to take the shortest."""


@dataclass(frozen=True, eq=False)
class Spread:
    """How the numbers of a column lie, in bins of about the same frequency.

    Parameters
    ----------
    bins : Bins
        Of the numbers themselves, or of what they are off from what is expected linearly, in standard deviations.
    apart : bool
        Whether it is the latter.
    means, squares : ndarray (K,)
        Mean and mean square of the training numbers in each bin.

    Examples
    --------
    >>> spread = Spread.of(np.arange(200.0), None, False)
    >>> p = np.full((1, spread.width), 1 / spread.width)
    >>> float(spread.mean(p)[0].round(6)), float(spread.quantile(p, np.array([0.5]))[0, 0].round())
    (99.5, 100.0)
    """

    bins: Bins
    apart: bool
    means: Array
    squares: Array

    @staticmethod
    def of(numbers: Array, parts: int | None, apart: bool) -> Spread:
        """Return how training numbers (N,) lie, multiples of one over `parts` if that is given."""
        numbers = numbers.astype(np.float64)  # squares of small integers are none of these
        bins = Bins.of(numbers, parts)
        which = _which(bins, numbers)
        count = np.maximum(np.bincount(which, minlength=len(bins.knots)), 1)
        means, squares = (
            np.bincount(which, weights, len(bins.knots)) / count for weights in (numbers, np.square(numbers))
        )
        return Spread(bins, apart, means, squares)

    @property
    def width(self) -> int:
        """How many bins there are."""
        return len(self.bins.knots)

    def which(self, numbers: Array) -> Array:
        """Return the bin of each number (N,), the outermost for those beyond."""
        return _which(self.bins, numbers)

    def mean(self, p: Array) -> Array:
        """Return the expected number (N,) for probabilities p (N, K)."""
        return p @ self.means

    def deviation(self, p: Array) -> Array:
        """Return the standard deviation (N,)."""
        return np.sqrt(np.maximum(p @ self.squares - np.square(self.mean(p)), 0))

    def quantile(self, p: Array, level: Array) -> Array:
        """Return the numbers (N, L) below which lie probabilities `level` (L,), or (N, L)."""
        below = p.cumsum(1)
        below /= below[:, -1:]
        level = np.broadcast_to(level, (len(p), level.shape[-1]))
        chosen = (below[:, :, None] < level[:, None, :]).sum(1).clip(max=self.width - 1)  # (N, L)
        end = np.take_along_axis(below, chosen, 1)
        start = np.where(chosen > 0, np.take_along_axis(below, np.maximum(chosen - 1, 0), 1), 0.0)
        place = ((level - start) / np.maximum(end - start, 1e-300)).clip(0, 1)
        return np.interp(2 * chosen + place, *self._curve)

    def interval(self, p: Array, share: float) -> tuple[Array, Array]:
        """Return ends (N,) between which lies the probability `share`: of some such intervals the shortest."""
        starts = np.linspace(0, 1 - share, _TAILS)
        low, high = np.split(self.quantile(p, np.append(starts, starts + share)), 2, axis=1)
        best = np.arange(len(p)), (high - low).argmin(1)
        return low[best], high[best]

    @cached_property
    def _curve(self) -> tuple[Array, Array]:
        """Where all knots lie if bin k reaches from 2k to 2k + 1, and the knots: quantiles are on the line between."""
        shares = [2 * k + np.array(own) for k, own in enumerate(self.bins.shares)]
        return np.concatenate(shares), np.concatenate(self.bins.knots)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return self.bins.to_json() | {
            "apart": self.apart,
            "means": self.means.tolist(),
            "squares": self.squares.tolist(),
        }

    @staticmethod
    def from_json(plain: Any) -> Spread:
        """Return what `to_json` described.

        Raises
        ------
        FileError
            If it is no such description.
        """
        found = Spread(Bins.from_json(plain), plain["apart"], np.array(plain["means"]), np.array(plain["squares"]))
        sound = len(found.means) == len(found.squares) == found.width > 0 and isinstance(found.apart, bool)
        if not sound or not np.isfinite([found.means, found.squares]).all():
            raise FileError("it does not describe how the numbers of a column lie")
        return found


def _which(bins: Bins, numbers: Array) -> Array:
    starts = np.array([knots[0] for knots in bins.knots])
    return (np.searchsorted(starts, numbers, "right") - 1).clip(0)
