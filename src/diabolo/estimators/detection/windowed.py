"""What a detector with a `window` reads: one long series whose points are judged, or many series or images."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from diabolo.check import Maybe, Whole, shorten
from diabolo.data import Form, Schema
from diabolo.data.form import NumpyForm, TorchForm
from diabolo.data.period import period
from diabolo.data.standard import SERIES
from diabolo.data.windows import Windows
from diabolo.errors import DataError
from diabolo.estimators.detection.clock import clock_of, without
from diabolo.estimators.detection.pieces import Pictures, Pieces, Stretches
from diabolo.estimators.tabular import encoded, rows, taken
from diabolo.flow import Shape
from diabolo.training import split

if TYPE_CHECKING:
    from diabolo.estimators.detection.detector import Detector

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

_JUDGED = 20_000
"""Points of a series that the threshold looks at, at most: the last ones."""

_WINDOWS = 1000
"""Windows of one series to learn from, at most, at equal distances: more only repeat one another."""

_TRAINED = 2**15
"""Windows of images to learn from, at least: those of few images lie closer."""


def learn_windows(detector: Detector, X: Any, share: float, seed: int) -> tuple[Pieces, Pieces]:
    """Return the windows to learn from and those to judge by; see `intake.learn`.

    Of one series the last `share` is held out, of many samples some are.

    Raises
    ------
    DataError
        If X cannot be learned from, or is too short or too few to hold a share out.
    """
    if _single(X):
        return _learn_series(detector, X, share)
    samples = _samples(detector, X, reset=True)
    detector.window_ = size = _size(detector.window, lambda: max(2, min(_usual(samples), *map(_least, samples))))
    learnt, held = (index.numpy() for index in split(len(samples), share, seed))
    if share and not len(held):
        raise few_to_hold_out(len(samples))
    of_learnt, of_judged = ([samples[i] for i in index] for index in (learnt, held if len(held) else learnt))
    _demand_long(size, samples)
    if samples[0].ndim == 3:
        return Pictures.of(of_learnt, size, _TRAINED), Pictures.of(of_judged, size)
    return Stretches(Windows(size).of(of_learnt)), Stretches(Windows(size, _stride(size)).of(of_judged))


def read_windows(detector: Detector, X: Any) -> Pieces:
    """Return the windows of samples; see `intake.samples`.

    Raises
    ------
    DataError
        If X is not what was learned, or shorter than a window.
    """
    size = cast(int, detector.window_)
    if detector.schema_ is None and _single(X):
        raise DataError("X must hold series (T, C) or images (C, H, W), as in training; got one series: give [X].")
    if detector.schema_ is None:
        samples = _samples(detector, X, reset=False)
        _demand_long(size, samples)
        images = samples[0].ndim == 3
        return Pictures.of(samples, size) if images else Stretches(Windows(size, _stride(size)).of(samples))
    if not _single(X):
        raise DataError("X must be one series (T, C), as in training; give one at a time.")
    X = _series(detector, X, reset=False)
    return _one(*encoded(detector.schema_, X), Windows(size, _stride(size)))


def few_to_hold_out(count: int) -> DataError:
    """Return the error for a false alarm rate that so few samples cannot be calibrated for."""
    return DataError(
        f"X must hold at least 10 samples with a false_alarm_rate, since some are held out to calibrate; got {count}. "
        "Give more, or no false_alarm_rate."
    )


def _single(X: Any) -> bool:
    """Tell whether X is one series, of numbers or of mixed columns; otherwise its items are series or images."""
    if isinstance(X, list | tuple) and X and all(_axes(item) >= 2 for item in X):
        return False
    return not isinstance(X, torch.Tensor | np.ndarray) or np.ndim(X) <= 2


def _axes(X: Any) -> int:
    try:
        return np.ndim(X)
    except ValueError as error:
        raise DataError(
            f"X must be one series (T,) or (T, C), or hold series (T, C) or images (C, H, W); got a ragged "
            f"list ({error}). Give each series of one channel as (T, 1)."
        ) from error


def _learn_series(detector: Detector, X: Any, share: float) -> tuple[Pieces, Pieces]:
    detector.clock_ = clock_of(X)
    X = _series(detector, X, reset=True)
    end = len(X) - round(share * len(X))
    detector.schema_ = schema = Schema.of(rows(X, np.arange(end)), SERIES)
    values, counts = encoded(schema, X)
    detector.window_ = size = _size(detector.window, lambda: max(2, period(values[:end])))
    start = end if share else max(0, end - max(_JUDGED, size))
    if min(end, len(X) - start) <= size:
        raise DataError(
            f"X must be longer than a window of {size} points{', even the share held out' if share else ''}; got "
            f"{len(X)} points. Give a longer series, or a smaller window."
        )
    learnt, judged = (
        (values[part], None if counts is None else counts[part]) for part in (slice(end), slice(start, None))
    )
    return _one(*learnt, Windows(size, -(-(end - size + 1) // _WINDOWS))), _one(*judged, Windows(size, _stride(size)))


def _series(detector: Detector, X: Any, reset: bool) -> Any:
    """Return one series as a checked table, without the column that tells the time."""
    X = without(X, detector.clock_)
    if isinstance(Form.of(X), NumpyForm | TorchForm) and _axes(X) == 1:
        X = X[:, None] if isinstance(X, torch.Tensor) else np.asarray(X)[:, None]
    return taken(detector, X, reset)


def _one(values: Array, counts: Array | None, windows: Windows) -> Stretches:
    return Stretches(windows.of([values]), None if counts is None else windows.of([counts]), single=True)


def _samples(detector: Detector, X: Any, reset: bool) -> list[Array]:
    """Return series (T, C) or images (C, H, W), all of as many channels, checked."""
    found = [Form.of(item).array(item) for item in X]
    shapes = [each.shape for each in found]
    alike = {(len(shape), _channels(shape)) for shape in ([*shapes] if reset else [detector.shape_, *shapes])}
    if not shapes or len(alike) > 1 or not {axes for axes, _ in alike} <= {2, 3}:
        raise DataError(
            "X must hold series (T, C) or images (C, H, W), all of as many channels"
            f"{'' if reset else f' as in training ({_channels(detector.shape_)})'}; got "
            f"{f'shapes {shorten(shapes)}' if shapes else 'none'}."
        )
    if not all(np.isfinite(each).all() for each in found):
        raise DataError("Input X contains NaN or infinity; drop or impute those values first.")
    if reset:
        validate_data(detector, cast(Any, np.empty((1, _channels(shapes[0])))), reset=True, skip_check_array=True)
    return [each.astype(np.result_type(*found), copy=False) for each in found]


def _demand_long(size: int, samples: list[Array]) -> None:
    lengths = [_least(each) for each in samples]
    if min(lengths) < size:
        raise DataError(
            f"X must hold samples of at least {size} points along each axis, the size of a window; sample "
            f"{int(np.argmin(lengths))} has {min(lengths)}. Give longer or larger ones, or a smaller window."
        )


def _least(sample: Array) -> int:
    """Return the length of a series, or the shorter side of an image."""
    return min(sample.shape[-2:]) if sample.ndim == 3 else len(sample)


def _channels(shape: Shape) -> int:
    return shape[1] if len(shape) == 2 else shape[0]


def _size(window: int | str | None, usual: Callable[[], int]) -> int:
    return usual() if window is None or isinstance(window, str) else int(window)


def _usual(samples: list[Array]) -> int:
    return _SQUARE if samples[0].ndim == 3 else period(np.concatenate(samples))


def _stride(size: int) -> int:
    return max(1, size // 4)
