"""Memorising: whether samples lie nearer to training samples than new real ones do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, rankdata

from diabolo.check import Whole, demand
from diabolo.metrics.arrays import Array, alike, points
from diabolo.metrics.neighbours import nearest

_LEAST = 5
"""Samples, and held-out ones, that a cell needs to be tested."""


@dataclass(frozen=True, eq=False)
class Memorising:
    """How near samples lie to the training samples, beside how near held-out ones do.

    Parameters
    ----------
    samples, held_out : ndarray (M,), (H,)
        Distance of each to the nearest training sample.
    nearer : float
        Probability that a sample is nearer than a held-out one, ties half: 0.5 if they are alike, 1 if copied.
    p_value : float
        Probability of so small distances if samples and held-out ones are drawn alike; small if memorised.
    share : float
        Share of the samples whose nearest real one, among both, is a training sample.
    expected : float
        That share if training samples are no nearer than held-out ones: N / (N + H). Samples that are merely far from
        all real ones have it too, on average, so that a share well above it is memory, however far they are; a few
        hundredths are chance, more where few real samples are nearest to all.
    """

    samples: Array
    held_out: Array
    nearer: float
    p_value: float
    share: float
    expected: float

    def __str__(self) -> str:
        here, there = (np.quantile(each, [0.05, 0.5]) for each in (self.samples, self.held_out))
        return (
            f"nearer than held-out ones: {self.nearer:.3f} (p = {self.p_value:.2g}); nearest distance, 5 % and median: "
            f"{here[0]:.3g}, {here[1]:.3g} against {there[0]:.3g}, {there[1]:.3g}; nearest to a training sample: "
            f"{self.share:.3f} of them ({self.expected:.3f} by chance)"
        )


def memorising(train: ArrayLike, held_out: ArrayLike, samples: ArrayLike, cells: int = 1) -> Memorising:
    """Test whether samples are nearer to the training samples than held-out real ones are.

    Distances to the nearest training sample are compared by the test of Mann and Whitney, one-sided. One that copies
    here and strays there can pass it: with `cells`, space is divided among that many centres of the training samples
    (k-means), tested in each, and the z-values are averaged by the share of held-out ones in each.

    Parameters
    ----------
    train, held_out, samples : array (N, F), (H, F), (M, F)
        Features of what the model was trained on, of real samples that it was not, and of its own.
    cells : int
        Parts of space to test in; a part with fewer than 5 samples or held-out ones does not count.

    Raises
    ------
    ParameterError
        If `cells` is not an integer in [1, N].
    DataError
        If the arrays are not of shapes (N, F), (H, F), (M, F), or hold NaN or infinity.
    DataTypeError
        If they hold something other than numbers.

    References
    ----------
    Meehan, Chaudhuri, Dasgupta, "A non-parametric test to detect data-copying in generative models", AISTATS, 2020.
    Platzer, Reutterer, "Holdout-based empirical assessment of mixed-type synthetic data", Frontiers in Big Data, 2021.
    Mann, Whitney, "On a test of whether one of two random variables is stochastically larger than the other", Annals
    of Mathematical Statistics, 1947.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> train, held_out, fresh = rng.normal(size=(3, 200, 2))
    >>> print(f"{memorising(train, held_out, fresh).p_value:.2f} {memorising(train, held_out, train).nearer:.2f}")
    0.20 1.00
    """
    a, b, c = points("train", train), points("held_out", held_out), points("samples", samples)
    alike("train", a, "held_out", b)
    alike("train", a, "samples", c)
    demand("cells", "memorising", cells, Whole(1, len(a)))
    there, here = nearest(b, a, 1)[:, 0], nearest(c, a, 1)[:, 0]
    place, own = _cells(a, b, c, cells)
    weights, values = _tested(there, here, place, own) if cells > 1 else (np.ones(1), np.array([_z(there, here)]))
    z = weights @ values / np.linalg.norm(weights) if weights.any() else 0.0
    nearer, expected = 1 - _farther(there, here) / (len(there) * len(here)), len(a) / (len(a) + len(b))
    beyond = nearest(c, b, 1)[:, 0]
    share = np.where(here == beyond, expected, here < beyond).mean()  # to be as near to both tells nothing
    return Memorising(here, there, nearer, float(norm.cdf(z)), float(share), expected)


def _cells(a: Array, b: Array, c: Array, cells: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return in which part of space held-out samples (H,) and samples (M,) lie."""
    if cells == 1:
        return np.zeros(len(b), dtype=np.intp), np.zeros(len(c), dtype=np.intp)
    from sklearn.cluster import KMeans  # not before it is needed: it takes as long to import as all the rest

    means = cast(Any, KMeans)(cells, n_init=3, random_state=0).fit(a)
    return means.predict(b), means.predict(c)


def _tested(there: Array, here: Array, place: NDArray[np.intp], own: NDArray[np.intp]) -> tuple[Array, Array]:
    """Return the weight and the z-value of each cell with enough in it."""
    found = []
    for cell in np.unique(place):
        one, two = there[place == cell], here[own == cell]
        if min(len(one), len(two)) >= _LEAST:
            found.append((len(one) / len(there), _z(one, two)))
    weights, values = np.array(found).reshape(-1, 2).T
    return weights, values


def _farther(there: Array, here: Array) -> float:
    """Return Mann and Whitney's U: of how many pairs the sample is farther away, ties half."""
    ranks = rankdata(np.concatenate([here, there]))[: len(here)]
    return float(ranks.sum() - len(here) * (len(here) + 1) / 2)


def _z(there: Array, here: Array) -> float:
    """Return the z-value of `_farther`, corrected for continuity and ties; below 0 where samples are nearer."""
    n, m = len(there), len(here)
    ties = np.unique(np.concatenate([here, there]), return_counts=True)[1].astype(np.float64)
    total = n + m
    variance = n * m / 12 * (total + 1 - (ties**3 - ties).sum() / (total * (total - 1)))
    return float((_farther(there, here) - n * m / 2 + 0.5) / np.sqrt(variance)) if variance > 0 else 0.5
