"""Whether the samples of a detector drift."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.data import Schema
from diabolo.estimators.detection.memory import values, whole
from diabolo.estimators.detection.pieces import Pieces
from diabolo.estimators.detection.placing import Placing, Scorer
from diabolo.estimators.detection.usual import Usual
from diabolo.flow import channel_axis
from diabolo.metrics import Drift
from diabolo.metrics.drift import compared

Array = NDArray[Any]

_TESTED = 10_000
"""New samples that are looked at, at most: of more, some at equal distances."""


def drift(scorer: Scorer, usual: Usual, schema: Schema | None, samples: Pieces) -> Drift:
    """Return whether samples, of which a model tells how rare they are, are drawn as those that are usual.

    Of a table every column is compared. Of series and images, and where some samples were held out, codes and energies
    are: those of samples that a model was trained on differ from those of new ones, drift or not. Where none were held
    out, mean and spread of every channel stand for the codes.

    Raises
    ------
    CapabilityError
        If samples are cut into windows.
    """
    index = np.linspace(0, len(samples) - 1, min(len(samples), _TESTED), dtype=np.int64)
    new, memory = values(samples, index), usual.demand_memory()
    tests: list[tuple[str, float]] = []
    if schema is not None:
        names, columns = _columns(schema)
        tests += compared(memory.learned.x[:, columns], new[:, columns], names)
    elif memory.calibrates:
        old, now = (_codes(scorer.placing, x) for x in (memory.held.x, new))
        tests += compared(old, now, [f"code {i}" for i in range(now.shape[1])])
    else:
        old, now = _channels(memory.learned.x), _channels(new)
        tests += compared(old, now, [f"channel {i // 2}" for i in range(now.shape[1])])
    if memory.calibrates:
        tests += compared(usual.scores[:, None], scorer.energies(whole(new))[:, None], ["energy"])
    return Drift.of(tests)


def _codes(placing: Placing, x: Array) -> Array:
    return torch.cat([block.code for block in placing.placed(whole(x))]).numpy()


def _channels(x: Array) -> Array:
    """Return mean and spread of each channel of series (B, T, C) or images (B, C, H, W), (B, 2C)."""
    axis = channel_axis(x.shape[1:])
    flat = np.moveaxis(x, axis, 1).reshape(len(x), x.shape[axis], -1).astype(np.float64)
    return np.stack([flat.mean(2), flat.std(2)], 2).reshape(len(x), -1)


def _columns(schema: Schema) -> tuple[list[str], list[int]]:
    """Return the columns of encoded rows, but for those that say what is missing, and whose they are."""
    names, columns = [], []
    for field, place in zip(schema.fields, schema.slices, strict=True):
        own = range(place.start, place.stop - field.missing)
        names += [field.name] * len(own)
        columns += own
    return names, columns
