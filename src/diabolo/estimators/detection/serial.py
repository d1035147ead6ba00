"""What a detector with a `window` reads of series: one whose points are judged, or many that are samples each."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import TYPE_CHECKING, Any, cast

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
from diabolo.estimators.detection.clock import clock_of, warn_of_disorder, without
from diabolo.estimators.detection.holding import parted
from diabolo.estimators.detection.pieces import Stretches
from diabolo.estimators.tabular import encoded, rows, taken

if TYPE_CHECKING:
    from diabolo.estimators.detection.detector import Detector

Encoded = tuple[NDArray[np.float64], NDArray[np.bool_] | None]
"""The points of a series as numbers (T, P), and which of these count, if not all."""

_JUDGED = 20_000
"""Points of a series that the threshold looks at, at most: the last ones."""

_WINDOWS = 1000
"""About how many windows of one series are learned from, at equal distances: more only repeat one another."""


def learn_one(detector: Detector, X: Any, share: float) -> tuple[Stretches, Stretches]:
    """Return the windows of one series to learn from, and those to judge by: its last `share`, if that is held out.

    Raises
    ------
    DataError
        If it cannot be learned from, or is too short.
    """
    detector.clock_ = clock_of(X)
    warn_of_disorder([X], detector.clock_)
    X = _table(detector, X, reset=True)
    end = len(X) - round(share * len(X))
    detector.schema_ = schema = Schema.of(rows(X, np.arange(end)), SERIES)
    values, counts = encoded(schema, X)
    detector.window_ = size = size_of(detector.window) or max(2, period(values[:end]))
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
    return _stretches(learnt, every, single=True), _stretches(judged, _apart(size), single=True)


def learn_many(detector: Detector, X: Sequence[Any], share: float, seed: int) -> tuple[Stretches, Stretches]:
    """Return the windows of series to learn from, and those to judge by: a `share` of the series, if that is held out.

    Their columns are learned from all that are not held out, as those of one series are.

    Raises
    ------
    DataError
        If they cannot be learned from, do not have the same columns, or are too short or too few.
    """
    clocks = {clock_of(each) for each in X}
    detector.clock_ = clocks.pop() if len(clocks) == 1 else None
    warn_of_disorder(X, detector.clock_)
    _table(detector, X[0], reset=True)
    learnt, held = parted(len(X), share, seed)
    detector.schema_ = _schema([_plain(detector, X[i]) for i in learnt])
    every = _every(detector, X)
    lengths = [len(values) for values, _ in every]
    usual = np.concatenate([every[i][0] for i in learnt])
    detector.window_ = size = size_of(detector.window) or max(2, min(period(usual), *lengths))
    demand_long(size, lengths)
    of_learnt, of_judged = ([every[i] for i in index] for index in (learnt, held if len(held) else learnt))
    return _stretches(of_learnt, Windows(size)), _stretches(of_judged, _apart(size))


def read_one(detector: Detector, X: Any) -> Stretches:
    """Return the windows of one series.

    Raises
    ------
    DataError
        If it is not what was learned, or shorter than a window.
    """
    _warn_of_known_clock(detector, [X])
    return _stretches([encode(detector, X)], _apart(cast(int, detector.window_)), single=True)


def read_many(detector: Detector, X: Sequence[Any]) -> Stretches:
    """Return the windows of series.

    Raises
    ------
    DataError
        If they are not what was learned, or one is shorter than a window.
    """
    _warn_of_known_clock(detector, X)
    size, every = cast(int, detector.window_), _every(detector, X)
    demand_long(size, [len(values) for values, _ in every])
    return _stretches(every, _apart(size))


def encode(detector: Detector, X: Any) -> Encoded:
    """Return the points of a series as numbers, and which of these count, if not all.

    Raises
    ------
    DataError
        If it is not what was learned.
    """
    return encoded(cast(Schema, detector.schema_), _table(detector, X, reset=False))


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


def _warn_of_known_clock(detector: Detector, X: Sequence[Any]) -> None:
    """Warn of series that are not in order by the clock of training; columns of dates learned from are no clock."""
    warn_of_disorder(X, detector.clock_ or "")


def _every(detector: Detector, X: Sequence[Any]) -> list[Encoded]:
    return [encode(detector, each) for each in X]


def _table(detector: Detector, X: Any, reset: bool) -> Any:
    """Return one series as a checked table, without the column that tells the time."""
    return taken(detector, _plain(detector, X), reset)


def _plain(detector: Detector, X: Any) -> Any:
    X = without(X, detector.clock_)
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
