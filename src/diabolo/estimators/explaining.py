"""Why a detector finds samples unusual, and what it expected instead, in the form of what was given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diabolo.data import Form
from diabolo.estimators.clock import without
from diabolo.estimators.intake import samples
from diabolo.estimators.pieces import Pictures, Pieces
from diabolo.estimators.placing import placed
from diabolo.estimators.tabular import framed, per_field

if TYPE_CHECKING:
    from diabolo.estimators.detector import Detector

Array = NDArray[Any]


def explained(detector: Detector, X: Any) -> Any:
    """Return what each value adds to the energy of its sample, in the shape of X; a column for each of a table."""
    parts = _laid(detector, samples(detector, X))
    if detector.schema_ is None:
        return parts
    X = without(X, detector.clock_)
    return _line(X, framed(Form.of(X), detector.schema_, list(per_field(detector.schema_, parts).T)))


def expected(detector: Detector, X: Any) -> Any:
    """Return what the model expects instead of X, in its form and units."""
    shape, pieces = detector.shape_, samples(detector, X)
    if isinstance(pieces, Pictures):
        scale = detector.scaling_.scale
        found = pieces.without(each.residual.numpy().reshape(-1, *shape) * scale for each in placed(detector, pieces))
        return found if isinstance(found, list) else Form.of(X).back(found)
    undo = detector.scaling_.undo
    rebuilt = pieces.laid(undo(each.rebuilt.reshape(-1, *shape)) for each in placed(detector, pieces))
    if detector.schema_ is None:
        return rebuilt if isinstance(rebuilt, list) else Form.of(X).back(rebuilt)
    X = without(X, detector.clock_)
    return _line(X, framed(Form.of(X), detector.schema_, detector.schema_.decode(rebuilt)))


def _line(X: Any, table: Any) -> Any:
    """Return a table as (T,) where X, a series of one channel, is."""
    return table[:, 0] if not hasattr(X, "columns") and np.ndim(X) == 1 else table


def _laid(detector: Detector, pieces: Pieces) -> Any:
    """Return how the energy of each sample is laid on its numbers, as samples: they sum to it."""
    found: list[NDArray[np.float64]] = []

    def parts() -> Iterator[Array]:
        for each in placed(detector, pieces):
            laid = detector.density_.parts(each).numpy()  # (B, P)
            found.append(laid.sum(1))
            yield laid.reshape(-1, *detector.shape_)

    samples = pieces.laid(parts())
    scores = pieces.scores(np.concatenate(found))
    if isinstance(samples, list):
        return [_summing(each[None], scores[i : i + 1])[0] for i, each in enumerate(samples)]
    return _summing(samples, scores)


def _summing(parts: Array, scores: Array) -> Array:
    """Return parts (N, ...) in proportion, such that those of each sample sum to its score (N,)."""
    sums = parts.reshape(len(parts), -1).sum(1)
    factors = np.divide(scores, sums, out=np.zeros_like(scores), where=sums > 0)
    return parts * factors.reshape(-1, *(1 for _ in parts.shape[1:]))
