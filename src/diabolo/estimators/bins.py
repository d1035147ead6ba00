"""Bins: a column of numbers cut at its quantiles, so that whatever its distribution each bin is as frequent."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.errors import FileError

Array = NDArray[Any]

_BINS, _EACH = 32, 20
"""Bins of a column, about, and training values in each, at least on average."""

_FEW = 16
"""Different values of a bin, such as whole numbers, up to which each has a knot."""

_INSIDE = np.linspace(0, 1, 9)
_OUTWARD = 0.5 ** np.arange(4, 10)
"""Shares of the values of a bin at which its knots lie, and those added at the outer ends, where tails may be long."""


@dataclass(frozen=True)
class Bins:
    """Where numbers lie: at a value that repeats, within a bin, or elsewhere.

    A value that is as frequent as a whole bin has one of its own. All others are cut at their quantiles. Within a bin
    numbers are spread as in training, by straight lines between quantiles; elsewhere, where no number was in training,
    they have the tails of Cauchy's distribution about the middle of all.

    Parameters
    ----------
    knots : tuple of tuples of float
        Of each bin, rising: one value, or where the bin begins, quantiles at equal shares or as `shares` has them, and
        where it ends.
    shares : tuple of tuples of float
        Which share of the bin lies below each knot.

    Examples
    --------
    >>> bins = Bins.of(np.array([0.0] * 60 + [1.5, 2.5, 3.5, 4.5] * 10), parts=None)
    >>> bins.width  # zero, two of the others, and elsewhere
    4
    >>> bins.encode(np.array([0.0, 2.0, 4.0, 9.0]))[0].tolist()
    [0, 1, 2, 3]
    """

    knots: tuple[tuple[float, ...], ...]
    shares: tuple[tuple[float, ...], ...]

    @staticmethod
    def of(numbers: Array, parts: int | None) -> Bins:
        """Return the bins of training numbers (N,), finite, multiples of one over `parts` if that is given."""
        values, counts = np.unique(numbers, return_counts=True)
        if not len(values):
            return Bins((), ())
        most = len(numbers) / max(1, min(_BINS, len(numbers) // _EACH))  # values of a bin
        found = []
        for start, stop, alone in _runs(counts >= most):
            if alone:
                found += [(np.array([value]), np.ones(1)) for value in values[start:stop]]
            else:
                end = values[start:stop][-1] + 1 / parts if parts else values[start:stop][-1]
                found += _cut(np.repeat(values[start:stop], counts[start:stop]), end, most, 1 / parts if parts else 0.0)
        found[0], found[-1] = _refined(found[0], numbers, False), _refined(found[-1], numbers, True)
        return Bins(*(tuple(tuple(part.tolist()) for part in each) for each in zip(*found, strict=True)))

    @property
    def width(self) -> int:
        """How many bins there are, and one for elsewhere."""
        return len(self.knots) + 1

    def encode(self, numbers: Array) -> tuple[Array, Array]:
        """Return in which bin each number (N,) lies, the last one being elsewhere, and at which place in it, 0 to 1."""
        which, place = np.full(len(numbers), len(self.knots)), self._beyond(numbers)
        for k, (knots, shares) in enumerate(zip(self.knots, self.shares, strict=True)):
            if len(knots) == 1:
                here = numbers == knots[0]
                place[here] = 0.5
            else:
                here = (knots[0] <= numbers) & (numbers <= knots[-1])  # where the next begins, it takes over
                place[here] = np.interp(numbers[here], knots, shares).clip(0, 1)
            which[here] = k
        return which, place

    def decode(self, shares: Array, place: Array) -> Array:
        """Return numbers (N,): of the bins, weighted by their shares (N, width), what is at a place (N,) in each."""
        weights = shares / np.maximum(shares.sum(1, keepdims=True, dtype=np.float64), 1e-300)
        found = np.zeros(len(shares))
        for k in range(self.width):
            here = weights[:, k] > 0
            found[here] += weights[here, k] * self._at(k, place[here])
        return found

    def log_density(self, which: Array, place: Array) -> Array:
        """Return how dense numbers (N,) are within their bins: 0 for values that have one of their own."""
        found = np.zeros(len(which))
        _, spread = self._whole
        for k in range(self.width):
            here = which == k
            if k == len(self.knots):
                far = np.tan(np.pi * (place[here] - 0.5))
                found[here] = -np.log(np.pi * spread) - np.log1p(np.square(far))
            elif len(self.knots[k]) > 1:
                slopes = np.log(np.diff(self.shares[k])) - np.log(np.diff(self.knots[k]))
                at = np.searchsorted(self.shares[k], place[here], "right") - 1
                found[here] = slopes[at.clip(0, len(slopes) - 1)]
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the bins as plain JSON values."""
        return {"knots": [list(each) for each in self.knots], "shares": [list(each) for each in self.shares]}

    @staticmethod
    def from_json(plain: Any) -> Bins:
        """Return what `to_json` described.

        Raises
        ------
        FileError
            If it is no such description.
        """
        knots, shares = (tuple(tuple(map(float, each)) for each in plain[key]) for key in ("knots", "shares"))
        sound = all(len(a) == len(b) > 0 for a, b in zip(knots, shares, strict=True))
        rising = (np.diff(each) for part in (knots, shares) for each in part)
        if not sound or not all((step > 0).all() for step in rising):
            raise FileError("it does not describe bins")
        return Bins(knots, shares)

    @property
    def _end(self) -> float:
        return self.knots[-1][-1] if self.knots else 0.0

    @property
    def _whole(self) -> tuple[float, float]:
        """The middle of all numbers, and half their range."""
        low = self.knots[0][0] if self.knots else 0.0
        return (low + self._end) / 2, (self._end - low) / 2 or max(abs(low), 1.0)

    def _beyond(self, numbers: Array) -> Array:
        middle, spread = self._whole
        return 0.5 + np.arctan((numbers - middle) / spread) / np.pi

    def _at(self, k: int, place: Array) -> Array:
        if k < len(self.knots):
            return np.interp(place, self.shares[k], self.knots[k])
        middle, spread = self._whole
        return middle + spread * np.tan(np.pi * (place.clip(1e-9, 1 - 1e-9) - 0.5))


def _runs(alone: Array) -> Iterator[tuple[int, int, bool]]:
    """Yield where runs of values begin and end that have bins of their own, or have not."""
    ends = [*(np.flatnonzero(np.diff(alone)) + 1).tolist(), len(alone)]
    for start, stop in zip([0, *ends], ends, strict=False):
        yield start, stop, bool(alone[start])


def _cut(numbers: Array, end: float, most: float, step: float) -> list[tuple[Array, Array]]:
    """Return the knots of bins of rising numbers (N,) with about `most` in each, the last one ending at `end`.

    Bins do not reach over a gap that is wider than they are, beyond the next of numbers that are a `step` apart.
    """
    count = max(1, round(len(numbers) / most))
    starts = np.unique(numbers[[_edge(numbers, k * len(numbers) / count, most / 2, step) for k in range(count)]])
    found = []
    for low, high in zip(starts, [*starts[1:], end], strict=True):
        own = numbers[np.searchsorted(numbers, low) : np.searchsorted(numbers, high if high > low else np.inf)]
        if high < end and 0 < own[-1] - low < high - own[-1] - step:  # what lies in the gap is elsewhere
            high = own[-1] + (step or (own[-1] - low) / len(own))
        found.append(_knots(own, low, high, _INSIDE))
    return found


def _edge(numbers: Array, place: float, reach: float, step: float) -> int:
    """Return before which of rising numbers (N,) to cut: at a place, or at a gap within reach wider than all others."""
    first, last = max(1, math.ceil(place - reach)), min(len(numbers) - 1, math.floor(place + reach))
    if not place or first > last:
        return int(place)
    gaps = (np.diff(numbers[first - 1 : last + 1]) - step).clip(0)
    return first + int(gaps.argmax()) if gaps.max() > gaps.sum() / 2 else int(place)


def _knots(numbers: Array, low: float, high: float, shares: Array) -> tuple[Array, Array]:
    """Return knots of a bin from low to high, and which share of its numbers lies below each: of few values, of all."""
    if low == high:
        return np.array([low]), np.ones(1)
    values, counts = np.unique(numbers, return_counts=True)
    if len(values) <= _FEW:
        return np.append(values, high), np.append(0, counts.cumsum() / len(numbers))
    inner = np.quantile(numbers, shares[1:-1])
    each, first = np.unique([low, *inner, high], return_index=True)
    keep = each < high
    return np.append(each[keep], high), np.append(shares[first[keep]], 1.0)


def _refined(bin: tuple[Array, Array], numbers: Array, upper: bool) -> tuple[Array, Array]:
    """Return an outermost bin with more knots towards its end."""
    low, high = bin[0][0], bin[0][-1]
    if low == high:
        return bin
    own = numbers[(low <= numbers) & (numbers < high)]
    return _knots(own, low, high, np.unique(np.concatenate([_INSIDE, 1 - _OUTWARD if upper else _OUTWARD])))
