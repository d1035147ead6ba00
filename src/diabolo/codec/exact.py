"""Arithmetic that gives the same bits on every machine: whole numbers, in floating point where that is exact.

A net's floating point outputs differ in their last bits from machine to machine, and one differing probability makes
garbage of all that is decoded after it. Sums of products of whole numbers do not differ, in whatever order they are
added, as long as they stay below 2⁵³. So nets that decide probabilities have whole weights and activations.

Reference: Ballé, Johnston, Minnen, "Integer networks for data compression with latent-variable models", ICLR 2019.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diabolo.errors import FileError

Whole = NDArray[np.float64]
"""Whole numbers in float64, where products and sums of them below 2⁵³ are exact."""

UNIT = 256
"""Logits are whole numbers: so many of them are one nat."""

TOP = 2**16
"""The count of the likeliest symbol; none has less than 1."""


def _powers(top: int) -> NDArray[np.int64]:
    """Return top · exp(−d / 256) for d = 0, 1, …, rounded, down to 1, by whole numbers alone."""
    ratio, one = 4593706758521714574, 2**62  # ratio = ⌊2⁶² · exp(−1/256)⌋
    found, power = [], one
    while (count := (power * top + one // 2) // one) > 1:
        found.append(count)
        power = power * ratio // one
    return np.array([*found, 1])


POWERS = _powers(TOP)
"""2¹⁶·exp(−d / 256) for d = 0, 1, …; the last is 1."""

_FINE = _powers(2**24)
_COUNTS = POWERS.astype(np.float64)


def counts_below(below: Whole) -> Whole:
    """Return counts (S, K), as the coder takes them, of so many units of 1/256 nat (K, S) below the likeliest: whole.

    Examples
    --------
    >>> counts_below(np.array([[0.0], [256.0], [1e6]])).tolist()
    [[65536.0, 24109.0, 1.0]]
    """
    return _COUNTS.take(below.T.astype(np.intp, order="C"), mode="clip")


def counts(logits: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Return counts (..., K) proportional to the exponentials of whole logits (..., K), in units of 1/256 nat.

    Examples
    --------
    >>> counts(np.array([[0, 0], [256, 0], [0, 10**6]])).tolist()
    [[65536, 65536], [65536, 24109], [1, 65536]]
    """
    below = np.minimum(logits.max(-1, keepdims=True) - logits, len(POWERS) - 1)
    return POWERS[below.astype(np.int64)]


def exponential(exponents: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return 2²⁴·exp(s / 256), rounded, of whole s, those above 0 taken for 0; 1 at least.

    Examples
    --------
    >>> exponential(np.array([0.0, -256.0, 9.0])).tolist()
    [16777216, 6171993, 16777216]
    """
    return _FINE[np.clip(-exponents, 0, len(_FINE) - 1).astype(np.int64)]


def shifted(sums: Whole | NDArray[np.int64], bits: int) -> Whole:
    """Return ⌊s / 2^bits⌋, exactly.

    Examples
    --------
    >>> shifted(np.array([-1.0, 8.0, 15.0]), 3).tolist()
    [-1.0, 1.0, 1.0]
    """
    return np.floor(sums * 2.0**-bits)


def demand_exact(weights: NDArray[np.int64], most: int, beside: float = 0.0) -> None:
    """Raise unless sums over the first axis of weights times whole inputs up to `most` stay exact, `beside` included.

    Raises
    ------
    FileError
        If a sum could reach 2⁵³: no net of diabolo has such weights.

    Examples
    --------
    >>> demand_exact(np.full((2, 1), 2**45), 255)
    Traceback (most recent call last):
    ...
    diabolo.errors.FileError: The weights of a coding net are too large to be exact; the file was edited or is foreign.
    """
    largest = np.abs(weights.astype(np.float64)).sum(0).max(initial=0.0) * most + beside
    if not largest < 2**52:
        raise FileError("The weights of a coding net are too large to be exact; the file was edited or is foreign.")
