"""Why a detector finds samples unusual, and what it expected instead, in the form of what was given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.data import Form, Schema
from diabolo.estimators.detection.clock import without
from diabolo.estimators.detection.pieces import Pictures, Pieces
from diabolo.estimators.detection.placing import Placing, Scorer
from diabolo.estimators.detection.reading import Reading
from diabolo.estimators.tabular import framed, per_field
from diabolo.nearness import Placed

Array = NDArray[Any]


def explained(reading: Reading, scorer: Scorer, X: Any, pieces: Pieces) -> Any:
    """Return what each value adds to the energy of its sample, in the shape of X; a column for each of a table.

    Pieces are X as it was read.
    """
    parts = _laid(scorer, pieces, scorer.placing.placed(pieces))[1]
    return parts if reading.schema is None else _columns(reading, reading.schema, X, parts, _shares)


def expected(reading: Reading, placing: Placing, X: Any, pieces: Pieces) -> Any:
    """Return what the model expects instead of X, in its form and units."""
    places = placing.placed(pieces)
    if isinstance(pieces, Pictures):
        scale = placing.scaling.scale
        images = pieces.without(each.residual.numpy().reshape(-1, *placing.shape) * scale for each in places)
        return images if isinstance(images, list) else Form.of(X).back(images)
    rebuilt = pieces.laid(_undone(placing, each) for each in places)
    if reading.schema is None:
        return rebuilt if isinstance(rebuilt, list) else Form.of(X).back(rebuilt)
    return _columns(reading, reading.schema, X, rebuilt, _values)


def account(clock: str | None, schema: Schema, scorer: Scorer, X: Any, pieces: Pieces) -> tuple[Array, Any, Any]:
    """Return the energies of the rows of a table, what `explained` and what `expected` says, from one look at them."""
    rebuilt: list[Array] = []

    def places() -> Iterator[Placed]:
        for each in scorer.placing.placed(pieces):
            rebuilt.append(_undone(scorer.placing, each))
            yield each

    energies, parts = _laid(scorer, pieces, places())
    X = without(X, clock)
    return energies, _shares(schema, X, parts), _values(schema, X, pieces.laid(rebuilt))


def _columns(reading: Reading, schema: Schema, X: Any, laid: Any, method: Callable[[Schema, Any, Any], Any]) -> Any:
    """Return what a method makes of numbers that are laid on the rows of X, or on those of each of many series."""
    if reading.by_rows:
        return method(schema, without(X, reading.clock), laid)
    columns = [method(schema, without(x, reading.clock), each) for x, each in zip(X, laid, strict=True)]
    if isinstance(X, torch.Tensor):
        return torch.stack(columns)
    arrays = all(isinstance(each, np.ndarray) for each in columns)
    return np.stack(columns) if arrays and len({each.shape for each in columns}) == 1 else columns


def _shares(schema: Schema, X: Any, parts: Any) -> Any:
    """Return parts (N, P) of energies as the columns of a table X."""
    return _line(X, framed(Form.of(X), schema, list(per_field(schema, parts).T)))


def _values(schema: Schema, X: Any, rebuilt: Any) -> Any:
    """Return rebuilt numbers (N, P) as the columns of a table X, in its units."""
    return _line(X, framed(Form.of(X), schema, schema.decode(rebuilt)))


def _line(X: Any, table: Any) -> Any:
    """Return a table as (T,) where X, a series of one channel, is."""
    return table[:, 0] if not hasattr(X, "columns") and np.ndim(X) == 1 else table


def _undone(placing: Placing, each: Placed) -> Array:
    """Return what the model expects, (B, *shape) in units of the user."""
    return placing.scaling.undo(each.rebuilt.reshape(-1, *placing.shape))


def _laid(scorer: Scorer, pieces: Pieces, places: Iterable[Placed]) -> tuple[Array, Any]:
    """Return the energies of samples, and how each is laid on its numbers, as samples: they sum to it."""
    energies: list[Array] = []

    def parts() -> Iterator[Array]:
        for each in places:
            energy, laid = scorer.density.explained(each)
            energies.append(energy.numpy())
            yield laid.numpy().reshape(-1, *scorer.placing.shape)

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
