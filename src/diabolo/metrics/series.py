"""Series: how far apart two sets of them are in what they remember, and in how fast they move."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from diabolo.check import Maybe, Whole, demand
from diabolo.metrics.arrays import Array, alike, windows


def autocorrelation_distance(real: ArrayLike, other: ArrayLike, lags: int | None = None) -> float:
    """Return the mean absolute difference of autocorrelations, over lags from 1 on and channels.

    The autocorrelation of a set is Σ (xₜ − x̄)(xₜ₊ₗ − x̄) / Σ (xₜ − x̄)², summed over time and series, each less its own
    mean; 0 where all are constant. Neither the place nor the scale of a channel counts.

    Parameters
    ----------
    real, other : array (N, T, C), (M, T, C)
        Series of both.
    lags : int, optional
        Longest lag, less than T; by default T // 2.

    Returns
    -------
    float
        In [0, 2); 0 for the same series.

    Raises
    ------
    ParameterError
        If `lags` is not an integer in [1, T - 1].
    DataError
        If the arrays are not of shapes (N, T, C) and (M, T, C), or hold NaN or infinity.
    DataTypeError
        If they hold something other than numbers.

    References
    ----------
    Box, Jenkins, "Time series analysis: forecasting and control", 1970, chapter 2.

    Examples
    --------
    >>> swing = np.resize([1.0, -1.0], (1, 8, 1))
    >>> autocorrelation_distance(swing, 3 * swing + 5), autocorrelation_distance(swing, np.sort(swing, 1), 1)
    (0.0, 1.5)
    """
    a, b = _both(real, other)
    steps = a.shape[1]
    demand("lags", "autocorrelation_distance", lags, Maybe(Whole(1, steps - 1), "half of the steps"))
    most = lags or steps // 2
    return float(np.abs(_autocorrelation(a, most) - _autocorrelation(b, most)).mean())


def spectrum_distance(real: ArrayLike, other: ArrayLike) -> float:
    """Return the total variation between the shares of power by frequency, averaged over channels.

    The power at a frequency is the mean periodogram of the series, each less its own mean; constant series have all of
    theirs at frequency 0. Neither the place nor the scale of a channel counts.

    Parameters
    ----------
    real, other : array (N, T, C), (M, T, C)
        Series of both.

    Returns
    -------
    float
        In [0, 1]: 0 for the same series, 1 if they have no frequency in common.

    Raises
    ------
    DataError
        If the arrays are not of shapes (N, T, C) and (M, T, C), or hold NaN or infinity.
    DataTypeError
        If they hold something other than numbers.

    References
    ----------
    Schuster, "On the investigation of hidden periodicities", Terrestrial Magnetism, 1898.

    Examples
    --------
    >>> time = np.arange(16)[None, :, None]
    >>> slow, fast = np.sin(2 * np.pi * time / 16), np.sin(2 * np.pi * time / 4)
    >>> print(f"{spectrum_distance(slow, fast):.3f} {spectrum_distance(slow, slow + fast):.3f}")
    1.000 0.500
    """
    a, b = _both(real, other)
    return float(np.abs(_spectrum(a) - _spectrum(b)).sum(0).mean() / 2)


def _both(real: ArrayLike, other: ArrayLike) -> tuple[Array, Array]:
    a, b = windows("real", real), windows("other", other)
    alike("real", a, "other", b)
    return _centred(a), _centred(b)


def _centred(x: Array) -> Array:
    """Return series (N, T, C) less their means, in units of the largest deviation of the channel; rounding is 0."""
    rounding = 1e-12 * np.abs(x).max((0, 1))
    x = x - x.mean(1, keepdims=True)
    largest = np.abs(x).max((0, 1))
    return np.where(largest > rounding, x, 0) / np.where(largest > rounding, largest, 1)


def _autocorrelation(x: Array, lags: int) -> Array:
    """Return that of centred series (N, T, C), (lags, C)."""
    steps = x.shape[1]
    power = np.square(np.abs(np.fft.rfft(x, 2 * steps, axis=1))).sum(0)  # twice as long, so that ends do not meet
    covariance = np.fft.irfft(power, axis=0)[: lags + 1]
    return covariance[1:] / np.where(covariance[0] > 0, covariance[0], 1)


def _spectrum(x: Array) -> Array:
    """Return the shares of power of centred series (N, T, C), (T // 2 + 1, C)."""
    power = np.square(np.abs(np.fft.rfft(x, axis=1))).mean(0)
    power[0] = 0  # but for rounding
    power[1 : (x.shape[1] + 1) // 2] *= 2  # each stands for two frequencies, but for the highest of an even number
    power[0] = power.sum(0) == 0
    return power / power.sum(0)
