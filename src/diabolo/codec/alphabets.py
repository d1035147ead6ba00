"""The alphabets of all columns of a table, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.codec.alphabet import Alphabet, Levels
from diabolo.codec.entropy import Comparer, Reader, Writer
from diabolo.codec.exchange import Asking, Integers, Telling
from diabolo.errors import FileError


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
        return np.stack([alphabet.nearest(column) for alphabet, column in zip(self.each, levels.T, strict=True)]).T

    @cached_property
    def expected(self) -> tuple[Integers, ...]:
        """The logarithm of how often each cell is expected (K, W), a table for each column; −2⁶² where none is."""
        return tuple(_by_group(alphabet, 64 * alphabet.weights, -(2**62)) for alphabet in self.each)

    @cached_property
    def middles(self) -> tuple[Integers, ...]:
        """The middle of each cell as measured (K, W), a table for each column."""
        return tuple(_by_group(alphabet, alphabet.middles, 0) for alphabet in self.each)

    def telling(self, levels: Levels, writer: Writer | Comparer) -> Telling:
        """Return the end of a stream that levels (N, D) go into, or are compared with."""
        return Telling(self.each, levels, writer)

    def asking(self, reader: Reader) -> Asking:
        """Return the end of a stream that levels come out of."""
        return Asking(self.each, reader)

    def constant(self, count: int) -> Levels:
        """Return so many rows of levels (N, D), each column contiguous, of the first level of each."""
        return np.repeat(np.array([[a.starts[0]] for a in self.each], np.uint64), count, 1).T

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
    table[alphabet.owner, alphabet.within] = of_cells
    return table
