"""Precision, recall, density and coverage: whether samples lie where real ones lie, and everywhere they lie.

Where real samples lie is known from balls: one around each, that reaches to its k-th nearest neighbour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from diabolo.check import Whole, demand
from diabolo.metrics.arrays import alike, points
from diabolo.metrics.neighbours import nearest, squared


@dataclass(frozen=True)
class Coverage:
    """How well samples cover real ones.

    Parameters
    ----------
    precision : float
        Share of the samples that lie in the ball of a real one.
    recall : float
        Share of the real ones that lie in the ball of a sample.
    density : float
        Mean number of balls of real ones in which a sample lies, over k: about 1 if both are drawn alike, and more
        where the samples crowd in the middle.
    coverage : float
        Share of the real ones in whose ball a sample lies. Unlike recall, outliers among the samples cannot raise it.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def coverage(real: ArrayLike, other: ArrayLike, k: int = 5) -> Coverage:
    """Compare samples with real ones by the balls of nearest neighbours.

    Only orders of distances count: features may be moved, turned, mirrored and scaled together. Numbers of different k
    or of different numbers of samples do not compare; print those of other real ones beside.

    Parameters
    ----------
    real, other : array (N, F), (M, F)
        Features of both, more than k of each. Memory is bounded; time grows with (N + M)² F.
    k : int
        Which neighbour the balls reach to; not counting the sample itself.

    Raises
    ------
    ParameterError
        If `k` is not an integer in [1, min(N, M) - 1].
    DataError
        If the arrays are not of shapes (N, F) and (M, F) with two samples each, or hold NaN or infinity.
    DataTypeError
        If they hold something other than numbers.

    References
    ----------
    Kynkäänniemi, Karras, Laine, Lehtinen, Aila, "Improved precision and recall metric for assessing generative
    models", NeurIPS, 2019. Naeem, Oh, Uh, Choi, Yoo, "Reliable fidelity and diversity metrics for generative models",
    ICML, 2020, equations 3 to 5.

    Examples
    --------
    >>> line = np.arange(8.0)[:, None]
    >>> coverage(line, line + 100, k=2)
    Coverage(precision=0.0, recall=0.0, density=0.0, coverage=0.0)
    >>> coverage(line, line[:4], k=2)  # half of the line: nothing wrong in it, but much is missing
    Coverage(precision=1.0, recall=0.75, density=1.5, coverage=0.625)
    """
    a, b = points("real", real, least=2), points("other", other, least=2)
    alike("real", a, "other", b)
    demand("k", "coverage", k, Whole(1, min(len(a), len(b)) - 1))
    reach, reach_of_other = (nearest(x, x, k + 1)[:, -1] ** 2 for x in (a, b))
    holding = np.zeros(len(b), dtype=np.intp)  # balls of real ones that hold a sample
    covered, recalled = np.zeros(len(a), dtype=bool), np.zeros(len(a), dtype=bool)
    for rows, squares in squared(a, b):
        inside = squares <= reach[rows, None]
        holding += inside.sum(0)
        covered[rows] = inside.any(1)
        recalled[rows] = (squares <= reach_of_other).any(1)
    return Coverage(
        precision=float((holding > 0).mean()),
        recall=float(recalled.mean()),
        density=float(holding.mean() / k),
        coverage=float(covered.mean()),
    )
