"""What guesses see of the numbers of a code that were told so far."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.codec.exact import Whole

Integers = NDArray[np.int64]

SEEN = 8
"""Bits after the point of what is seen."""

FURTHEST = 2**14
"""Numbers farther from 0 are seen as this one."""

_MARGIN = 2  # places on each side, so that none has neighbours outside
_AT_ONCE = 2**10  # places, so that sums stay in the cache


class Seen:
    """Numbers told so far of a code (n, h, w), and how large they are: those that were not told are 0.

    Sums of weights times what is seen are exact, in whatever order they are added.

    Parameters
    ----------
    shape : tuple of int
        Of the code.

    Examples
    --------
    >>> seen = Seen((1, 2, 2))
    >>> seen.add(0, np.array([0, 3]), np.array([[4, -1]]))
    >>> weights = np.zeros((1, 9, 2, 1), np.int64)
    >>> weights[:, 4, 0], weights[:, 8, 1] = 1, 1  # the place itself, and how large that below on the right is
    >>> seen.weighed(weights.reshape(1, 18), 1).tolist()
    [[512.0, 0.0, 0.0, -64.0]]
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        n, self.height, self.width = shape
        self.wide = self.width + 2 * _MARGIN
        self._flat = np.zeros((2 * n, (self.height + 2 * _MARGIN) * self.wide))

    def add(self, first: int, places: Integers, numbers: Integers) -> None:
        """Take up numbers (own, P) of the channels from `first` on, at places (P,), that are known now."""
        near = numbers.clip(-FURTHEST, FURTHEST)
        own, at = slice(2 * first, 2 * (first + len(near))), self._at(places)
        self._flat[own][::2, at] = 2.0 ** (SEEN - 2) * near
        self._flat[own][1::2, at] = _logarithms()[np.abs(near)]

    def weighed(self, weights: Integers, last: int) -> Whole:
        """Return weights (hidden, 9 · 2 · last) times what is seen of the channels before `last` around each place.

        The sums (hidden, h · w) of all places are computed at once: a shift of what is seen is a view of it.
        """
        each, seen = torch.from_numpy(_by_place(weights, last)), torch.from_numpy(self._flat[: 2 * last])
        sums = torch.zeros(len(weights), self.height * self.wide, dtype=torch.float64)
        for first in range(0, sums.shape[1], _AT_ONCE):
            some = sums[:, first : first + _AT_ONCE]
            for place in range(9):
                at = first + self._origin + self._shift(place, 1)
                some.addmm_(each[place], seen[:, at : at + some.shape[1]])
        return sums.view(len(sums), self.height, self.wide)[:, :, : self.width].flatten(1).numpy()

    def around(
        self, weights: Integers, first: int, last: int, near: tuple[int, ...], reach: int, places: Integers
    ) -> Whole:
        """Return weights (hidden, 9 · 2 · own) times what is seen around places (P,) of channels from `first` on.

        Of three by three places so far apart those that are `near` count: at others nothing is seen yet.
        """
        seen, at = self._flat[2 * first : 2 * last], self._at(places)
        known = np.concatenate([seen.take(at + self._shift(place, reach), 1) for place in near])
        return product(np.concatenate(list(_by_place(weights, last - first)[list(near)]), 1), known)

    @property
    def _origin(self) -> int:
        return _MARGIN * (self.wide + 1)

    def _at(self, places: Integers) -> Integers:
        return self._origin + places // self.width * self.wide + places % self.width

    def _shift(self, place: int, reach: int) -> int:
        """Return how far one of the three by three places around a place, from 0 to 8, is from it."""
        return reach * ((place // 3 - 1) * self.wide + place % 3 - 1)


def product(one: Whole, other: Whole) -> Whole:
    """Return the product of two matrices, computed by torch: its threads are those that `one_thread` is about.

    Examples
    --------
    >>> product(np.array([[2.0]]), np.array([[3.0, 4.0]])).tolist()
    [[6.0, 8.0]]
    """
    return (torch.from_numpy(one) @ torch.from_numpy(other)).numpy()


def _by_place(weights: Integers, channels: int) -> Whole:
    """Return weights (9, hidden, channels · 2) of a file (hidden, 9 · 2 · channels)."""
    apart = weights.reshape(-1, 9, 2, channels).transpose(1, 0, 3, 2)
    return apart.reshape(9, len(weights), 2 * channels).astype(np.float64)


@cache
def _logarithms() -> Whole:
    """Return 2⁸·log₂(1 + k), rounded, for k = 0, 1, …: none lies near the middle of two whole numbers."""
    return np.rint(2.0**SEEN * np.log2(1 + np.arange(FURTHEST + 1.0)))
