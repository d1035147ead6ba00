"""Samples to restore: images or series of any sizes, or rows of a table, and back in the form the user has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.data import Form, Scaling, Stored, kind, read
from diabolo.data.channels import channels_to_the_front, warn_of_channels_last
from diabolo.data.form import Kind
from diabolo.data.images import Assorted
from diabolo.data.moments import Moments
from diabolo.data.scaling import per_channel
from diabolo.errors import DataError
from diabolo.estimators.sources import gathered
from diabolo.flow import channels

if TYPE_CHECKING:
    from diabolo.estimators.base import Estimator

Array = NDArray[Any]

_BEYOND = 1.5
"""How far noise may lead beyond the range from 0 to 1."""


@dataclass(frozen=True, eq=False)
class Signals:
    """Samples as arrays, and the form in which the user has them.

    Parameters
    ----------
    arrays : sequence of arrays
        Images (C, H, W), series (T, C) or rows (D,): one array of all, or a list where the user has one.
    form : Form or None
        That of an array, a frame or a tensor; None for a list.
    each : tuple of Form
        Those of the samples of a list.
    """

    arrays: Sequence[Array] | Array
    form: Form | None
    each: tuple[Form, ...] = ()

    @staticmethod
    def of(X: Any) -> Signals:
        """Return samples in memory as they are: a list of images or series stays one, all else is one array.

        Raises
        ------
        DataError, DataTypeError
            If they are no numbers, or an array that is ragged.
        """
        if isinstance(X, Assorted) or (isinstance(X, list | tuple) and len(X) and all(np.ndim(x) >= 2 for x in X)):
            forms = tuple(map(Form.of, X))
            return Signals([form.array(x) for form, x in zip(forms, X, strict=True)], None, forms)
        form = Form.of(X)
        return Signals(form.array(X), form)

    @property
    def kind(self) -> Kind:
        """What the samples are."""
        return kind(self.arrays[0].shape)

    @property
    def channels(self) -> int:
        """How many channels they have."""
        return channels(self.arrays[0].shape)

    @property
    def type(self) -> str:
        """The type of the numbers: "float" of any precision, or that of integers, such as "uint8"."""
        dtype = self.arrays[0].dtype
        return "float" if dtype.kind == "f" else dtype.name

    def back(self, arrays: Sequence[Array] | Array) -> Any:
        """Return samples in the user's form; images of whole numbers as such, cut to what their type can hold."""
        if self.kind == "table" and self.form is not None:
            return self.form.back(np.asarray(arrays))
        whole = self.kind == "images"
        typed = [_as(array, given.dtype, whole) for array, given in zip(arrays, self.arrays, strict=True)]
        return self.formed(typed)

    def formed(self, arrays: Sequence[Array]) -> Any:
        """Return arrays, of whatever type, in the user's form: of a list each sample in its own."""
        if self.form is not None:
            return self.form.back(np.stack(arrays))
        pairs = zip(self.each, arrays, strict=True)
        return [form.back(array) for form, array in pairs] if self.each else list(arrays)


def signals(estimator: Estimator, X: Any, reset: bool) -> Signals:
    """Return samples, checked: finite numbers, or missing ones where the job takes those, and channels as in training.

    Raises
    ------
    DataError
        If they are none that can be learned from or restored.
    DataTypeError
        If they are no numbers.
    """
    X = gathered(read(X))
    found = Signals.of(X)
    if found.form is not None and (np.ndim(found.arrays) <= 2 or not len(found.arrays)):
        return Signals(_rows(estimator, X, reset), found.form)
    _demand_alike(found, estimator.takes_missing)
    if reset:
        warn_of_channels_last(found.arrays[0].shape)
        estimator._know(found.arrays[0].shape[0])
    elif (found.kind, found.channels) != (kind(estimator._given), channels(estimator._given)):
        raise DataError(
            f"X must hold {kind(estimator._given)} of {channels(estimator._given)} channel(s), as in training; got "
            f"{found.kind} of {found.channels}. Convert them, or fit another {type(estimator).__name__} on such."
        )
    return found


def _rows(estimator: Estimator, X: Any, reset: bool) -> Array:
    rows = estimator._take(X, reset)
    return rows.take(np.arange(len(rows))) if isinstance(rows, Stored) else rows


def _demand_alike(found: Signals, missing: bool) -> None:
    first = found.arrays[0]
    for number, array in enumerate(found.arrays):
        if array.ndim != first.ndim or channels(array.shape) != found.channels:
            raise DataError(
                "X must hold samples of one kind with the same number of channels: images (C, H, W) or series (T, C); "
                f"sample 0 has the shape {first.shape}, sample {number} {array.shape}. Convert them "
                f"first.{channels_to_the_front([each.shape for each in found.arrays])}"
            )
        if array.size == 0 or not (np.isfinite(array) | (missing & np.isnan(array))).all():
            what, remedy = ("infinity", "Drop") if missing else ("NaN or infinity", "Drop or fill")
            raise DataError(
                f"X must hold finite numbers; sample {number} is empty or contains {what}. {remedy} those values first."
            )


def scaling_of(samples: Signals) -> Scaling:
    """Return the scaling of samples: images by their range, series and tables by mean and deviation of each channel.

    The range of images is that of their bit depth, where they hold whole numbers: from 0 to 255 for bytes, to 4095 if
    no larger number occurs in 16 bits; of other numbers it is 0 to 1 if most are within and none is far beyond, as of
    noisy images, or else their own.

    Examples
    --------
    >>> dim = np.full((1, 1, 2, 2), 3000, np.uint16)
    >>> scaling_of(Signals(dim, Form.of(dim))).scale.ravel().tolist()
    [4095.0]
    """
    shape = per_channel(samples.arrays[0].shape)
    if samples.kind == "images":
        low, high = _range(samples.arrays)
        return Scaling(np.full(shape, low), np.full(shape, high - low))
    domains = ("real",) * samples.channels
    one = isinstance(samples.arrays, np.ndarray)
    blocks = [np.asarray(samples.arrays)] if one else [x[None] for x in samples.arrays]
    return Scaling.of(Moments.of((block.astype(np.float64) for block in blocks), domains), domains)


def _range(arrays: Sequence[Array] | Array) -> tuple[float, float]:
    low = min(float(np.fmin.reduce(x, None)) for x in arrays)  # missing ones passed over
    high = max(float(np.fmax.reduce(x, None)) for x in arrays)
    if arrays[0].dtype.kind != "f" and low >= 0 and high > 1:
        return 0.0, max(255.0, 2.0 ** np.ceil(np.log2(high + 1)) - 1)
    if low >= -_BEYOND and high <= 1 + _BEYOND and max(_beyond(x) for x in arrays) < 0.5:
        return 0.0, 1.0
    return min(low, 0.0), max(high, min(low, 0.0) + 1e-12)


def _beyond(x: Array) -> float:
    """Return the share of numbers that are not in [0, 1]."""
    return float(((x < 0) | (x > 1)).mean())


def _as(array: Array, dtype: np.dtype[Any], whole: bool) -> Array:
    if dtype.kind == "f":
        return array.astype(dtype, copy=False)
    if not whole:
        return array
    limits = np.iinfo(dtype)
    return np.clip(np.rint(array), limits.min, limits.max).astype(dtype)


def scaled(scaling: Scaling, sample: Array) -> torch.Tensor:
    """Return one sample as a batch of one (1, *shape), scaled, float32."""
    return scaling.batch(scaling.tensor(np.ascontiguousarray(sample)[None]))
