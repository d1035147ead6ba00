"""Answers about missing cells: the best guess, draws, how uncertain they are, and intervals that hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diabolo.estimators.columns import Column
from diabolo.estimators.imputation.imputing import Learnt, View, judged_views, views

if TYPE_CHECKING:
    from diabolo.estimators.imputation.imputer import Imputer

Array = NDArray[Any]

LEVELS = (0.0, 0.5, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.99, 1.0)
"""Shares of probability between the ends of intervals, for which it is measured how many hidden cells they hold."""

_ENOUGH, _MOST = 200, 500
"""Rows held out that tell of each column alone, at least, and hidden cells that are looked at in a block, at most."""

_PASSES = 8
"""Passes in which the cells of a row are drawn, at most: each knows what was drawn in those before."""


def best(imputer: Imputer, strategy: str) -> Callable[[View], Array]:
    """Return what gives the best guess: mean or median of numbers, the most probable category."""

    def ask(view: View) -> Array:
        if view.spread is None:
            return chosen(view.column, view.p.argmax(1))
        if strategy == "median":
            return drawn_number(view, np.full((len(view.p), 1), 0.5))
        return in_cells(view.column, expected_number(view, imputer.trust_[view.place]))

    return ask


def uncertainty(view: View) -> Array:
    """Return the standard deviation of numbers, in units of the user (dates: days), or the entropy in nats."""
    if view.spread is None:
        return -(view.p * np.log(np.maximum(view.p, 1e-300))).sum(1)
    return view.unit * view.spread.deviation(view.p)


def ends(imputer: Imputer, coverage: float, upper: bool) -> Callable[[View], Array]:
    """Return what gives the low or the high end of an interval; of categories, which have none, the best guess."""

    def ask(view: View) -> Array:
        if view.spread is None:
            return chosen(view.column, view.p.argmax(1))
        level = float(np.interp(coverage, imputer.coverage_[view.place], LEVELS))
        return in_cells(view.column, _interval(view, level)[int(upper)])

    return ask


def draw_cells(imputer: Imputer, cells: list[Array], rng: np.random.Generator) -> tuple[list[Array], list[Array]]:
    """Return rows and values of the missing cells of each column, drawn: those of a row fit each other."""
    _, observed = imputer.gapped_.encode(cells)
    gone = ~observed
    order = np.where(gone, rng.random(gone.shape), np.inf).argsort(1).argsort(1)  # of the missing cells of a row
    count = gone.sum(1, keepdims=True)
    passes = int(min(_PASSES, count.max(initial=0)))
    turn = order * np.minimum(passes, count) // np.maximum(count, 1)
    cells, found = [own.copy() for own in cells], [{} for _ in cells]
    for now in range(passes):
        news = [(at, view.place, *_draw(view, rng)) for at, view in views(imputer, cells, gone & (turn == now))]
        for at, i, values, encoded in news:
            found[i].update(zip(at.tolist(), values, strict=True))
            cells[i][at] = encoded
    rows = [np.array(sorted(each), dtype=np.int64) for each in found]
    return rows, [_joined([each[row] for row in at.tolist()]) for each, at in zip(found, rows, strict=True)]


def covered(imputer: Imputer, learnt: Learnt) -> Array:
    """Return which share of hidden cells of rows held out lie in intervals of `LEVELS`, (F, L), for each column.

    Where few are known of a column, it is that of all.
    """
    count = len(imputer.gapped_.columns)
    inside, seen = np.zeros((count, len(LEVELS))), np.zeros((count, 1))
    for true, view in judged_views(imputer, learnt):
        step = max(1, -(-len(true) // _MOST))
        few = view.every(step)
        seen[view.place] += len(few.p)
        for k, level in enumerate(LEVELS[1:-1], 1):
            low, high = _interval(few, level)
            slack = 1e-9 * np.maximum(np.abs(low), np.abs(high))
            inside[view.place, k] += ((low - slack <= true[::step]) & (true[::step] <= high + slack)).sum()
    every = inside.sum(0) / seen.sum() if seen.any() else np.array(LEVELS)
    rows = len(np.unique(learnt.judged.rows))
    found = np.where((seen >= _ENOUGH) & (rows >= _ENOUGH), inside / np.maximum(seen, 1), every)
    found[:, 0], found[:, -1] = 0, 1
    return np.maximum.accumulate(found + 1e-9 * np.arange(len(LEVELS)), 1)


def errors(imputer: Imputer, learnt: Learnt) -> dict[str, float]:
    """Return the root mean squared error of hidden numbers of rows held out, in standard deviations of their columns.

    Of the model, of what is expected linearly alone, and of the mean; nothing where no rows were held out.
    """
    sums: dict[str, float] = {"model": 0.0, "linear": 0.0, "mean": 0.0}
    count = 0
    for true, view in judged_views(imputer, learnt):
        at = imputer.gapped_.slices[view.place].start
        shift, scale = imputer.gapped_.shift[at], imputer.gapped_.scale[at]
        guess = expected_number(view, imputer.trust_[view.place])
        each = {"model": guess, "linear": view.linear, "mean": shift}
        for name, values in each.items():
            sums[name] += float(np.square((values - true) / scale).sum())
        count += len(true)
    return {name: float(np.sqrt(total / count)) for name, total in sums.items()} if count else {}


def trusted(imputer: Imputer, learnt: Learnt) -> Array:
    """Return how far to go from what is expected linearly to the mean of the bins, (F,), from 0 to 1.

    It is what has the least squared error on hidden cells of rows held out: bins are coarse where a line is exact, and
    a line is straight.
    """
    both, squares = np.zeros(len(imputer.gapped_.columns)), np.zeros(len(imputer.gapped_.columns))
    for true, view in judged_views(imputer, learnt):
        step = expected_number(view, 1.0) - view.linear
        both[view.place] += step @ (true - view.linear)
        squares[view.place] += step @ step
    return np.where(squares > 0, both / np.maximum(squares, 1e-300), 1.0).clip(0, 1)


def expected_number(view: View, trust: float) -> Array:
    """Return the mean of the numbers, within their range: `trust` of the way from the line to that of the bins."""
    if view.spread is None:
        return view.linear
    mean = view.base + view.unit * view.spread.mean(view.p)
    return (view.linear + trust * (mean - view.linear)).clip(view.column.low, view.column.high)


def chosen(column: Column, which: Array) -> Array:
    """Return what the user has for categories (N,)."""
    known: dict[str, Any] = dict(zip(column.texts, column.values, strict=True))
    values = np.empty(len(which), dtype=object)
    values[:] = [known[categories_of(column)[k]] for k in which.tolist()]
    return values


def categories_of(column: Column) -> tuple[str, ...]:
    """Return the categories that are told apart."""
    return () if column.field is None else column.field.categories


def in_cells(column: Column, numbers: Array) -> Array:
    """Return numbers (N,) as the user has cells: dates where they are days since 1970."""
    if column.content == "number":
        return numbers
    step = 86_400 / (column.parts or 86_400)  # seconds
    return (np.round(numbers * 86_400 / step) * step).astype(np.int64).astype("M8[s]").astype("M8[us]")


def drawn_number(view: View, level: Array) -> Array:
    """Return the numbers below which lies the probability `level`, such as there were in training."""
    return in_cells(view.column, _number(view, level))


def _number(view: View, level: Array) -> Array:
    spread, column = view.spread, view.column
    numbers = view.base + view.unit * spread.quantile(view.p, level)[:, 0] if spread is not None else view.base
    if column.parts is not None:
        whole = np.round if spread is not None and spread.apart else np.floor
        numbers = whole(numbers * column.parts + (0 if whole is np.round else 1e-3)) / column.parts + 0.0
    return numbers.clip(column.low, column.high)


def _interval(view: View, level: float) -> tuple[Array, Array]:
    spread = view.spread
    if spread is None:
        return view.base, view.base
    low, high = (view.base + view.unit * end for end in spread.interval(view.p, level))
    if view.column.parts is not None and not spread.apart:  # a bin ends where the next value begins
        low, high = (np.floor(end * view.column.parts + 1e-3) / view.column.parts + 0.0 for end in (low, high))
    return low.clip(view.column.low, view.column.high), high.clip(view.column.low, view.column.high)


def _draw(view: View, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return drawn cells as the user has them, and as the columns are encoded from."""
    level = rng.random((len(view.p), 1))
    if view.spread is not None:
        numbers = _number(view, level)
        return in_cells(view.column, numbers), numbers
    which = (view.p.cumsum(1) < level).sum(1).clip(max=view.p.shape[1] - 1)
    categories = np.array(categories_of(view.column), dtype=object)
    return chosen(view.column, which), categories[which]


def _joined(values: list[Any]) -> Array:
    if values and isinstance(values[0], np.datetime64 | float | np.floating):
        return np.array(values)
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found
