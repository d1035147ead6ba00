"""Lanes: pieces of consecutive rows that go on side by side, so that many rows are told at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from diabolo.codec.exchange import Integers

ROWS = 512
"""Rows of a lane at most: the first of a lane does not know those before it."""

LANES = 64
"""Lanes at least, where there are so many rows."""


def lane(count: int) -> int:
    """Return how many rows a lane has, of so many.

    Examples
    --------
    >>> lane(10), lane(6400), lane(10**6)
    (1, 100, 512)
    """
    return max(1, min(ROWS, math.ceil(count / LANES)))


@dataclass(frozen=True)
class Lanes:
    """So many rows in lanes of a length: lane l has rows l·T to (l + 1)·T − 1, and step t the rows t of all lanes.

    Examples
    --------
    >>> lanes = Lanes(5, 2)
    >>> lanes.order.tolist(), lanes.starts.tolist(), [list(range(5))[rows] for rows in lanes.steps]
    ([0, 2, 4, 1, 3], [0, 3, 5], [[0, 2, 4], [1, 3]])
    """

    count: int
    length: int

    @cached_property
    def steps(self) -> list[slice]:
        """The rows that are told together: the first of all lanes, then the second, and so on."""
        return [slice(step, self.count, self.length) for step in range(self.length if self.count else 0)]

    @cached_property
    def starts(self) -> Integers:
        """Where each step begins in the order of telling, and where the last ends (T + 1,)."""
        return np.cumsum([0, *(len(range(self.count)[rows]) for rows in self.steps)])

    @cached_property
    def order(self) -> Integers:
        """The rows in the order in which they are told (N,)."""
        return np.argsort(np.arange(self.count) % self.length, kind="stable")

    def earlier(self, rows: slice, lag: int) -> Integers:
        """Return where the row stands in the order that is so many before each, of those from `rows` of the order."""
        own = self.order[rows]
        return self.starts[own % self.length - lag] + own // self.length

    def together(self, alone: int, most: int) -> Iterator[range]:
        """Yield steps that are looked at together, with about so many rows at most; so many first ones are alone."""
        begin = 0
        while begin < len(self.steps):
            end = begin + 1
            while begin >= alone and end < len(self.steps) and self.starts[end + 1] - self.starts[begin] <= most:
                end += 1
            yield range(begin, end)
            begin = end
