"""What noise samples hold, told from themselves: its level, and whether it is the same and independent everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.metrics.restoration import noise_level

Array = NDArray[Any]

_LEAST = 16
"""Points along each axis that it takes to tell."""

_VARIED = 1.4
"""How much the level may differ between most samples to be one."""

_UNEVEN = 1.3
"""How much it may differ between dark and bright parts: shot noise grows with the light."""

_CORRELATED = 1.3
"""How much higher it may be between every second point: what goes on from point to point hides between neighbours."""


def level(x: Array) -> NDArray[np.float64]:
    """Return the level of noise of samples (N, *shape), the root mean square over channels; 0 of tiny ones.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=(1, 1, 256, 256))
    >>> level(0.3 * noise).round(2)
    array([0.3])
    """
    if min(_lengths(x)) < 3:
        return np.zeros(len(x))
    return np.sqrt((noise_level(x) ** 2).mean(1))


@dataclass(frozen=True)
class Noise:
    """What noise samples have.

    Parameters
    ----------
    level : float
        Its standard deviation, the median over samples.
    even : bool
        Whether all samples have about that, in dark and in bright parts.
    independent : bool
        Whether that of one point does not tell that of the next.
    """

    level: float
    even: bool
    independent: bool

    @staticmethod
    def of(samples: Sequence[Array]) -> Noise:
        """Return what is told of the noise of samples (1, *shape); of tiny ones nothing is sure.

        Examples
        --------
        >>> white = 0.1 * np.random.default_rng(0).normal(size=(4, 1, 1, 64, 64))
        >>> found = Noise.of(white)
        >>> round(found.level, 2), found.even, found.independent, Noise.of(white + np.roll(white, 1, -1)).independent
        (0.1, True, True, False)
        """
        if min(min(_lengths(x)) for x in samples) < _LEAST:
            return Noise(float(np.median([level(x)[0] for x in samples])), False, False)
        levels = np.array([level(x)[0] for x in samples])
        low, middle, high = np.quantile(levels, (0.1, 0.5, 0.9)).tolist()
        coarse = np.median([level(_every_second(x))[0] for x in samples])
        even = 0 < high < _VARIED * low and np.median([_unevenness(x) for x in samples]) < _UNEVEN
        return Noise(middle, bool(even), bool(0 < coarse < _CORRELATED * middle))


def _unevenness(x: Array) -> float:
    """Return the ratio of the levels in the brighter and the darker half of a sample, the larger by the smaller."""
    detail = np.diff(x, axis=-1) if x.ndim == 4 else np.diff(x, axis=1)
    light = x[..., 1:] + x[..., :-1] if x.ndim == 4 else x[:, 1:] + x[:, :-1]
    bright = light > np.median(light)
    levels = [np.median(np.abs(detail[part])) if part.any() else 0.0 for part in (bright, ~bright)]
    return float(max(levels) / max(min(levels), 1e-12))


def _every_second(x: Array) -> Array:
    return x[:, :, ::2, ::2] if x.ndim == 4 else x[:, ::2]


def _lengths(x: Array) -> tuple[int, ...]:
    return x.shape[2:] if x.ndim == 4 else x.shape[1:2]
