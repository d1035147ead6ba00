"""Fréchet distance: how far apart two sets of points are, both taken for normal distributions."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from diabolo.metrics.arrays import Array, alike, points


def frechet(real: ArrayLike, other: ArrayLike) -> float:
    """Return |μ − μ'|² + tr(Σ + Σ' − 2 (Σ Σ')^½), the squared Fréchet distance of the normal distributions.

    Means and unbiased covariances are those of the points. In features of the Inception network it is the FID; in
    features of another network it is not comparable with that, nor with numbers of yet another one. Of few points it
    is too large: print beside it the distance of as many real points from other real ones.

    With Σ = AᵀA and Σ' = BᵀB, the trace of the root is the sum of the singular values of A Bᵀ: nothing is squared
    that a root is then taken of, so it is as precise with fewer points than features.

    Parameters
    ----------
    real, other : array (N, F), (M, F)
        Features of both, at least two samples of each.

    Returns
    -------
    float
        At least 0, in squared units of the features; symmetric.

    Raises
    ------
    DataError
        If the arrays are not of shapes (N, F) and (M, F) with two samples each, or hold NaN or infinity.
    DataTypeError
        If they hold something other than numbers.

    References
    ----------
    Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter, "GANs trained by a two time-scale update rule converge to a
    local Nash equilibrium", NeurIPS, 2017, equation 6.
    Dowson, Landau, "The Fréchet distance between multivariate normal distributions", Journal of Multivariate
    Analysis, 1982.

    Examples
    --------
    >>> square = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]) * 0.75**0.5  # covariance 1
    >>> print(f"{frechet(square, square):.6f} {frechet(square, square + 3):.6f} {frechet(square, 2 * square):.6f}")
    0.000000 18.000000 2.000000
    """
    a, b = points("real", real, least=2), points("other", other, least=2)
    alike("real", a, "other", b)
    one, two = _root(a), _root(b)
    shared = np.linalg.svd(one @ two.T, compute_uv=False).sum()
    spread = np.square(one).sum() + np.square(two).sum() - 2 * shared
    return float(np.square(a.mean(0) - b.mean(0)).sum() + max(spread, 0.0))


def _root(x: Array) -> Array:
    """Return R (min(N, F), F) with RᵀR the covariance of x (N, F)."""
    return np.asarray(np.linalg.qr((x - x.mean(0)) / np.sqrt(len(x) - 1), mode="r"))
