"""Why a detector finds samples unusual, and what it expected instead, in the form of what was given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.data import Form, Schema
from diabolo.estimators.detection.clock import without
from diabolo.estimators.detection.intake import samples
from diabolo.estimators.detection.pieces import Pictures, Pieces
from diabolo.estimators.detection.placing import placed
from diabolo.estimators.tabular import framed, per_field
from diabolo.nearness import Placed

if TYPE_CHECKING:
    from diabolo.estimators.detection.detector import Detector

Array = NDArray[Any]


def by_rows(detector: Detector) -> bool:
    """Tell whether a sample is a row: of a table, or a point of one series."""
    return detector.single_ or len(detector.shape_) == 1


def explained(detector: Detector, X: Any) -> Any:
    """Return what each value adds to the energy of its sample, in the shape of X; a column for each of a table."""
    pieces = samples(detector, X)
    parts = _laid(detector, pieces, placed(detector, pieces))[1]
    return parts if detector.schema_ is None else _columns(detector, detector.schema_, X, parts, _shares)


def expected(detector: Detector, X: Any) -> Any:
    """Return what the model expects instead of X, in its form and units."""
    shape, pieces = detector.shape_, samples(detector, X)
    if isinstance(pieces, Pictures):
        scale = detector.scaling_.scale
        found = pieces.without(each.residual.numpy().reshape(-1, *shape) * scale for each in placed(detector, pieces))
        return found if isinstance(found, list) else Form.of(X).back(found)
    rebuilt = pieces.laid(_undone(detector, each) for each in placed(detector, pieces))
    if detector.schema_ is None:
        return rebuilt if isinstance(rebuilt, list) else Form.of(X).back(rebuilt)
    return _columns(detector, detector.schema_, X, rebuilt, _values)


def account(detector: Detector, schema: Schema, X: Any) -> tuple[Array, Any, Any]:
    """Return the energies of the rows of a table, what `explained` and what `expected` says, from one look at them."""
    pieces, rebuilt = samples(detector, X), []

    def found() -> Iterator[Placed]:
        for each in placed(detector, pieces):
            rebuilt.append(_undone(detector, each))
            yield each

    energies, parts = _laid(detector, pieces, found())
    X = without(X, detector.clock_)
    return energies, _shares(schema, X, parts), _values(schema, X, pieces.laid(rebuilt))


def _columns(detector: Detector, schema: Schema, X: Any, laid: Any, method: Callable[[Schema, Any, Any], Any]) -> Any:
    """Return what a method makes of numbers that are laid on the rows of X, or on those of each of many series."""
    if by_rows(detector):
        return method(schema, without(X, detector.clock_), laid)
    found = [method(schema, without(x, detector.clock_), each) for x, each in zip(X, laid, strict=True)]
    if isinstance(X, torch.Tensor):
        return torch.stack(found)
    arrays = all(isinstance(each, np.ndarray) for each in found)
    return np.stack(found) if arrays and len({each.shape for each in found}) == 1 else found


def _shares(schema: Schema, X: Any, parts: Any) -> Any:
    """Return parts (N, P) of energies as the columns of a table X."""
    return _line(X, framed(Form.of(X), schema, list(per_field(schema, parts).T)))


def _values(schema: Schema, X: Any, rebuilt: Any) -> Any:
    """Return rebuilt numbers (N, P) as the columns of a table X, in its units."""
    return _line(X, framed(Form.of(X), schema, schema.decode(rebuilt)))


def _line(X: Any, table: Any) -> Any:
    """Return a table as (T,) where X, a series of one channel, is."""
    return table[:, 0] if not hasattr(X, "columns") and np.ndim(X) == 1 else table


def _undone(detector: Detector, each: Placed) -> Array:
    """Return what the model expects, (B, *shape) in units of the user."""
    return detector.scaling_.undo(each.rebuilt.reshape(-1, *detector.shape_))


def _laid(detector: Detector, pieces: Pieces, found: Iterable[Placed]) -> tuple[Array, Any]:
    """Return the energies of samples, and how each is laid on its numbers, as samples: they sum to it."""
    energies: list[Array] = []

    def parts() -> Iterator[Array]:
        for each in found:
            energy, laid = detector.density_.explained(each)
            energies.append(energy.numpy())
            yield laid.numpy().reshape(-1, *detector.shape_)

    samples = pieces.laid(parts())
    scores = pieces.scores(np.concatenate(energies))
    if isinstance(samples, list):
        return scores, [_summing(each[None], scores[i : i + 1])[0] for i, each in enumerate(samples)]
    return scores, _summing(samples, scores)


def _summing(parts: Array, scores: Array) -> Array:
    """Return parts (N, ...) in proportion, such that those of each sample sum to its score (N,)."""
    sums = parts.reshape(len(parts), -1).sum(1)
    factors = np.divide(scores, sums, out=np.zeros_like(scores), where=sums > 0)
    return parts * factors.reshape(-1, *(1 for _ in parts.shape[1:]))
