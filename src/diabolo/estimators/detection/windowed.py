"""What a detector with a `window` reads: one long series whose points are judged, or many series or images."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.check import Maybe, Whole, shorten
from diabolo.data import Form
from diabolo.errors import DataError
from diabolo.estimators.base import Estimator
from diabolo.estimators.detection.clock import without
from diabolo.estimators.detection.holding import parted
from diabolo.estimators.detection.pieces import Pictures, Pieces
from diabolo.estimators.detection.reading import Reading
from diabolo.estimators.detection.serial import (
    axes_of,
    demand_long,
    learn_many,
    learn_one,
    read_many,
    read_one,
    size_of,
)
from diabolo.flow import Shape

Array = NDArray[Any]


class _Size:
    whole = Whole(2, 2**12)

    def __contains__(self, value: object) -> bool:
        return value == "auto" if isinstance(value, str) else value in self.whole

    def __str__(self) -> str:
        return f"{self.whole}, 'auto'"


WINDOW = Maybe(_Size(), "samples are taken whole")
"""What the parameter may be."""

_SQUARE = 16
"""Side of the windows of images, in pixels."""

_TRAINED = 2**15
"""Windows of images to learn from, at least: those of few images lie closer."""


def learn_windows(
    estimator: Estimator, window: int | str, X: Any, share: float, seed: int
) -> tuple[Reading, Pieces, Pieces]:
    """Return how X is read, the windows to learn from and those to judge by; see `intake.learn`.

    Of one series the last `share` is held out, of many samples some are.

    Raises
    ------
    DataError
        If X cannot be learned from, or is too short or too few to hold a share out.
    """
    if _single(X):
        return learn_one(estimator, window, X, share)
    if _demand_alike(X, None, None) == 2:
        return learn_many(estimator, window, X, share, seed)
    return _learn_images(estimator, window, X, share, seed)


def read_windows(estimator: Estimator, reading: Reading, X: Any) -> Pieces:
    """Return the windows of samples; see `intake.samples`.

    Raises
    ------
    DataError
        If X is not what was learned, or shorter than a window.
    """
    if reading.single:
        if not _single(X):
            raise DataError("X must be one series (T, C), as in training; give one at a time.")
        return read_one(estimator, reading, X)
    if _single(X):
        raise DataError("X must hold series (T, C) or images (C, H, W), as in training; got one series: give [X].")
    known = (3, estimator.shape_[0]) if reading.schema is None else (2, len(reading.schema.fields))
    if _demand_alike(X, known, reading.clock) == 2:
        return read_many(estimator, reading, X)
    images, size = _images(X), cast(int, reading.window)
    demand_long(size, [_side(each) for each in images])
    return Pictures.of(images, size)


def _learn_images(
    estimator: Estimator, window: int | str, X: Any, share: float, seed: int
) -> tuple[Reading, Pictures, Pictures]:
    images = _images(X)
    estimator._know(len(images[0]))
    size = size_of(window) or max(2, min(_SQUARE, *map(_side, images)))
    learnt, held = parted(len(images), share, seed)
    demand_long(size, [_side(each) for each in images])
    of_learnt, of_judged = ([images[i] for i in index] for index in (learnt, held if len(held) else learnt))
    return Reading(window=size), Pictures.of(of_learnt, size, _TRAINED), Pictures.of(of_judged, size)


def _single(X: Any) -> bool:
    """Tell whether X is one series, of numbers or of mixed columns; otherwise its items are series or images."""
    if isinstance(X, list | tuple) and X and all(axes_of(item) >= 2 for item in X):
        return False
    return not isinstance(X, torch.Tensor | np.ndarray) or np.ndim(X) <= 2


def _demand_alike(X: Any, trained: tuple[int, int] | None, clock: str | None) -> int:
    """Return how many axes the samples have: 2 of series, 3 of images; all of as many channels, as those of training.

    Of these, axes and channels are told.
    """
    shapes = [np.shape(without(item, clock)) for item in X]
    alike = {(len(shape), _channels(shape)) for shape in shapes} | ({trained} if trained else set())
    if not shapes or len(alike) > 1 or not {axes for axes, _ in alike} <= {2, 3}:
        raise DataError(
            "X must hold series (T, C) or images (C, H, W), all of as many channels"
            f"{f' as in training ({trained[1]})' if trained else ''}; got "
            f"{f'shapes {shorten(shapes)}' if shapes else 'none'}."
        )
    return len(shapes[0])


def _images(X: Any) -> list[Array]:
    """Return images (C, H, W) of one type, checked."""
    found = [Form.of(item).array(item) for item in X]
    if not all(np.isfinite(each).all() for each in found):
        raise DataError("Input X contains NaN or infinity; drop or impute those values first.")
    return [each.astype(np.result_type(*found), copy=False) for each in found]


def _side(image: Array) -> int:
    """Return the shorter side of an image."""
    return min(image.shape[1:])


def _channels(shape: Shape) -> int:
    return shape[1] if len(shape) == 2 else shape[0]
