"""What a detector learned besides its model, as it is saved and read back."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo import files
from diabolo.density import Density
from diabolo.errors import FileError
from diabolo.estimators.detection.memory import Memory
from diabolo.estimators.detection.pieces import side_of
from diabolo.estimators.detection.reading import Reading
from diabolo.estimators.detection.threshold import Threshold
from diabolo.estimators.detection.usual import Usual
from diabolo.estimators.detection.windowed import WINDOW
from diabolo.estimators.tabular import restored
from diabolo.flow import Shape
from diabolo.nearness import BESIDE, ROWS, Measure


def saved(reading: Reading, usual: Usual, threshold: Threshold) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return what to save: plain JSON, and arrays. Of the reading it is the schema, all else are scalars."""
    schema = None if reading.schema is None else reading.schema.to_json()
    arrays = {f"density.{name}": value for name, value in usual.density.arrays().items()}
    memory = {} if usual.memory is None else usual.memory.arrays()
    arrays |= {f"memory.{name}": value for name, value in memory.items()}
    ends = {} if usual.ends is None else {"ends": torch.from_numpy(usual.ends)}
    folds = {} if usual.out_of_fold is None else {"out_of_fold": torch.from_numpy(usual.out_of_fold)}
    plain = {"schema": schema, "threshold": threshold.to_json()}
    return plain, arrays | ends | folds | {"scores": torch.from_numpy(usual.scores)}


def recalled(
    plain: dict[str, Any], arrays: dict[str, Tensor], scalars: Reading, shape: Shape, columns: int, n: int
) -> tuple[Reading, Usual]:
    """Return what `saved` gave, beside a model of pieces of a shape, with codes of n numbers.

    The scalars of the reading come as the file has them, unchecked; samples had so many columns.

    Raises
    ------
    FileError
        If it is foreign or was edited.
    """
    reading = replace(scalars, schema=restored(plain["schema"], shape, columns))
    density, memory = files.under("density.", arrays), files.under("memory.", arrays)
    _demand_windows(reading, shape)
    windowed = reading.window is not None
    kept = None if windowed else Memory.from_arrays(memory, shape)
    placed = Density.from_arrays(density, math.prod(shape), n, _measure(reading, shape, density))
    return reading, Usual(
        placed,
        _scores(arrays["scores"]),
        out_of_fold=_scores(arrays["out_of_fold"]) if "out_of_fold" in arrays else None,
        ends=_scores(arrays["ends"]) if windowed and reading.schema else None,
        memory=kept,
    )


def drawn(plain: dict[str, Any], said: Threshold, offset: float, owner: str) -> Threshold:
    """Return the threshold that `saved` gave, once the offset that came of it is known to be a number.

    Older files have none: there it is as the parameters of the `owner` say.

    Raises
    ------
    FileError, ParameterError
        If they are no such thing.
    """
    threshold = Threshold(**plain["threshold"]) if "threshold" in plain else said
    threshold.check(owner)
    if not np.isfinite(offset):
        raise FileError("its threshold is no finite number")
    return threshold


def _measure(reading: Reading, shape: Shape, density: dict[str, Tensor]) -> Measure:
    """Return what was near to a detector when it was saved: older ones took tables as they take series."""
    measure = reading.measure(shape)
    older = measure is ROWS and density.get("scales", torch.empty(0)).numel() == 1 + len(BESIDE.each)
    return BESIDE if older else measure


def _scores(array: Tensor) -> NDArray[np.float64]:
    if array.ndim != 1 or not len(array) or not bool(array.isfinite().all()):
        raise FileError("its scores are not finite numbers")
    return array.numpy()


def _demand_windows(reading: Reading, shape: Shape) -> None:
    size = reading.window
    clock = reading.clock is None or isinstance(reading.clock, str)
    single = isinstance(reading.single, bool) and (not reading.single or (size is not None and len(shape) == 2))
    if not clock or not single or isinstance(size, str) or size not in WINDOW:
        raise FileError(f"it has no sound window ({size!r}, {reading.clock!r})")
    if (reading.schema is None) == (len(shape) == (1 if size is None else 2)):
        raise FileError(f"it has no sound window ({size!r}), for its model takes samples of shape {shape}")
    if size is not None and shape[:1] != (size,) and shape[1:] != (side_of(size),) * 2:
        raise FileError(f"its windows have {size} points, but its model takes samples of shape {shape}")
