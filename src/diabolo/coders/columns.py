"""Rows of levels, each column by itself: how often its levels are there, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from diabolo.codec.alphabet import Levels
from diabolo.codec.alphabets import Alphabets, Exchange, Integers
from diabolo.codec.entropy import Counts, Reader, Writer
from diabolo.codec.exact import counts
from diabolo.coders.coder import Arrays, Coder, Coding, Setting


@dataclass(frozen=True)
class Columns(Coder):
    """Write each column at the cost of its own entropy: the best there is for columns that know nothing of each other.

    Examples
    --------
    >>> levels = np.array([[1], [1], [1], [2]], np.uint64)
    >>> coding = Columns().learn(levels, Setting())
    >>> data = coding.encode(levels)
    >>> coding.decode(data, levels.shape).ravel().tolist()
    [1, 1, 1, 2]
    """

    def learn(self, samples: Levels, setting: Setting) -> Coding:
        """Count the levels (N, D)."""
        return Counted(Alphabets.of(samples))

    def restore(self, plain: dict[str, Any], arrays: Arrays) -> Coding:
        """Return what was counted."""
        return Counted(Alphabets.from_arrays(arrays))

    def equation(self) -> str:
        """Return the sum of entropies."""
        return "−Σ_j log₂ p(x_j)"


class Counted(Coding):
    """How often each level of each column is there.

    Parameters
    ----------
    alphabets : Alphabets
        Of D columns.
    """

    def __init__(self, alphabets: Alphabets) -> None:
        self.alphabets = alphabets

    def encode(self, samples: Levels) -> bytes:
        """Return levels (N, D), all known to the alphabets, as bytes."""
        writer = Writer()
        self._walk(len(samples), self.alphabets.telling(samples, writer))
        return writer.bytes()

    def decode(self, data: bytes, shape: tuple[int, ...]) -> Levels:
        """Return the levels (N, D)."""
        return self._walk(shape[0], self.alphabets.asking(Reader(data)))

    def _walk(self, count: int, exchange: Exchange) -> Levels:
        rows = np.arange(count)
        levels = np.stack([np.broadcast_to(a.starts[:1], count) for a in self.alphabets.each], 1).copy()
        for column in self.alphabets.wide:
            levels[:, column] = exchange(column, rows, self.alphabets.each[column].together, self._places(column))
        return levels

    def _places(self, column: int) -> Any:
        table = counts(self.alphabets.expected[column]) * (self.alphabets.expected[column] > -(2**62))

        def places(rows: Integers, group: Integers) -> Counts:
            return table[group]

        return places

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """Return the alphabets."""
        return {}, self.alphabets.arrays()
