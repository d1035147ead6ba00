"""What a detector reads: samples as numbers, those of a table by way of its schema, long ones cut into windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from diabolo.data import Schema, Stored, read
from diabolo.errors import DataError
from diabolo.estimators.detection.holding import parted
from diabolo.estimators.detection.pieces import Pieces, Whole
from diabolo.estimators.detection.windowed import learn_windows, read_windows
from diabolo.estimators.sources import gathered
from diabolo.estimators.tabular import encoded, rows, taken

if TYPE_CHECKING:
    from diabolo.estimators.detection.detector import Detector

_LEARNT = 2**25
"""Numbers of a file on disk that are learnt from, at most."""

_SCORED = 20_000
"""Training samples that the threshold looks at, at most."""


def learn(detector: Detector, X: Any, share: float, seed: int) -> tuple[Pieces, Pieces]:
    """Return the pieces to learn from, and those to judge by: of a `share` held out, or of the former.

    The columns are learned, as `detector.schema_`, from the former alone: those held out are to be as new as any.

    Raises
    ------
    DataError
        If X cannot be learned from, or has too few samples to hold some out.
    """
    detector.schema_ = detector.clock_ = detector.window_ = None
    detector.single_ = False
    X = read(X)
    if detector.window is not None:
        return learn_windows(detector, gathered(X), share, seed)
    X = taken(detector, _some(X), reset=True)
    learnt, held = parted(len(X), share, seed)
    if np.ndim(X) == 2:
        detector.schema_ = Schema.of(rows(X, learnt) if len(held) else X)
    every = _whole(detector.schema_, X)
    return every.part(learnt), every.part(held if len(held) else learnt[:: -(-len(learnt) // _SCORED)])


def samples(detector: Detector, X: Any) -> Pieces:
    """Return the pieces of samples, those of a table encoded in float64.

    Raises
    ------
    DataError
        If X is not what was learned, or holds what cannot be.
    """
    if detector.window_ is not None:
        return read_windows(detector, X)
    X = taken(detector, X, reset=False)
    if np.ndim(X) == 2 and detector.schema_ is None:
        raise DataError(f"X must hold samples of shape {detector.shape_}, as in training; got a table.")
    return _whole(detector.schema_, X)


def _whole(schema: Schema | None, X: Any) -> Whole:
    if schema is None:
        return Whole(X)
    return Whole(*encoded(schema, X))


def _some(X: Any) -> Any:
    """Return rows on disk in memory: of many, some at equal distances."""
    return X.back(X.take(X.some(_LEARNT))) if isinstance(X, Stored) else X
