"""Arrays that a measure is computed from: real numbers of the right shape, or a sentence that says what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diabolo.check import shorten
from diabolo.errors import DataError, DataTypeError

Array = NDArray[np.float64]

_LARGEST = 1e100
"""Beyond it the square of a sum of squares could overflow."""


def numbers(name: str, values: ArrayLike, shape: str) -> Array:
    """Return `values` in float64; what they must be is told as `shape`.

    Raises
    ------
    DataTypeError
        If they are not real numbers, or ragged.

    Examples
    --------
    >>> numbers("scores", [1, True, None], "(n,)")
    array([ 1.,  1., nan])
    """
    try:
        array = np.asarray(values)
        with np.errstate(over="ignore"):  # a wider float beyond float64 is infinite
            real = array.astype(np.float64) if array.dtype.kind in "biufO" else None
    except (ValueError, TypeError, OverflowError, RuntimeError):  # ragged, or what no number can be made of
        real = None
    if real is None:
        raise DataTypeError(f"{name} must be an array of real numbers, shape {shape}; got {shorten(values)}.")
    return real


def points(name: str, values: ArrayLike, least: int = 1) -> Array:
    """Return points, float64 (N, F): finite, at least `least` of at least one number each.

    Raises
    ------
    DataError
        If they have another shape, are too few, or hold NaN, infinity or numbers beyond ±1e100.
    DataTypeError
        If they are not real numbers.

    Examples
    --------
    >>> points("real", [[1, 2]])
    array([[1., 2.]])
    """
    array = numbers(name, values, "(N, F)")
    if array.ndim != 2 or array.shape[1] == 0:
        raise DataError(
            f"{name} must have shape (N, F), a row of features for each sample; got shape {array.shape}. "
            "Flatten each sample with x.reshape(len(x), -1)."
        )
    return _finite(name, array, least)


def windows(name: str, values: ArrayLike, least: int = 1) -> Array:
    """Return series, float64 (N, T, C): finite, at least `least` of at least two steps and one channel each.

    Raises
    ------
    DataError
        If they have another shape, are too few, or hold NaN, infinity or numbers beyond ±1e100.
    DataTypeError
        If they are not real numbers.

    Examples
    --------
    >>> windows("real", [[[1], [2]]]).shape
    (1, 2, 1)
    """
    array = numbers(name, values, "(N, T, C)")
    if array.ndim != 3 or array.shape[1] < 2 or array.shape[2] == 0:
        raise DataError(
            f"{name} must have shape (N, T, C), N series of at least 2 steps of C channels; got shape {array.shape}. "
            "Give series of one channel as x[:, :, None]."
        )
    return _finite(name, array, least)


def alike(first: str, a: Array, second: str, b: Array) -> None:
    """Raise unless the samples of two arrays have the same shape.

    Raises
    ------
    DataError
        Which names both and their shapes.

    Examples
    --------
    >>> alike("real", np.ones((3, 2)), "other", np.ones((1, 4)))
    Traceback (most recent call last):
    ...
    diabolo.errors.DataError: real and other must have samples of one shape; got (2,) and (4,). Give the same features.
    """
    if a.shape[1:] != b.shape[1:]:
        raise DataError(
            f"{first} and {second} must have samples of one shape; got {a.shape[1:]} and {b.shape[1:]}. "
            "Give the same features."
        )


def demand_finite(name: str, codes: Any) -> None:
    """Raise unless what is stored of a sparse matrix is finite.

    Raises
    ------
    DataError
        If it holds NaN or infinity.
    """
    if not np.isfinite(codes.data).all():
        raise DataError(f"{name} must hold finite numbers; got NaN or infinity. Drop those samples.")


def _finite(name: str, array: Array, least: int) -> Array:
    if len(array) < least:
        raise DataError(f"{name} must hold at least {least} samples; got {len(array)}. Give more.")
    wrong = ~(np.abs(array) <= _LARGEST).reshape(len(array), -1).all(1)
    if wrong.any():
        raise DataError(
            f"{name} must hold finite numbers, within ±{_LARGEST:g}; got others in {wrong.sum()} samples, the first at "
            f"{wrong.argmax()}. Drop those samples, or scale them."
        )
    return array
