"""How good a map is as a whole: whether what is far apart in the data is so in the map."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from diabolo.check import Maybe, Whole, demand
from diabolo.metrics.arrays import Array
from diabolo.metrics.maps import together

_PAIRS = 50_000
"""Pairs, or triplets, that are drawn."""


def distance_correlation(X: ArrayLike, codes: ArrayLike, pairs: int = _PAIRS, seed: int = 0) -> float:
    """Return Spearman's correlation of distances in the data and in the map, over random pairs: global structure.

    It is the correlation of the Shepard diagram, of X (N, *shape) and codes (N, n).

    Raises
    ------
    DataError
        If the two are not of the same samples, or there are fewer than three.

    References
    ----------
    Shepard, "The analysis of proximities", Psychometrika 1962.

    Examples
    --------
    >>> line = np.arange(20.0)[:, None]
    >>> round(distance_correlation(line, line * 3), 6)
    1.0
    """
    ranks = [rankdata(lengths) for lengths in _distances("distance_correlation", X, codes, pairs, seed)]
    return float(np.corrcoef(ranks)[0, 1]) if min(np.ptp(each) for each in ranks) > 0 else 0.0


def triplets_kept(X: ArrayLike, codes: ArrayLike, triplets: int = _PAIRS, seed: int = 0) -> float:
    """Return how often, of two random samples, the one nearer to a third is nearer in the map too; 0.5 by chance.

    Raises
    ------
    DataError
        If the two are not of the same samples, or there are fewer than three.

    References
    ----------
    Wang, Huang, Rudin, Shaposhnik, "Understanding how dimension reduction tools work", JMLR 2021, section 6 (random
    triplet accuracy).

    Examples
    --------
    >>> line = np.arange(20.0)[:, None]
    >>> triplets_kept(line, line * 3)
    1.0
    """
    samples, places = together(X, codes)
    i, j, k = _different("triplets_kept", len(samples), 3, triplets, seed)
    orders = [np.sign(_apart(of, i, j) - _apart(of, i, k)) for of in (samples, places)]
    return float((orders[0] == orders[1]).mean())


def stress(X: ArrayLike, codes: ArrayLike, pairs: int = _PAIRS, seed: int = 0) -> float:
    """Return Kruskal's stress over random pairs, at the best scale of the map: 0 if distances are kept, below 1.

    √(Σ (d − a·e)² / Σ d²), of distances d in the data and e in the map, with a = Σ d·e / Σ e².

    Raises
    ------
    DataError
        If the two are not of the same samples, or there are fewer than three.

    References
    ----------
    Kruskal, "Multidimensional scaling by optimizing goodness of fit", Psychometrika 1964.

    Examples
    --------
    >>> line = np.arange(20.0)[:, None]
    >>> stress(line, line * 3)
    0.0
    """
    before, after = _distances("stress", X, codes, pairs, seed)
    scale = before @ after / max(float(after @ after), 1e-300)
    return float(np.linalg.norm(before - scale * after) / max(float(np.linalg.norm(before)), 1e-300))


def _distances(owner: str, X: ArrayLike, codes: ArrayLike, pairs: int, seed: int) -> tuple[Array, Array]:
    samples, places = together(X, codes)
    i, j = _different(owner, len(samples), 2, pairs, seed)
    return _apart(samples, i, j), _apart(places, i, j)


def _different(owner: str, count: int, each: int, wanted: int, seed: int | None) -> NDArray[np.int64]:
    """Return random samples of `count`, `each` (2 or 3) at a time, no two of them the same, (each, P)."""
    demand("pairs" if each == 2 else "triplets", owner, wanted, Whole(1))
    demand("seed", owner, seed, Maybe(Whole(0), "another one each time"))
    drawn = np.random.default_rng(seed).integers(0, count, (each, wanted))
    others = [drawn[a] != drawn[b] for a in range(each) for b in range(a)]
    found = drawn[:, np.all(others, axis=0)]
    return found if found.shape[1] else np.arange(each)[:, None]  # of few draws all may be of one sample


def _apart(points: Array, i: NDArray[np.int64], j: NDArray[np.int64]) -> Array:
    """Return the distances (P,) of pairs of points, a block at a time."""
    step = max(1, 2**22 // max(1, points.shape[1]))
    parts = [slice(start, start + step) for start in range(0, len(i), step)]
    return np.concatenate([np.linalg.norm(points[i[part]] - points[j[part]], axis=1) for part in parts])
