"""Images less the light and the contrast of their surroundings, so that what is left compares from place to place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

_LEAST = 0.3
"""Share of the mean square of the whole image that is added to the local one, for plain places not to be blown up."""

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Normalised:
    """An image, coarser and locally normalised.

    Parameters
    ----------
    values : array (C, h, w)
        What is left.
    contrast : array (C, h, w)
        What it was divided by.
    image : array (C, H, W)
        The image itself.
    pool : int
        Pixels along each axis that became one.

    References
    ----------
    Local contrast normalisation: Jarrett, Kavukcuoglu, Ranzato, LeCun, "What is the best multi-stage architecture for
    object recognition?", ICCV 2009.

    Examples
    --------
    >>> ramp = np.arange(100.0).reshape(1, 1, 100) * np.ones((1, 50, 1))
    >>> seen = Normalised.of(ramp, pool=2, width=4.0)
    >>> seen.values.shape, float(abs(seen.values[0, :, 20:30]).max()) < 1e-3
    ((1, 25, 50), True)
    >>> seen.enlarged(seen.values).shape
    (1, 50, 100)
    """

    values: Array
    contrast: Array
    image: Array
    pool: int

    @classmethod
    def of(cls, image: Array, pool: int, width: float) -> Normalised:
        """Return an image (C, H, W) with the means of `pool` x `pool` pixels, less its blurred self, over its contrast.

        Parameters
        ----------
        image : array (C, H, W)
            Any numbers.
        pool : int
            Pixels along each axis that become one; at the ends, fewer do.
        width : float
            Standard deviation of the Gaussian that blurs, in coarse pixels.
        """
        x = _pooled(image.astype(np.float64), pool)
        d = x - _blurred(x, width)
        square = d**2
        contrast = np.sqrt(_blurred(square, width) + _LEAST * square.mean())
        contrast = np.where(contrast > 0, contrast, 1.0)
        return cls(d / contrast, contrast, image, pool)

    def enlarged(self, coarse: Array) -> Array:
        """Return what is known of coarse pixels (..., h, w) for all pixels, (..., H, W)."""
        height, width = self.image.shape[1:]
        return coarse.repeat(self.pool, -2).repeat(self.pool, -1)[..., :height, :width]

    def without(self, unexpected: Array) -> Array:
        """Return the image less what is unexpected, given in the units of `values`, (C, H, W)."""
        return self.image - self.enlarged(unexpected * self.contrast)


def _pooled(x: Array, pool: int) -> Array:
    if pool == 1:
        return x
    starts = [np.arange(0, length, pool) for length in x.shape[1:]]
    sums = np.add.reduceat(np.add.reduceat(x, starts[0], axis=1), starts[1], axis=2)
    rows, columns = (np.minimum(pool, n - start) for start, n in zip(starts, x.shape[1:], strict=True))
    return sums / (rows[:, None] * columns)


def _blurred(x: Array, width: float) -> Array:
    return gaussian_filter(x, (0, width, width))
