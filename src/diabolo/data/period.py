"""The period of a series, from its autocorrelation: a window that long sees a whole turn of what repeats."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len

LOW, HIGH = 8, 256
"""Periods that are looked for."""

USUAL = 64
"""What is taken where nothing repeats."""


_NEARLY = 0.9
"""Of peaks nearly as high as the highest the first is taken: after two turns a series repeats as well as after one."""


def period(x: NDArray[Any]) -> int:
    """Return the lag, between 8 and 256 points, of the first high peak of the mean autocorrelation of the channels.

    Where there is no peak it is 64; never more than a quarter of the series.

    Parameters
    ----------
    x : array (T, C)
        A series; channels that do not change have no say.

    Examples
    --------
    >>> period(np.sin(np.arange(1000) * 2 * np.pi / 50)[:, None])
    50
    """
    length = len(x)
    high = max(1, min(HIGH, length // 4))
    centred = x - x.mean(0)
    spectrum = np.fft.rfft(centred, next_fast_len(2 * length), axis=0)
    powers = np.fft.irfft(np.abs(spectrum) ** 2, axis=0)[: high + 2]  # (lags, C)
    moving = powers[0] > 1e-20 * length * np.square(x.astype(np.float64)).mean(0)
    if not moving.any() or high <= LOW:
        return min(USUAL, high)
    correlation = (powers[:, moving] / powers[0, moving]).mean(1)
    inner = correlation[1:-1]
    peaks = 1 + np.flatnonzero((inner > correlation[:-2]) & (inner >= correlation[2:]) & (inner > 0))
    peaks = peaks[peaks >= LOW]
    if not len(peaks):
        return min(USUAL, high)
    first = peaks[(correlation[peaks] >= _NEARLY * correlation[peaks].max()).argmax()]
    near = peaks[(peaks >= first) & (peaks <= 1.25 * first)]  # in noise, many small peaks make a high one
    return int(near[correlation[near].argmax()])
