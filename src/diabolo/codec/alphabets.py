"""The alphabets of all columns of a table, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.alphabet import Alphabet, Levels
from diabolo.codec.entropy import Counts, Reader, Writer
from diabolo.errors import FileError

Integers = NDArray[np.int64]

_PART = 16
"""Bits of a place in a cell that are told at a time."""


class Exchange(Protocol):
    """One end of a coded stream: a column of levels goes in or comes out, at the same place with the same counts."""

    def __call__(self, column: int, rows: Integers, groups: Counts, places: Places) -> Levels:
        """Return the levels (S,) of these rows, told or being told.

        `groups` (K,) or (S, K) says how often each group is expected; `places` how often each cell, given the groups.
        """
        ...


class Places(Protocol):
    """How often each cell of a group is expected."""

    def __call__(self, rows: Integers, group: Integers) -> Counts:
        """Return counts (R, W), 0 beyond the size of a group, for R of the rows, by their place among them."""
        ...


@dataclass(frozen=True, eq=False)
class Alphabets:
    """The alphabets of D columns.

    Examples
    --------
    >>> levels = np.array([[1, 5], [2, 5], [1, 0]], np.uint64)
    >>> alphabets = Alphabets.of(levels)
    >>> len(alphabets.each), alphabets.sizes
    (2, (2, 2))
    """

    each: tuple[Alphabet, ...]

    @staticmethod
    def of(levels: Levels) -> Alphabets:
        """Return the alphabets of levels (N, D)."""
        return Alphabets(tuple(Alphabet.of(column) for column in levels.T))

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many groups each column has."""
        return tuple(len(alphabet.sizes) for alphabet in self.each)

    @property
    def wide(self) -> tuple[int, ...]:
        """The columns that have more than one level: only these need to be told."""
        return tuple(i for i, a in enumerate(self.each) if len(a.starts) > 1 or int(a.spans[0]) > 1)

    def known(self, levels: Levels) -> NDArray[np.bool_]:
        """Return which of the levels (N, D) the alphabets have."""
        return levels == self.nearest(levels)

    def nearest(self, levels: Levels) -> Levels:
        """Return levels (N, D), those that the alphabets lack as one that they have."""
        columns = zip(self.each, levels.T, strict=True)
        return np.stack([alphabet.level(*alphabet.grouped(column)) for alphabet, column in columns], 1)

    @cached_property
    def expected(self) -> tuple[Integers, ...]:
        """The logarithm of how often each cell is expected (K, W), a table for each column; −2⁶² where none is."""
        return tuple(_by_group(alphabet, 64 * alphabet.weights, -(2**62)) for alphabet in self.each)

    @cached_property
    def middles(self) -> tuple[Integers, ...]:
        """The middle of each cell as measured (K, W), a table for each column."""
        return tuple(_by_group(alphabet, alphabet.middles, 0) for alphabet in self.each)

    def telling(self, levels: Levels, writer: Writer) -> Exchange:
        """Return the end of a stream that levels (N, D) go into."""
        told = [alphabet.grouped(column) for alphabet, column in zip(self.each, levels.T, strict=True)]

        def exchange(column: int, rows: Integers, groups: Counts, places: Places) -> Levels:
            group, place = (part[rows] for part in told[column][:2])
            rest = told[column][2][rows]
            writer.put(group, groups)
            several = np.flatnonzero(self.each[column].sizes[group] > 1)
            if len(several):
                writer.put(place[several], places(several, group[several]))
            for shift, sizes, here in self._parts(column, group, place):
                writer.put_even((rest[here] >> np.uint64(shift)) & np.uint64(2**_PART - 1), sizes)
            return levels[rows, column]

        return exchange

    def asking(self, reader: Reader) -> Exchange:
        """Return the end of a stream that levels come out of."""

        def exchange(column: int, rows: Integers, groups: Counts, places: Places) -> Levels:
            alphabet = self.each[column]
            group = reader.take(groups, len(rows) if groups.ndim == 1 else None).astype(np.int64)
            place, rest = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.uint64)
            several = np.flatnonzero(alphabet.sizes[group] > 1)
            if len(several):
                place[several] = reader.take(places(several, group[several]))
            place = np.minimum(place, alphabet.sizes[group] - 1)  # what is no such stream may say more, here and below
            for shift, sizes, here in self._parts(column, group, place):
                rest[here] += reader.take_even(sizes).astype(np.uint64) << np.uint64(shift)
            if not self._single[column]:
                rest = np.minimum(rest, alphabet.last(group, place))
            return alphabet.level(group, place, rest)

        return exchange

    def _parts(self, column: int, group: Integers, place: Integers) -> list[tuple[int, NDArray[np.int32], Integers]]:
        """Return how places in these cells (S,) are told, part by part: how far shifted, sizes, and whose."""
        alphabet, found = self.each[column], []
        if self._single[column]:
            return []
        last = alphabet.last(group, place)
        for shift in (48, 32, 16, 0):
            top = last >> np.uint64(shift)
            here = np.flatnonzero(top)
            if len(here):
                whole = top[here] >= 2**_PART - 1
                found.append((shift, np.where(whole, 2**_PART, top[here] + np.uint64(1)).astype(np.int32), here))
        return found

    @cached_property
    def _single(self) -> tuple[bool, ...]:
        """Whether all cells of a column hold one level."""
        return tuple(bool(alphabet.spans.max() == 1) for alphabet in self.each)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return them as arrays of small numbers."""
        parts = [alphabet.arrays() for alphabet in self.each]
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return {**joined, "cells": np.array([len(a.starts) for a in self.each]), "groups": np.array(self.sizes)}

    @staticmethod
    def from_arrays(arrays: dict[str, NDArray[Any]]) -> Alphabets:
        """Return the alphabets that `arrays` described.

        Raises
        ------
        FileError
            If they are none.
        """
        cells, groups = arrays["cells"], arrays["groups"]
        per_cell = ("gaps", "spans", "weights")
        sound = cells.ndim == groups.ndim == 1 and len(cells) == len(groups) > 0 and min(cells.min(), groups.min()) > 0
        if not sound or {arrays[n].shape for n in per_cell} != {(cells.sum(),)} or len(arrays["sizes"]) != groups.sum():
            raise FileError("The file describes levels that no table has; it was edited or is foreign.")
        ends = {name: np.cumsum(groups if name == "sizes" else cells)[:-1] for name in (*per_cell, "sizes")}
        split = {name: np.split(arrays[name], at) for name, at in ends.items()}
        return Alphabets(tuple(Alphabet.from_arrays({n: split[n][i] for n in split}) for i in range(len(cells))))


def _by_group(alphabet: Alphabet, of_cells: Integers, beyond: int) -> Integers:
    table = np.full((len(alphabet.sizes), alphabet.sizes.max()), beyond, np.int64)
    table[alphabet.owner, np.arange(len(of_cells)) - alphabet.first[alphabet.owner]] = of_cells
    return table
