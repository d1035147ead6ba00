"""Rows of levels through a trained net in whole numbers, so that whoever decodes them sees the same counts."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any

import numpy as np

from diabolo.codec.alphabet import Levels
from diabolo.codec.alphabets import Alphabets
from diabolo.codec.entropy import Comparer, Reader, Writer
from diabolo.codec.exact import demand_exact
from diabolo.codec.exchange import Exchange, blocks, exchanged
from diabolo.coders.coder import Arrays, Coding
from diabolo.coders.rows.lanes import Lanes, lane
from diabolo.coders.rows.net import STEPS
from diabolo.coders.rows.sums import Row, Sums
from diabolo.coders.rows.told import tell
from diabolo.errors import FileError
from diabolo.training import History

_TOGETHER = 2**11  # rows that are looked at together: what is computed of them stays in the cache
_FARTHEST = 2**14  # of a level as measured


class RowCoding(Coding):
    """What `RowNet` describes, with weights that are whole numbers of its steps.

    Rows that know those before them are coded in `Lanes`; others all at once, column by column.

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

    @property
    def history(self) -> History:
        """How the net was trained."""
        return self._history

    def encode(self, samples: Levels) -> bytes:
        """Return levels (N, D), all known to the alphabets, as bytes."""
        writer = Writer()
        if self.before:
            self._tell(samples, writer)
        else:
            row = self._sums.row(len(samples), [], 0)
            self._exchange(self.alphabets.telling(samples, writer), row, np.empty(samples.shape, np.uint64, "F"))
        return writer.bytes()

    def decode(self, data: bytes, shape: tuple[int, ...]) -> Levels:
        """Return the levels (N, D)."""
        exchange, levels = self.alphabets.asking(Reader(data)), self.alphabets.constant(shape[0])
        past: list[Row] = []  # the last row first
        for rows in self._lanes(shape[0]).steps:
            step = levels[rows]
            row = self._sums.row(len(step), self._sums.past(past), self.before)
            self._exchange(exchange, row, step)
            past = [row, *past][: self.before]
        return levels

    def holds(self, data: bytes, samples: Levels) -> bool:
        """Tell whether bytes that `encode` made of levels (N, D) give them back.

        Rows in lanes, step by step, take longest: these are compared with what is known of them, many steps together.
        """
        if not self.before:
            return super().holds(data, samples)
        comparer = Comparer(Reader(data))
        self._tell(samples, comparer)
        return comparer.same

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """Return alphabets and weights."""
        whole = {name: value.astype(np.int64) for name, value in self.weights.items()}
        return {}, {**self.alphabets.arrays(), **{f"net.{name}": value for name, value in whole.items()}}

    @cached_property
    def _sums(self) -> Sums:
        return Sums(self.alphabets, self.weights)

    def _lanes(self, count: int) -> Lanes:
        return Lanes(count, lane(count) if self.before else 1)

    def _tell(self, samples: Levels, writer: Writer | Comparer) -> None:
        lanes = self._lanes(len(samples))
        tell(self._sums, self.alphabets.telling(samples[lanes.order], writer), lanes, _TOGETHER)

    def _exchange(self, exchange: Exchange, row: Row, levels: Levels) -> None:
        """Exchange rows, column by column, and put their levels (S, D) where they belong."""
        sums, count = self._sums, len(levels)
        cells, groups = np.zeros((2, count), np.int64)
        parts, past = list(blocks(count, _TOGETHER)), None
        for column in self.alphabets.wide:
            alphabet, told = self.alphabets.each[column], []
            for rows in parts:
                if past is not None:  # only now, while these sums are at hand
                    sums.all[past].to(row.sums[rows], groups[rows], row.u[past, rows])
                counts, spread = sums.said(column, row, rows)
                groups[rows] = exchange.groups(column, rows, counts)
                told.append(partial(sums.places, column, spread))
            for rows, places in zip(parts, told, strict=True):
                cells[rows] = exchanged(exchange, alphabet, column, rows, groups[rows], places)
            levels[:, column] = got = exchange.levels(column, slice(0, count), cells)
            row.u[column], past = alphabet.measures(got, cells), column
        if self.before and past is not None:
            sums.all[past].to(row.sums, groups, row.u[past])


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
