"""Rows in lanes that are all known, told: several steps are looked at together, and go out one after the other."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from diabolo.codec.entropy import Counts
from diabolo.codec.exchange import Integers, Telling
from diabolo.coders.rows.lanes import Lanes
from diabolo.coders.rows.sums import Row, Sums


class _Told(NamedTuple):
    """What is told of a column in S rows: counts of groups (S, K), and of cells (R, W) in R rows that have several."""

    column: int
    groups: Counts
    several: Integers
    places: Counts
    ends: list[int]
    """How many of the R come before each step."""


def tell(sums: Sums, exchange: Telling, lanes: Lanes, most: int) -> None:
    """Tell rows, about so many at most of them looked at together."""
    u, wide = exchange.measured, list(sums.alphabets.wide)
    carried = np.zeros((0, sums.before * sums.hidden))  # what rows told before add to those after them
    for steps in lanes.together(sums.before, most):
        lags, bounds = min(sums.before, steps.start), lanes.starts[steps.start : steps.stop + 1].tolist()
        rows, first = slice(bounds[0], bounds[-1]), int(lanes.starts[steps.start - lags])
        if wide:
            own = sums.later.added([exchange.known[i][rows] for i in wide], u[wide, rows])
        else:
            own = np.zeros((rows.stop - rows.start, carried.shape[1]))
        known = np.concatenate([carried[len(carried) - (rows.start - first) :], own])  # from `first` on
        added = known.reshape(-1, sums.hidden)  # to the next row, the one after it, ...
        before = [lanes.earlier(rows, lag) for lag in range(1, lags + 1)]
        past = [(u[:, each], added.take((each - first) * sums.before + i, 0)) for i, each in enumerate(before)]
        row = sums.row(len(own), past, 0)
        row.u[:] = u[:, rows]
        _put(exchange, bounds, _looked(sums, exchange, rows, bounds, row))
        carried = known[max(0, int(lanes.starts[max(0, steps.stop - sums.before)]) - first) :]


def _looked(sums: Sums, exchange: Telling, rows: slice, bounds: list[int], row: Row) -> list[_Told]:
    """Return what is to be told of each column of these rows, `bounds` saying where steps begin and end."""
    found, every, steps = [], slice(0, len(row.sums)), np.array(bounds) - rows.start
    for column in sums.alphabets.wide:
        (groups, spread), own = sums.said(column, row, every), exchange.known[column][rows]
        several = sums.alphabets.each[column].shared.take(own).nonzero()[0]
        places = sums.places(column, spread, several, own.take(several))
        found.append(_Told(column, groups, several, places, np.searchsorted(several, steps).tolist()))
        sums.own[column].to(row.sums, own, row.u[column])
    return found


def _put(exchange: Telling, bounds: list[int], told: list[_Told]) -> None:
    """Tell what is told of each column, a step at a time."""
    begin = bounds[0]
    for step, (start, stop) in enumerate(pairwise(bounds)):
        rows = slice(start, stop)
        for column, groups, several, places, ends in told:
            exchange.groups(column, rows, groups[start - begin : stop - begin])
            if ends[step] < ends[step + 1]:
                here = slice(ends[step], ends[step + 1])
                exchange.places(column, rows, several[here] - (start - begin), places[here])
            if not exchange.each[column].single:
                exchange.levels(column, rows, exchange.cells[column][rows])
