"""Rows of levels through a trained net in whole numbers, so that whoever decodes them sees the same counts."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np

from diabolo.codec.alphabet import Levels
from diabolo.codec.alphabets import Alphabets, Exchange, Integers
from diabolo.codec.entropy import Counts, Reader, Writer
from diabolo.codec.exact import Whole, counts, demand_exact, exponential, shifted
from diabolo.coders.coder import Arrays, Coding
from diabolo.coders.row_net import FLATTEST, STEPS
from diabolo.errors import FileError
from diabolo.training import History

ROWS = 512
"""Rows of a lane: the first of a lane does not know those before it."""

LANES = 16
"""Lanes at least."""

_FARTHEST = 2**14  # of a level as measured


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
        self._walk(len(samples), self.alphabets.telling(samples, writer))
        return writer.bytes()

    def decode(self, data: bytes, shape: tuple[int, ...]) -> Levels:
        """Return the levels (N, D)."""
        return self._walk(shape[0], self.alphabets.asking(Reader(data)))

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """Return alphabets and weights."""
        whole = {name: value.astype(np.int64) for name, value in self.weights.items()}
        return {}, {**self.alphabets.arrays(), **{f"net.{name}": value for name, value in whole.items()}}

    def _walk(self, count: int, exchange: Exchange) -> Levels:
        """Go through the rows, one of each lane at a time, a level at a time."""
        each = self.alphabets.each
        levels = np.stack([np.broadcast_to(a.starts[:1], count) for a in each], 1).copy()
        length = min(ROWS, math.ceil(count / LANES)) if self.before else 1
        start = np.arange(0, count, max(1, length))
        past: list[tuple[Whole, Integers]] = []  # as measured (S, D), and groups (S, D), the last row first
        for step in range(length if count else 0):
            rows = start + step
            rows = rows[rows < count]
            past = [(u[: len(rows)], groups[: len(rows)]) for u, groups in past]
            u, groups = self._row(rows, past, exchange, levels)
            past = [(u, groups), *past][: self.before]
        return levels

    def _row(
        self, rows: Integers, past: list[tuple[Whole, Integers]], exchange: Exchange, levels: Levels
    ) -> tuple[Whole, Integers]:
        """Exchange a row of each lane, and return it as measured, and its groups."""
        w, each = self.weights, self.alphabets.each
        u, groups = np.zeros((len(rows), len(each))), np.zeros((len(rows), len(each)), np.int64)
        total = np.tile(w["begin"] * 2.0**10, (len(rows), 1))  # (S, H)
        for lag, (values, found) in enumerate(past, 1):
            total += values @ w["slope"][lag]
            for column in self.alphabets.wide:
                total += w["embed"][lag][self._at[column] + found[:, column]] * 2.0**10
        known = sum((values @ w["linear"][lag].T for lag, (values, _) in enumerate(past, 1)), np.zeros(u.shape))
        for column in self.alphabets.wide:
            alphabet = each[column]
            h = np.clip(shifted(total, 7), 0, 256)
            mean = u[:, :column] @ w["linear"][0, column, :column] + known[:, column]
            told = self._told(column, h, mean)
            got = exchange(column, rows, told[0], told[1])
            levels[rows, column] = got
            u[:, column], groups[:, column] = alphabet.measured(got), alphabet.told(got)[0]
            total += w["embed"][0][self._at[column] + groups[:, column]] * 2.0**10
            total += np.outer(u[:, column], w["slope"][0, column])
        return u, groups

    def _told(self, column: int, h: Whole, mean: Whole) -> tuple[Counts, Any]:
        """Return how often each group of a column is expected (S, K), and each cell given the group."""
        w, alphabet, slots = self.weights, self.alphabets.each[column], self._slots[column]
        mu = shifted(mean + (h @ w["lean"][column]) * 16 + w["start"][column] * 4096, 8)  # as measured
        sharp = [shifted(h @ w["sharp"][i, column], 4) + w["blunt"][i, column] * 16 for i in range(2)]
        flattest = exponential(np.array(256.0 * FLATTEST))
        decay = [np.maximum(exponential(s) - flattest, 0) for s in sharp]  # (S,), in 2⁻²⁴ of the steepest
        said = shifted(h @ w["readout"][slots].T, 4) + (w["offset"][slots] * 16 + alphabet.logits)  # (S, K)
        groups = counts(said - _lost(decay[0], alphabet.centres - mu[:, None]))
        expected, middles = self.alphabets.expected[column], self.alphabets.middles[column]

        def places(rows: Integers, group: Integers) -> Counts:
            here = expected[group]
            lost = _lost(decay[1][rows], middles[group] - mu[rows, None])
            return np.where(here > -(2**62), counts(here - lost), 0)

        return groups, places

    @cached_property
    def _slots(self) -> list[slice]:
        sizes = self.alphabets.sizes
        return [slice(int(at), int(at) + size) for at, size in zip(self._at, sizes, strict=True)]


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
