"""The alphabet of a column: which levels occur, and how they are told, in groups of cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.exact import POWERS, TOP
from diabolo.errors import FileError

Levels = NDArray[np.uint64]
"""What a column holds, as whole numbers; 0 stands for a value that is missing."""

GROUPS, CELLS = 16, 32
"""About how many groups a column has, and how many cells a group has at most."""

MEASURE = 1024
"""The mean distance from the median of a column, in units of its measure, or up to twice that."""

_FARTHEST = 16 * MEASURE
_MOST = 2**12  # cells of a column
_TABLED = 2**16  # levels that are looked up


@dataclass(frozen=True, eq=False)
class Alphabet:
    """The levels of a column: in cells of consecutive ones that are alike, and these in groups of neighbours.

    A level is told by its group, its cell's place in the group, and its place in the cell, where all are alike. Levels
    that are frequent have cells and groups of their own.

    Parameters
    ----------
    starts : ndarray of uint64 (C,)
        The first level of each cell, ascending.
    spans : ndarray of uint64 (C,)
        How many levels each cell holds.
    weights : ndarray of int64 (C,)
        How often each is expected: the logarithm in quarters of a nat, the largest 0, the others below.
    sizes : ndarray of int64 (K,)
        How many cells each group has.

    Examples
    --------
    >>> alphabet = Alphabet.of(np.array([3, 3, 3, 5, 5, 0], np.uint64))
    >>> alphabet.starts.tolist(), alphabet.weights.tolist(), alphabet.sizes.tolist()
    ([0, 3, 5], [-4, 0, -2], [1, 1, 1])
    >>> [part.tolist() for part in alphabet.grouped(np.array([5, 3], np.uint64))]
    [[2, 1], [0, 0], [0, 0]]
    """

    starts: Levels
    spans: Levels
    weights: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @staticmethod
    def of(levels: Levels) -> Alphabet:
        """Return the alphabet of a column (N,): of every level there is, or of ranges, whichever takes fewer bits."""
        found, counts = np.unique(levels, return_counts=True)
        ranged = _ranged(found, counts)
        if len(found) > _MOST // 2:
            return ranged
        listed = _listed(found, counts)
        return min(listed, ranged, key=lambda alphabet: alphabet.bits(found, counts))

    def bits(self, levels: Levels, counts: NDArray[np.int64] | None = None) -> float:
        """Return about how many bits the levels (N,) take, alone, and the alphabet itself with them.

        Each is there once, or as often as `counts` (N,) say.
        """
        group, place, _ = self.grouped(levels)
        cell = self.first[group] + place
        expected = self.frequencies / self.frequencies.sum()
        each = (np.log2(self.spans.astype(np.float64)) - np.log2(expected))[cell]
        return float((each if counts is None else each * counts).sum()) + sum(map(_listed_bits, self.arrays().values()))

    def grouped(self, levels: Levels) -> tuple[NDArray[np.int64], NDArray[np.int64], Levels]:
        """Return group, cell within the group, and place within the cell of each level (N,).

        Those that the alphabet lacks are told as one that it has: `level` says which.
        """
        cell = self.cells(levels)
        return self.owner[cell], self.within[cell], self._rest(levels, cell)

    def level(self, group: NDArray[Any], place: NDArray[Any], rest: Levels) -> Levels:
        """Return the levels (N,) that were told so."""
        return self.starts[self.first[group] + place] + rest

    def cells(self, levels: Levels) -> NDArray[np.int64]:
        """Return the cell of each level (N,), of those that the alphabet lacks the nearest below, or the first."""
        if self._table is not None:
            return self._table[np.minimum(levels, np.uint64(len(self._table) - 1))]
        return np.maximum(np.searchsorted(self.starts, levels, side="right") - 1, 0)

    def nearest(self, levels: Levels) -> Levels:
        """Return the levels (N,), those that the alphabet lacks as one that it has."""
        cell = self.cells(levels)
        return self.starts[cell] if self.single else self.starts[cell] + self._rest(levels, cell)

    def _rest(self, levels: Levels, cell: NDArray[np.int64]) -> Levels:
        """Return the place within its cell of each level (N,)."""
        return np.minimum(np.maximum(levels, self.starts[cell]) - self.starts[cell], self.spans[cell] - np.uint64(1))

    def measured(self, levels: Levels) -> NDArray[np.int64]:
        """Return the levels (N,) as signed numbers from their median on, on a scale that `MEASURE` describes.

        Missing ones are 0.
        """
        around, shift = self._scale
        distance = np.floor((levels.astype(np.float64) - around) * 2.0**shift)
        return np.where(levels == 0, 0, np.clip(distance, -_FARTHEST, _FARTHEST)).astype(np.int64)

    def measures(self, levels: Levels, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the levels (N,), which are in these cells (N,), as `measured`."""
        return self._measures.take(cells) if self.single else self.measured(levels).astype(np.float64)

    @cached_property
    def _measures(self) -> NDArray[np.float64]:
        """The first level of each cell (C,) as measured."""
        return self.measured(self.starts).astype(np.float64)

    @property
    def likeliest(self) -> np.uint64:
        """The level that is expected most."""
        return self.starts[np.argmax(self.weights)]

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """The first cell of each group (K,)."""
        return np.cumsum(self.sizes) - self.sizes

    @cached_property
    def owner(self) -> NDArray[np.int64]:
        """The group of each cell (C,)."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @cached_property
    def within(self) -> NDArray[np.int64]:
        """The place of each cell (C,) in its group."""
        return np.arange(len(self.starts)) - self.first[self.owner]

    @cached_property
    def single(self) -> bool:
        """Whether each cell holds one level."""
        return bool(self.spans.max() == 1)

    @cached_property
    def shared(self) -> NDArray[np.bool_]:
        """Whether each group (K,) has several cells."""
        return self.sizes > 1

    @cached_property
    def most(self) -> NDArray[np.int64]:
        """The last place of a cell in each group (K,)."""
        return self.sizes - 1

    @cached_property
    def all_shared(self) -> bool:
        """Whether every group has several cells."""
        return bool(self.shared.all())

    @cached_property
    def any_shared(self) -> bool:
        """Whether any group has several cells."""
        return bool(self.shared.any())

    @cached_property
    def _table(self) -> NDArray[np.int64] | None:
        """The cell of each level up to the last cell's first, where these are not too many: quicker than a search."""
        if self.starts[-1] >= _TABLED:
            return None
        return np.maximum(np.searchsorted(self.starts, np.arange(int(self.starts[-1]) + 1), side="right") - 1, 0)

    @cached_property
    def frequencies(self) -> NDArray[np.int64]:
        """Whole numbers proportional to how often each cell is expected (C,), 2¹⁶ at most."""
        return POWERS[np.minimum(-64 * self.weights, len(POWERS) - 1)]

    @cached_property
    def together(self) -> NDArray[np.int64]:
        """How often each group is expected (K,): the sums of its cells."""
        return np.add.reduceat(self.frequencies, self.first)

    @cached_property
    def logits(self) -> NDArray[np.int64]:
        """The logarithm of how often each group is expected (K,), in 1/256 nat, the largest 0."""
        shares = self.together * TOP // self.together.max()  # whole numbers, found in a table: exact everywhere
        return -np.searchsorted(-POWERS, -np.maximum(shares, 1))

    @cached_property
    def middles(self) -> NDArray[np.int64]:
        """The middle of each cell (C,), as measured."""
        return self.measured(self.starts + (self.spans - np.uint64(1)) // np.uint64(2))

    @cached_property
    def centres(self) -> NDArray[np.int64]:
        """The mean of each group (K,), as measured."""
        return np.add.reduceat(self.middles * self.frequencies, self.first) // self.together

    @cached_property
    def _scale(self) -> tuple[float, int]:
        """What is measured from, and by how many bits distances are shifted, from the levels that are not missing."""
        real = self.starts > 0
        if not real.any():
            return 0.0, 0
        many = self.frequencies[real].astype(np.float64)
        at = (self.starts[real] + self.spans[real] // np.uint64(2)).astype(np.float64)
        around = np.floor(at[np.argmax(np.cumsum(many) * 2 >= many.sum())])  # the median: one of the numbers themselves
        # whole numbers of any length, and so the same in whatever order they are added
        spread = sum(abs(int(a) - int(around)) * int(m) for a, m in zip(at, many, strict=True))
        mean = (spread << 64) // int(many.sum()) or 1 << 64
        return float(around), MEASURE.bit_length() - (mean.bit_length() - 64)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return it as arrays of small numbers: the gaps between cells, their spans less 1, weights, sizes less 1."""
        ends = np.concatenate([np.zeros(1, np.uint64), (self.starts + self.spans)[:-1]])
        return {
            "gaps": self.starts - ends,
            "spans": self.spans - np.uint64(1),
            "weights": -self.weights,
            "sizes": self.sizes - 1,
        }

    @staticmethod
    def from_arrays(arrays: dict[str, NDArray[Any]]) -> Alphabet:
        """Return the alphabet that `arrays` described.

        Raises
        ------
        FileError
            If it is none.
        """
        gaps, spans = (arrays[name].astype(np.uint64) for name in ("gaps", "spans"))
        weights, sizes = -arrays["weights"].astype(np.int64), arrays["sizes"].astype(np.int64) + 1
        total = sum(map(int, gaps)) + sum(map(int, spans)) + len(spans)
        sound = len(gaps) == len(spans) == len(weights) == sizes.sum() and 0 < len(gaps) <= _MOST and total <= 2**64
        sound = sound and weights.max() == 0 and weights.min() > -(2**10) and sizes.min() > 0
        if not sound:
            raise FileError("The file describes levels that no column has; it was edited or is foreign.")
        spans = spans + np.uint64(1)
        starts = np.cumsum(gaps) + np.cumsum(spans) - spans
        return Alphabet(starts, spans, weights, sizes)


def _listed_bits(numbers: NDArray[Any]) -> float:
    """Return about how many bits it takes to tell numbers (C,): which there are, and which is where."""
    kinds, counts = np.unique(numbers, return_counts=True)
    where = (counts * np.log2(len(numbers) / counts)).sum()
    return float(where) + len(kinds) * (8.0 + np.log2(1.0 + float(kinds.max())))


def _listed(found: Levels, counts: NDArray[np.int64]) -> Alphabet:
    """Return the alphabet of every level that there is, in groups of about equal counts."""
    many = counts >= counts.sum() / GROUPS
    sizes = np.ones_like(counts) if len(counts) <= 1.5 * GROUPS else gathered(counts, many | (found == 0), CELLS)
    return Alphabet(found, np.ones_like(found), _weights(counts), sizes)


def _ranged(found: Levels, counts: NDArray[np.int64]) -> Alphabet:
    """Return the alphabet of ranges: each group cut into cells of the same span, and of the same weight."""
    many = counts >= max(counts.sum() / GROUPS / 4, 8)
    sizes = gathered(counts, many | (found == 0), len(found))
    first = np.cumsum(sizes) - sizes
    low, high, mass = found[first], found[first + sizes - 1], np.add.reduceat(counts, first)
    width = high - low + np.uint64(1)
    span = (width - np.uint64(1)) // np.uint64(CELLS) + np.uint64(1)
    cells = ((width - np.uint64(1)) // span).astype(np.int64) + 1
    place = np.arange(cells.sum()) - np.repeat(np.cumsum(cells) - cells, cells)
    starts = np.repeat(low, cells) + place.astype(np.uint64) * np.repeat(span, cells)
    spans = np.minimum(np.repeat(span, cells), np.repeat(high, cells) - starts + np.uint64(1))
    return Alphabet(starts, spans, _weights(np.repeat(mass / cells, cells)), cells)


def gathered(counts: NDArray[np.int64], alone: NDArray[np.bool_], longest: int) -> NDArray[np.int64]:
    """Return how many neighbours make each group, `longest` at most; those that are `alone` are one by themselves."""
    most, sizes, mass, closed = counts.sum() / GROUPS, [], 0.0, True
    for count, apart in zip(counts.tolist(), alone.tolist(), strict=True):
        if closed or apart or sizes[-1] >= longest or mass + count / 2 > most:
            sizes.append(0)
            mass = 0.0
        sizes[-1] += 1
        mass += count
        closed = apart
    return np.array(sizes)


def _weights(counts: NDArray[Any]) -> NDArray[np.int64]:
    return np.rint(4 * np.log(counts / counts.max())).astype(np.int64)
