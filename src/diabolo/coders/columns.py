"""Rows of levels, each column by itself: how often its levels are there, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.alphabet import Levels
from diabolo.codec.alphabets import Alphabets
from diabolo.codec.entropy import Counts, Reader, Writer
from diabolo.codec.exact import counts
from diabolo.codec.exchange import Exchange, Integers, blocks, exchanged
from diabolo.coders.coder import Arrays, Coder, Coding, Setting

_TOGETHER = 2**11  # rows whose counts are made together: so many stay in the cache


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

    def bits(self, samples: Levels) -> float:
        """Return how many bits levels (N, D), all known to the alphabets, take, without writing them; to about .1 %."""
        return 32.0 + sum(self._bits(column, samples[:, column]) for column in self.alphabets.wide)

    def _bits(self, column: int, levels: NDArray[np.uint64]) -> float:
        alphabet, table = self.alphabets.each[column], self._table(column)
        many = np.bincount(alphabet.cells(levels), minlength=len(alphabet.starts))
        groups, cells = alphabet.together / alphabet.together.sum(), table / table.sum(1, keepdims=True)
        expected = groups[alphabet.owner] * cells[alphabet.owner, alphabet.within] / alphabet.spans
        return float(-(many * np.log2(expected)).sum())

    def _walk(self, count: int, exchange: Exchange) -> Levels:
        levels = self.alphabets.constant(count)
        for column in self.alphabets.wide:
            alphabet, table = self.alphabets.each[column], self._table(column)
            group = exchange.groups(column, slice(0, count), alphabet.together)
            cells = np.empty(count, np.int64)
            for rows in blocks(count, _TOGETHER):
                cells[rows] = exchanged(exchange, alphabet, column, rows, group[rows], partial(_places, table))
            levels[:, column] = exchange.levels(column, slice(0, count), cells)
        return levels

    def _table(self, column: int) -> Counts:
        """Return how often each cell of each group of a column is expected (K, W)."""
        expected = self.alphabets.expected[column]
        return counts(expected) * (expected > -(2**62)).astype(np.float64)

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """Return the alphabets."""
        return {}, self.alphabets.arrays()


def _places(table: Counts, rows: Integers | slice, group: Integers) -> Counts:
    return table.take(group, 0)
