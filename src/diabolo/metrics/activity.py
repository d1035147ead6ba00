"""Activity: which dimensions of a code depend on the sample, and what each costs; the others have collapsed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diabolo.check import Number, demand
from diabolo.errors import DataError
from diabolo.metrics.arrays import Array, points


@dataclass(frozen=True, eq=False)
class Activity:
    """What the dimensions of a code do.

    Parameters
    ----------
    variance : ndarray (n,)
        Variance of the posterior mean over the samples.
    kl : ndarray (n,)
        Mean divergence from the prior, in nats; NaN where it is not known.
    active : ndarray of bool (n,)
        Whether the variance exceeds the threshold.
    """

    variance: Array
    kl: Array
    active: NDArray[np.bool_]

    @property
    def units(self) -> int:
        """The number of active dimensions."""
        return int(self.active.sum())

    @property
    def collapsed(self) -> tuple[int, ...]:
        """The dimensions that are not active."""
        return tuple(np.flatnonzero(~self.active).tolist())

    def __str__(self) -> str:
        cost = "" if np.isnan(self.kl).any() else f", {self.kl.sum():.2f} nats, {self.kl.max():.2f} in the costliest"
        lost = ", ".join(map(str, self.collapsed[:8])) + (", …" if len(self.collapsed) > 8 else "")
        return f"{self.units} of {len(self.active)} dimensions active{cost}" + (f"; collapsed: {lost}" if lost else "")


def activity(mean: ArrayLike, kl: ArrayLike | None = None, least: float = 0.01) -> Activity:
    """Tell which dimensions of a code are active: those whose posterior mean varies with the sample.

    Parameters
    ----------
    mean : array (N, n)
        Posterior means of at least two samples: what `transform` returns.
    kl : array (N, n), optional
        Divergence of each dimension from the prior, in nats.
    least : float
        Variance of the mean above which a dimension is active, with a prior of variance 1.

    Raises
    ------
    ParameterError
        If `least` is not a number >= 0.
    DataError
        If the arrays are not of one shape (N, n) with N >= 2, or hold NaN or infinity.
    DataTypeError
        If they hold something other than numbers.

    References
    ----------
    Burda, Grosse, Salakhutdinov, "Importance weighted autoencoders", ICLR, 2016, section 5.2.

    Examples
    --------
    >>> found = activity([[-1.0, 0.01], [1.0, -0.01]], [[0.8, 0.0], [0.6, 0.1]])
    >>> found.units, found.collapsed
    (1, (1,))
    >>> print(found)
    1 of 2 dimensions active, 0.75 nats, 0.70 in the costliest; collapsed: 1
    """
    demand("least", "activity", least, Number(0))
    means = points("mean", mean, least=2)
    variance = means.var(0)
    if kl is None:
        return Activity(variance, np.full(means.shape[1], np.nan), variance > least)
    cost = points("kl", kl)
    if cost.shape != means.shape:
        raise DataError(
            f"mean and kl must be of one shape (N, n); got {means.shape} and {cost.shape}. Give both whole."
        )
    return Activity(variance, cost.mean(0), variance > least)
