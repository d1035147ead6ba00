"""Whether the samples of a detector drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.data import Schema
from diabolo.estimators.detection.memory import memory_of, values, whole
from diabolo.estimators.detection.pieces import Pieces
from diabolo.estimators.detection.placing import energies, placed
from diabolo.flow import channel_axis
from diabolo.metrics import Drift
from diabolo.metrics.drift import compared

if TYPE_CHECKING:
    from diabolo.estimators.detection.detector import Detector

Array = NDArray[Any]

_TESTED = 10_000
"""New samples that are looked at, at most: of more, some at equal distances."""


def drift(detector: Detector, samples: Pieces) -> Drift:
    """Return whether samples are drawn as those that a detector goes by.

    Of a table every column is compared. Of series and images, and where some samples were held out, codes and energies
    are: those of samples that a model was trained on differ from those of new ones, drift or not. Where none were held
    out, mean and spread of every channel stand for the codes.

    Raises
    ------
    CapabilityError
        If the detector cuts samples into windows.
    """
    index = np.linspace(0, len(samples) - 1, min(len(samples), _TESTED), dtype=np.int64)
    new, memory = values(samples, index), memory_of(detector)
    tests: list[tuple[str, float]] = []
    if detector.schema_ is not None:
        names, columns = _columns(detector.schema_)
        tests += compared(memory.learned.x[:, columns], new[:, columns], names)
    elif memory.calibrates:
        old, now = (_codes(detector, x) for x in (memory.held.x, new))
        tests += compared(old, now, [f"code {i}" for i in range(now.shape[1])])
    else:
        old, now = _channels(memory.learned.x), _channels(new)
        tests += compared(old, now, [f"channel {i // 2}" for i in range(now.shape[1])])
    if memory.calibrates:
        tests += compared(detector.scores_[:, None], energies(detector, whole(new))[:, None], ["energy"])
    return Drift.of(tests)


def _codes(detector: Detector, x: Array) -> Array:
    return torch.cat([block.code for block in placed(detector, whole(x))]).numpy()


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
