"""The two ends of a coded stream of levels: a column goes in at one and comes out at the other, by the same counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.alphabet import Alphabet, Levels
from diabolo.codec.entropy import Comparer, Counts, Reader, Symbols, Writer

Integers = NDArray[np.int64]

_PART = 16
"""Bits of a place in a cell that are told at a time."""


class Exchange(Protocol):
    """One end of a stream: a column is told in three parts, of any rows, each part of all its rows before the next."""

    def groups(self, column: int, rows: slice, counts: Counts) -> Integers:
        """Return the groups (S,) of these rows, `counts` (K,) or (S, K) saying how often each is expected."""
        ...

    def places(self, column: int, rows: slice, several: Integers | slice, counts: Counts) -> Integers:
        """Return the cells within the groups (R,) of several of these rows, by their place among them.

        `counts` (R, W) say how often each is expected, 0 beyond the size of a group.
        """
        ...

    def levels(self, column: int, rows: slice, cells: Integers) -> Levels:
        """Return the levels (S,) of these rows, which are in these cells: all are expected alike."""
        ...


def exchanged(
    exchange: Exchange,
    alphabet: Alphabet,
    column: int,
    rows: slice,
    group: Integers,
    places: Callable[[Integers | slice, Integers], Counts],
) -> Integers:
    """Return the cells (S,) of rows of which the groups (S,) are known, once these were exchanged too.

    `places` says how often each cell of a group is expected (R, W), of several of these rows (R,) and their groups.
    """
    cells = alphabet.first.take(group)
    if alphabet.any_shared:
        several = slice(None) if alphabet.all_shared else alphabet.shared.take(group).nonzero()[0]
        own = group[several]
        if len(own):
            place = exchange.places(column, rows, several, places(several, own))
            cells[several] += np.minimum(place, alphabet.most.take(own))  # what is no such stream may say more
    return cells


class Telling:
    """The end that levels (N, D), all known, go into; rows are told by their place among them."""

    def __init__(self, each: Sequence[Alphabet], levels: Levels, writer: Writer | Comparer) -> None:
        columns = list(zip(each, levels.T, strict=True))
        self.each, self._all, self._writer = each, levels, writer
        self.cells = [alphabet.cells(column) for alphabet, column in columns]
        """The cells (N,) of each column."""
        self.known = [alphabet.owner.take(cells) for (alphabet, _), cells in zip(columns, self.cells, strict=True)]
        """The groups (N,) of each column."""

    @cached_property
    def measured(self) -> NDArray[np.float64]:
        """The levels as measured (D, N)."""
        columns = zip(self.each, self._all.T, self.cells, strict=True)
        return np.stack([alphabet.measures(column, cells) for alphabet, column, cells in columns])

    def groups(self, column: int, rows: slice, counts: Counts) -> Integers:
        """Tell the groups of these rows."""
        group = self.known[column][rows]
        self._writer.put(group, counts)
        return group

    def places(self, column: int, rows: slice, several: Integers | slice, counts: Counts) -> Integers:
        """Tell the cells within the groups of several of these rows."""
        place = self.each[column].within.take(self.cells[column][rows][several])
        self._writer.put(place, counts)
        return place

    def levels(self, column: int, rows: slice, cells: Integers) -> Levels:
        """Tell the places in the cells of these rows."""
        levels, alphabet = self._all[rows, column], self.each[column]
        if not alphabet.single:
            rest = levels - alphabet.starts.take(cells)
            for shift, sizes, here in _parts(alphabet, cells):
                self._writer.put_even((rest[here] >> np.uint64(shift)) & np.uint64(2**_PART - 1), sizes)
        return levels


class Asking:
    """The end that levels come out of; what is no such stream gives levels that there are, or an error."""

    def __init__(self, each: Sequence[Alphabet], reader: Reader) -> None:
        self._each, self._reader = each, reader

    def groups(self, column: int, rows: slice, counts: Counts) -> Integers:
        """Ask for the groups of these rows."""
        return self._reader.take(counts, rows.stop - rows.start if counts.ndim == 1 else None).astype(np.int64)

    def places(self, column: int, rows: slice, several: Integers | slice, counts: Counts) -> Integers:
        """Ask for the cells within the groups of several of these rows."""
        return self._reader.take(counts).astype(np.int64)

    def levels(self, column: int, rows: slice, cells: Integers) -> Levels:
        """Ask for the places in the cells of these rows."""
        alphabet = self._each[column]
        if alphabet.single:
            return alphabet.starts.take(cells)
        rest = np.zeros(len(cells), np.uint64)
        for shift, sizes, here in _parts(alphabet, cells):
            rest[here] += self._reader.take_even(sizes).astype(np.uint64) << np.uint64(shift)
        return alphabet.starts.take(cells) + np.minimum(rest, alphabet.spans.take(cells) - np.uint64(1))


def blocks(count: int, most: int) -> Iterator[slice]:
    """Yield so many rows in blocks of at most so many.

    Examples
    --------
    >>> [(rows.start, rows.stop) for rows in blocks(5, 2)]
    [(0, 2), (2, 4), (4, 5)]
    """
    for at in range(0, count, most):
        yield slice(at, min(at + most, count))


def _parts(alphabet: Alphabet, cells: Integers) -> list[tuple[int, Symbols, Integers]]:
    """Return how places in these cells (S,) are told, part by part: how far shifted, sizes, and whose."""
    last, found = alphabet.spans.take(cells) - np.uint64(1), []
    for shift in (48, 32, 16, 0):
        top = last >> np.uint64(shift)
        here = np.flatnonzero(top)
        if len(here):
            whole = top[here] >= 2**_PART - 1
            found.append((shift, np.where(whole, 2**_PART, top[here] + np.uint64(1)).astype(np.int32), here))
    return found
