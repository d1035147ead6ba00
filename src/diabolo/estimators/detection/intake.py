"""What a detector reads: samples as numbers, those of a table by way of its schema, long ones cut into windows."""

from __future__ import annotations

from typing import Any

from diabolo.data import Schema, read
from diabolo.errors import DataError
from diabolo.estimators.base import Estimator
from diabolo.estimators.detection.holding import parted
from diabolo.estimators.detection.pieces import Pieces, Whole
from diabolo.estimators.detection.reading import Reading
from diabolo.estimators.detection.windowed import learn_windows, read_windows
from diabolo.estimators.sources import gathered, sampled
from diabolo.estimators.tabular import axes, encoded, rows, taken

_LEARNT = 2**25
"""Numbers of a file on disk that are learnt from, at most."""

_SCORED = 20_000
"""Training samples that the threshold looks at, at most."""


def learn(
    estimator: Estimator, window: int | str | None, X: Any, share: float, seed: int
) -> tuple[Reading, Pieces, Pieces]:
    """Return how X is read, the pieces to learn from, and those to judge by: of a `share` held out, or of the former.

    The schema is learned from the former alone: those held out are to be as new as any. The estimator learns how many
    columns there are, and their names.

    Raises
    ------
    DataError
        If X cannot be learned from, or has too few samples to hold some out.
    """
    X = read(X)
    if window is not None:
        return learn_windows(estimator, window, gathered(X), share, seed)
    X = taken(estimator, sampled(X, _LEARNT)[0], reset=True)
    learnt, held = parted(len(X), share, seed)
    reading = Reading(Schema.of(rows(X, learnt) if len(held) else X) if axes(X) == 2 else None)
    every = _whole(reading.schema, X)
    return reading, every.part(learnt), every.part(held if len(held) else learnt[:: -(-len(learnt) // _SCORED)])


def samples(estimator: Estimator, reading: Reading, X: Any) -> Pieces:
    """Return the pieces of samples, as an estimator knows and reads them; those of a table encoded in float64.

    Raises
    ------
    DataError
        If X is not what was learned, or holds what cannot be.
    """
    if reading.window is not None:
        return read_windows(estimator, reading, X)
    X = taken(estimator, X, reset=False)
    if axes(X) == 2 and reading.schema is None:
        raise DataError(f"X must hold samples of shape {estimator.shape_}, as in training; got a table.")
    return _whole(reading.schema, X)


def _whole(schema: Schema | None, X: Any) -> Whole:
    if schema is None:
        return Whole(X)
    return Whole(*encoded(schema, X))
