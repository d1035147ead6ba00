"""Sparsity: how many latents a code uses, and which are never or nearly always in use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array, issparse

from diabolo.check import Number, demand
from diabolo.errors import DataError
from diabolo.metrics.arrays import Array, demand_finite, points


@dataclass(frozen=True, eq=False)
class Sparsity:
    """How the latents of a code are used.

    Parameters
    ----------
    l0 : float
        Mean number of entries of a code that differ from 0.
    frequency : ndarray (n,)
        Share of the samples that each latent is active in.
    dead : float
        Share of the latents that are never active.
    dense : float
        Share of the latents that are active in more than a stated share of the samples.
    """

    l0: float
    frequency: Array
    dead: float
    dense: float

    def __str__(self) -> str:
        return f"{self.l0:.1f} of {len(self.frequency)} latents active, {self.dead:.1%} never, {self.dense:.1%} densely"


def sparsity(codes: Any, often: float = 0.1) -> Sparsity:
    """Return how the latents of codes are used.

    Parameters
    ----------
    codes : sparse matrix or array (N, n)
        What `Dictionary.transform` returns.
    often : float
        Share of the samples above which a latent counts as dense.

    Raises
    ------
    ParameterError
        If `often` is not a share.
    DataError
        If there are no codes.

    Examples
    --------
    >>> print(sparsity([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [1.0, 3.0, 0.0]], often=0.5))
    1.3 of 3 latents active, 33.3% never, 33.3% densely
    """
    demand("often", "sparsity", often, Number(0, 1))
    if issparse(codes):
        if codes.ndim != 2 or 0 in codes.shape:
            raise DataError(f"codes must be of shape (N, n), at least one sample of one latent; got {codes.shape}.")
        codes = csr_array(codes)
        demand_finite("codes", codes)
        active = np.asarray((codes != 0).sum(0)).reshape(-1)
    else:
        active = (points("codes", codes) != 0).sum(0)
    count = codes.shape[0] if issparse(codes) else len(codes)
    frequency = active / count
    return Sparsity(
        float(active.sum() / count), frequency, float((active == 0).mean()), float((frequency > often).mean())
    )


def fvu(target: ArrayLike, rebuilt: ArrayLike) -> float:
    """Return the fraction of variance unexplained: squared errors over squares about the mean; 0 is perfect.

    Parameters
    ----------
    target, rebuilt : array (N, D)
        What was to be rebuilt, and what came of it.

    Raises
    ------
    DataError
        If the arrays are not of one shape (N, D), hold NaN or infinity, or `target` does not vary.

    Examples
    --------
    >>> fvu([[0.0], [2.0]], [[0.0], [1.0]])
    0.5
    """
    x, y = points("target", target), points("rebuilt", rebuilt)
    if x.shape != y.shape:
        raise DataError(f"target and rebuilt must be of one shape; got {x.shape} and {y.shape}.")
    spread = np.square(x - x.mean(0)).sum()
    if spread == 0:
        raise DataError("target does not vary, so that no share of its variance can be unexplained; give more samples.")
    return float(np.square(y - x).sum() / spread)
