"""Rows of levels through a trained net in whole numbers, so that whoever decodes them sees the same counts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any

import numpy as np

from diabolo.codec.alphabet import Levels
from diabolo.codec.alphabets import Alphabets, Exchange, Integers, Places
from diabolo.codec.entropy import Counts, Reader, Writer
from diabolo.codec.exact import Whole, counts, demand_exact, exponential, shifted
from diabolo.coders.coder import Arrays, Coding
from diabolo.coders.rows.net import FLATTEST, STEPS
from diabolo.errors import FileError
from diabolo.training import History

ROWS = 512
"""Rows of a lane at most: the first of a lane does not know those before it."""

LANES = 64
"""Lanes at least, where there are so many rows."""

_TOGETHER = 2**12  # rows that are looked at together when they are all known
_FARTHEST = 2**14  # of a level as measured
_FLATTEST = exponential(np.array([256.0 * FLATTEST]))

Row = tuple[Whole, Integers]
"""Levels as measured (S, D), and their groups (S, D)."""


class RowCoding(Coding):
    """What `RowNet` describes, with weights that are whole numbers of its steps.

    Rows that know those before them are coded in lanes, pieces of consecutive rows that go on side by side: lane l has
    rows l·T to (l + 1)·T − 1.

    Parameters
    ----------
    alphabets : Alphabets
        Of D columns.
    weights : dict of ndarray
        By the names of `STEPS`.
    history : History
        How they were trained.

    Raises
    ------
    FileError
        If the weights do not fit, or would not be exact.
    """

    def __init__(self, alphabets: Alphabets, weights: Arrays, history: History) -> None:
        self.alphabets, self._history = alphabets, history
        _check(alphabets, weights)
        self.weights = {name: value.astype(np.float64) for name, value in weights.items()}
        self.before = len(weights["embed"]) - 1
        sizes = np.array(alphabets.sizes)
        self._at = np.cumsum(sizes) - sizes  # the first group of each column

    @property
    def history(self) -> History:
        """How the net was trained."""
        return self._history

    def encode(self, samples: Levels) -> bytes:
        """Return levels (N, D), all known to the alphabets, as bytes."""
        writer = Writer()
        exchange = self.alphabets.telling(samples, writer)
        each = list(zip(self.alphabets.each, samples.T, strict=True))
        known = np.stack([a.measured(column) for a, column in each], 1).astype(np.float64)
        groups = np.stack([a.grouped(column)[0] for a, column in each], 1)
        for steps in self._blocks(len(samples)):
            rows = np.concatenate(steps)
            lags = range(1, min(self.before, self._step(rows[0], len(samples))) + 1)
            past = [(known[rows - lag], groups[rows - lag]) for lag in lags]
            told = self._all_told(known[rows], groups[rows], past)
            self._put(exchange, steps, told)
        return writer.bytes()

    def decode(self, data: bytes, shape: tuple[int, ...]) -> Levels:
        """Return the levels (N, D)."""
        count, exchange = shape[0], self.alphabets.asking(Reader(data))
        levels = np.stack([np.broadcast_to(a.starts[:1], count) for a in self.alphabets.each], 1).copy()
        past: list[Row] = []  # the last row first
        for rows in self._steps(count):
            past = [(u[: len(rows)], groups[: len(rows)]) for u, groups in past]
            past = [self._asked(rows, past, exchange, levels), *past][: self.before]
        return levels

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """Return alphabets and weights."""
        whole = {name: value.astype(np.int64) for name, value in self.weights.items()}
        return {}, {**self.alphabets.arrays(), **{f"net.{name}": value for name, value in whole.items()}}

    def _length(self, count: int) -> int:
        return lane(count) if self.before else 1

    def _step(self, row: int, count: int) -> int:
        """Return the how-manieth of its lane a row is."""
        return int(row) % self._length(count)

    def _steps(self, count: int) -> Iterator[Integers]:
        """Yield the rows that are exchanged together: the first of all lanes, then the second, and so on."""
        length = self._length(count)
        start = np.arange(0, count, length)
        for step in range(length if count else 0):
            rows = start + step
            yield rows[rows < count]

    def _blocks(self, count: int) -> Iterator[list[Integers]]:
        """Yield steps that are looked at together: each has as many rows before it in its lane as the first."""
        block: list[Integers] = []
        for step, rows in enumerate(self._steps(count)):
            if block and (step <= self.before or sum(map(len, block)) + len(rows) > _TOGETHER):
                yield block
                block = []
            block.append(rows)
        if block:
            yield block

    def _all_told(self, u: Whole, groups: Integers, past: list[Row]) -> list[tuple[int, Counts, Places]]:
        """Return what is told of each column of rows that are all known."""
        total, mean, found = *self._begun(len(u), past), []
        for column in self.alphabets.wide:
            own = u[:, :column] @ self.weights["linear"][0, column, :column]
            found.append((column, *self._told(column, np.clip(shifted(total, 7), 0, 256), own + mean[:, column])))
            self._add(total, column, u[:, column], groups[:, column])
        return found

    def _put(self, exchange: Exchange, steps: list[Integers], told: list[tuple[int, Counts, Places]]) -> None:
        """Exchange what is told, a step at a time."""
        at = 0
        for rows in steps:
            for column, groups, places in told:
                exchange(column, rows, groups[at : at + len(rows)], partial(_from, places, at))
            at += len(rows)

    def _asked(self, rows: Integers, past: list[Row], exchange: Exchange, levels: Levels) -> Row:
        """Ask for a row of each lane, put it where it belongs, and return it as measured, and its groups."""
        each = self.alphabets.each
        u, groups = np.zeros((len(rows), len(each))), np.zeros((len(rows), len(each)), np.int64)
        total, mean = self._begun(len(rows), past)
        for column in self.alphabets.wide:
            own = u[:, :column] @ self.weights["linear"][0, column, :column]
            told = self._told(column, np.clip(shifted(total, 7), 0, 256), own + mean[:, column])
            got = levels[rows, column] = exchange(column, rows, *told)
            u[:, column], groups[:, column] = each[column].measured(got), each[column].grouped(got)[0]
            self._add(total, column, u[:, column], groups[:, column])
        return u, groups

    def _begun(self, count: int, past: list[Row]) -> tuple[Whole, Whole]:
        """Return what the rows before add to the hidden units (S, H), and to the middles of all columns (S, D)."""
        w = self.weights
        total = np.tile(w["begin"] * 2.0**10, (count, 1))
        mean = np.zeros((count, len(self.alphabets.each)))
        for lag, (u, groups) in enumerate(past, 1):
            total += u @ w["slope"][lag]
            mean += u @ w["linear"][lag].T
            for column in self.alphabets.wide:
                total += w["embed"][lag][self._at[column] + groups[:, column]] * 2.0**10
        return total, mean

    def _add(self, total: Whole, column: int, u: Whole, group: Integers) -> None:
        """Add what a level says to the hidden units (S, H), in place."""
        w = self.weights
        total += w["embed"][0][self._at[column] + group] * 2.0**10
        total += u[:, None] * w["slope"][0, column]

    def _told(self, column: int, h: Whole, mean: Whole) -> tuple[Counts, Places]:
        """Return how often each group of a column is expected (S, K), and each cell given the group."""
        w, alphabet, slots = self.weights, self.alphabets.each[column], self._slots[column]
        mu = shifted(mean + (h @ w["lean"][column]) * 16 + w["start"][column] * 4096, 8)  # as measured
        sharp = shifted(h @ w["sharp"][:, column].T, 4) + w["blunt"][:, column] * 16  # (S, 2)
        decay = np.maximum(exponential(sharp) - _FLATTEST, 0)  # in 2⁻²⁴ of the steepest
        said = shifted(h @ w["readout"][slots].T, 4) + (w["offset"][slots] * 16 + alphabet.logits)  # (S, K)
        groups = counts(said - _lost(decay[:, 0], alphabet.centres - mu[:, None]))
        expected, middles = self.alphabets.expected[column], self.alphabets.middles[column]

        def places(rows: Integers, group: Integers) -> Counts:
            here = expected[group]
            lost = _lost(decay[rows, 1], middles[group] - mu[rows, None])
            return np.where(here > -(2**62), counts(here - lost), 0)

        return groups, places

    @cached_property
    def _slots(self) -> list[slice]:
        sizes = self.alphabets.sizes
        return [slice(int(at), int(at) + size) for at, size in zip(self._at, sizes, strict=True)]


def lane(count: int) -> int:
    """Return how many rows a lane has, of so many.

    Examples
    --------
    >>> lane(10), lane(6400), lane(10**6)
    (1, 100, 512)
    """
    return max(1, min(ROWS, math.ceil(count / LANES)))


def _from(places: Places, at: int, rows: Integers, group: Integers) -> Counts:
    """Return what `places` says of rows that are counted from `at` on."""
    return places(rows + at, group)


def _lost(decay: Integers, distance: Whole) -> Whole:
    """Return how much is lost at distances (S, K), in 1/256 nat, where counts decay so fast (S,)."""
    return shifted(decay[:, None] * np.abs(distance), 13)


def _check(alphabets: Alphabets, weights: Arrays) -> None:
    """Raise FileError unless the weights fit the alphabets and each other, and all sums are exact."""
    foreign = FileError("The file describes a net of rows that does not fit its columns; it was edited or is foreign.")
    columns, groups = len(alphabets.each), sum(alphabets.sizes)
    embed = weights["embed"].shape
    if set(weights) != set(STEPS) or len(embed) != 3 or not 1 <= embed[0] <= 9 or embed[1] != groups:
        raise foreign
    lags, hidden = embed[0], embed[2]
    expected = {
        "embed": embed,
        "slope": (lags, columns, hidden),
        "begin": (hidden,),
        "linear": (lags, columns, columns),
        "readout": (groups, hidden),
        "offset": (groups,),
        "lean": (columns, hidden),
        "start": (columns,),
        "sharp": (2, columns, hidden),
        "blunt": (2, columns),
    }
    if any(weights[name].shape != shape for name, shape in expected.items()) or not hidden:
        raise foreign
    if max(np.abs(value).max(initial=0) for value in weights.values()) > 2**24:
        raise foreign
    demand_exact(weights["slope"].reshape(-1, hidden), _FARTHEST, 2.0**34 * (lags * columns + 1))
    demand_exact(weights["linear"].transpose(0, 2, 1).reshape(-1, columns), _FARTHEST, 2.0**45)
    demand_exact(weights["readout"].T, 256, 2.0**45)
