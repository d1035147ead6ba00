"""Rate–distortion curves: PSNR of whole images, and what a curve says at a rate between its points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def psnr(photo: NDArray[np.uint8], back: Any) -> float:
    """Return 10 log10(255² / MSE) in dB over all pixels and the three colours alike.

    Raises
    ------
    ValueError
        If something else than 8-bit pixels of this shape came back.
    """
    back = np.asarray(back)
    if back.shape != photo.shape or back.dtype != np.uint8:
        raise ValueError(f"uint8 {photo.shape} comes back as {back.dtype} {back.shape}.")
    error = np.square(photo.astype(np.float64) - back).mean()
    return float(10 * np.log10(255**2 / error)) if error else 99.0  # JSON has no infinity


def nearest(rates: Sequence[float], at: float) -> int:
    """Return which rate is nearest on a logarithmic scale."""
    return int(np.argmin(np.abs(np.log(np.array(rates) / at))))


def interpolated(curve: Sequence[Sequence[float]], rates: Sequence[float]) -> NDArray[np.float64]:
    """Return PSNR at rates (R,) of a curve of (bits per pixel, PSNR), linear in the logarithm of the rate.

    Points that cost more than another without being better are left out, as nobody would choose them. It is nan
    outside the curve: nothing is extrapolated.
    """
    kept: list[Sequence[float]] = []
    for point in sorted(curve, key=tuple):
        if not kept or point[1] > kept[-1][1]:
            kept.append(point)
    x, y = np.log([point[0] for point in kept]), np.array([point[1] for point in kept])
    return np.interp(np.log(rates), x, y, left=np.nan, right=np.nan)
