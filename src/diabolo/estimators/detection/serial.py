"""What a detector with a `window` reads of series: one whose points are judged, or many that are samples each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import gcd
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.check import listed
from diabolo.data import Form, Schema
from diabolo.data.cells import Content, column_of, names_of, read_column, table_of
from diabolo.data.field import Field
from diabolo.data.form import NumpyForm, TorchForm
from diabolo.data.period import period
from diabolo.data.standard import SERIES
from diabolo.data.windows import Windows
from diabolo.errors import DataError
from diabolo.estimators.base import Estimator
from diabolo.estimators.detection.clock import clock_of, warn_of_disorder, without
from diabolo.estimators.detection.holding import parted
from diabolo.estimators.detection.pieces import Stretches
from diabolo.estimators.detection.reading import Reading
from diabolo.estimators.tabular import encoded, rows, taken

Encoded = tuple[NDArray[np.float64], NDArray[np.bool_] | None]
"""The points of a series as numbers (T, P), and which of these count, if not all."""

_JUDGED = 20_000
"""Points of a series that the threshold looks at, at most: the last ones."""

_WINDOWS = 1000
"""About how many windows of one series are learned from, at equal distances: more only repeat one another."""


def learn_one(estimator: Estimator, window: int | str, X: Any, share: float) -> tuple[Reading, Stretches, Stretches]:
    """Return how one series is read, its windows to learn from, and those to judge by: a last `share` if held out.

    Raises
    ------
    DataError
        If it cannot be learned from, or is too short.
    """
    clock = clock_of(X)
    warn_of_disorder([X], clock)
    X = _table(estimator, X, clock, reset=True)
    end = len(X) - round(share * len(X))
    schema = Schema.of(rows(X, np.arange(end)), SERIES)
    values, counts = encoded(schema, X)
    size = size_of(window) or max(2, period(values[:end]))
    start = end if share else max(0, end - max(_JUDGED, size))
    if min(end, len(X) - start) <= size:
        raise DataError(
            f"X must be longer than a window of {size} points{', even the share held out' if share else ''}; got "
            f"{len(X)} points. Give a longer series, or a smaller window."
        )
    learnt, judged = (
        [(values[part], None if counts is None else counts[part])] for part in (slice(end), slice(start, None))
    )
    turn = size * period(values[max(0, end - _JUDGED) : end])
    every = Windows(size, _stride(-(-(end - size + 1) // _WINDOWS), turn))
    reading = Reading(schema, size, True, clock)
    return reading, _stretches(learnt, every, single=True), _stretches(judged, _apart(size), single=True)


def learn_many(
    estimator: Estimator, window: int | str, X: Sequence[Any], share: float, seed: int
) -> tuple[Reading, Stretches, Stretches]:
    """Return how series are read, their windows to learn from, and those to judge by: of a `share` held out, if any.

    Their columns are learned from all that are not held out, as those of one series are.

    Raises
    ------
    DataError
        If they cannot be learned from, do not have the same columns, or are too short or too few.
    """
    clocks = {clock_of(each) for each in X}
    clock = clocks.pop() if len(clocks) == 1 else None
    warn_of_disorder(X, clock)
    _table(estimator, X[0], clock, reset=True)
    learnt, held = parted(len(X), share, seed)
    reading = Reading(_schema([_plain(X[i], clock) for i in learnt]), clock=clock)
    every = [encode(estimator, reading, each) for each in X]
    lengths = [len(values) for values, _ in every]
    usual = np.concatenate([every[i][0] for i in learnt])
    size = size_of(window) or max(2, min(period(usual), *lengths))
    demand_long(size, lengths)
    of_learnt, of_judged = ([every[i] for i in index] for index in (learnt, held if len(held) else learnt))
    reading = replace(reading, window=size)
    return reading, _stretches(of_learnt, Windows(size)), _stretches(of_judged, _apart(size))


def read_one(estimator: Estimator, reading: Reading, X: Any) -> Stretches:
    """Return the windows of one series.

    Raises
    ------
    DataError
        If it is not what was learned, or shorter than a window.
    """
    warn_of_disorder([X], reading.clock or "")  # columns of dates that were learned from are no clock
    return _stretches([encode(estimator, reading, X)], _apart(cast(int, reading.window)), single=True)


def read_many(estimator: Estimator, reading: Reading, X: Sequence[Any]) -> Stretches:
    """Return the windows of series.

    Raises
    ------
    DataError
        If they are not what was learned, or one is shorter than a window.
    """
    warn_of_disorder(X, reading.clock or "")
    size, every = cast(int, reading.window), [encode(estimator, reading, each) for each in X]
    demand_long(size, [len(values) for values, _ in every])
    return _stretches(every, _apart(size))


def encode(estimator: Estimator, reading: Reading, X: Any) -> Encoded:
    """Return the points of a series as numbers, and which of these count, if not all.

    Raises
    ------
    DataError
        If it is not what was learned.
    """
    return encoded(cast(Schema, reading.schema), _table(estimator, X, reading.clock, reset=False))


def demand_long(size: int, lengths: Sequence[int]) -> None:
    """Raise DataError if a sample, of these lengths or shorter sides, is shorter than a window."""
    if min(lengths) < size:
        raise DataError(
            f"X must hold samples of at least {size} points along each axis, the size of a window; sample "
            f"{int(np.argmin(lengths))} has {min(lengths)}. Give longer or larger ones, or a smaller window."
        )


def axes_of(X: Any) -> int:
    """Return how many axes X has.

    Raises
    ------
    DataError
        If it is ragged.
    """
    try:
        return np.ndim(X)
    except ValueError as error:
        raise DataError(
            f"X must be one series (T,) or (T, C), or hold series (T, C) or images (C, H, W); got a ragged "
            f"list ({error}). Give each series of one channel as (T, 1)."
        ) from error


def size_of(window: int | str | None) -> int | None:
    """Return the size of windows, if it is given."""
    return None if window is None or isinstance(window, str) else int(window)


def _table(estimator: Estimator, X: Any, clock: str | None, reset: bool) -> Any:
    """Return one series as a checked table, without the column that tells the time."""
    return taken(estimator, _plain(X, clock), reset)


def _plain(X: Any, clock: str | None) -> Any:
    X = without(X, clock)
    if isinstance(Form.of(X), NumpyForm | TorchForm) and axes_of(X) == 1:
        return X[:, None] if isinstance(X, torch.Tensor) else np.asarray(X)[:, None]
    return X


def _schema(series: Sequence[Any]) -> Schema:
    """Return the schema of the points of all series, which may be frames of any make, or arrays."""
    tables = [table_of(each) for each in series]
    known = names_of(tables[0])
    for number, table in enumerate(tables):
        if names_of(table) != known:
            raise DataError(
                f"X must hold series of the same columns; the first has {listed(known)}, series {number} "
                f"{listed(names_of(table))}. Rename, add, drop or reorder columns, or give arrays."
            )
    fields = []
    for i, name in enumerate(known):
        fields.append(Field.of(name, *_below(name, [column_of(table, i) for table in tables]), SERIES.constant))
    return Schema(tuple(fields), SERIES.knee)


def _below(name: str, columns: Sequence[NDArray[Any]]) -> tuple[Content, NDArray[Any]]:
    """Return what a column of all series holds, and its cells, one series below the other."""
    cells = [read_column(name, column)[1] for column in columns]
    if len({each.dtype.kind for each in cells}) > 1:  # such as texts, and numbers that are all missing
        cells = [each.astype(object) for each in cells]
    return read_column(name, np.concatenate(cells))


def _stretches(every: Sequence[Encoded], windows: Windows, single: bool = False) -> Stretches:
    values, seen = zip(*every, strict=True)
    if all(each is None for each in seen):
        return Stretches(windows.of(values), None, single)
    counts = [np.ones(x.shape, bool) if each is None else each for x, each in every]
    return Stretches(windows.of(values), windows.of(counts), single)


def _stride(least: int, turn: int) -> int:
    """Return the stride nearest to `least` that has no divisor in common with a turn of so many points.

    So windows begin at every phase of a turn: those at even phases do not tell what is usual at odd ones.
    """
    return min((each for each in range(1, 2 * least + 2) if gcd(each, turn) == 1), key=lambda each: abs(each - least))


def _apart(size: int) -> Windows:
    """Return how series are cut to be judged: into windows a quarter of their size apart."""
    return Windows(size, max(1, size // 4))
