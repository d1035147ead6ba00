"""The tail of scores: how high the rarest ones are, beyond what was seen."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import fminbound, root_scalar
from scipy.special import boxcox

from diabolo.check import Number, demand, shorten
from diabolo.errors import DataError, FileError
from diabolo.metrics.conformal import most_within, vector

_LEAST = 20
"""Fewest excesses that a tail is fitted to: below, the error of the shape alone is larger than 0.2."""

_ALLOWED = {
    "start": Number(),
    "shape": Number(-1),
    "scale": Number(0, open_low=True),
    "share": Number(0, 1, open_low=True, open_high=True),
}


@dataclass(frozen=True)
class Tail:
    """Peaks over a threshold: P(score > start + e) = share·(1 + shape·e/scale)^(-1/shape).

    Excesses over a high quantile follow a generalised Pareto distribution, whatever the scores do below it (Pickands
    1975; Balkema, de Haan 1974), so rates far below one in the number of scores have a threshold. Unlike a conformal
    cutoff, it is an extrapolation: an estimate, not a guarantee.

    Parameters
    ----------
    start : float
        Score at which the tail begins.
    shape : float
        Heaviness, >= -1: 0 an exponential tail, above it a power law, below it a tail that ends.
    scale : float
        Size of the excesses, in units of the score, > 0.
    share : float
        Share of the scores that are above `start`, in (0, 1).

    References
    ----------
    Siffer, Fouque, Termier, Largouet, "Anomaly detection in streams with extreme value theory", KDD, 2017.
    Pickands, "Statistical inference using extreme order statistics", Annals of Statistics, 1975.

    Examples
    --------
    >>> tail = Tail(start=2.0, shape=0.0, scale=1.0, share=0.02)
    >>> round(tail.threshold(1e-4), 3)
    7.298
    >>> tail.probability([0.0, 7.298317366548037, 100.0]).round(6)
    array([1.e+00, 1.e-04, 0.e+00])
    """

    start: float
    shape: float
    scale: float
    share: float

    def __post_init__(self) -> None:
        """Raise a ParameterError unless every number is allowed."""
        for name, allowed in _ALLOWED.items():
            demand(name, "Tail", getattr(self, name), allowed)

    @classmethod
    def fit(cls, scores: ArrayLike, share: float = 0.02) -> Tail:
        """Return the tail of scores (n,), fitted by maximum likelihood to the highest `share` of them.

        The tail starts at a score, the (1 - share) quantile; what ties with it is not in the tail, so that the share
        of the result is smaller than the one asked for where scores are equal.

        Raises
        ------
        ParameterError
            If `share` is not in (0, 1).
        DataError
            If fewer than 20 scores lie above the start (so always where all are equal), or not all are finite.
        DataTypeError
            If the scores are not numbers.

        Examples
        --------
        >>> scores = -np.log1p(-np.arange(0.5, 10_000) / 10_000)  # the quantiles of an exponential distribution
        >>> tail = Tail.fit(scores)
        >>> round(tail.start, 2), round(tail.threshold(1e-6), 1), round(-math.log(1e-6), 1)
        (3.91, 13.3, 13.8)
        """
        demand("share", "Tail.fit", share, _ALLOWED["share"])
        values = vector("scores", scores, least=_LEAST)
        start, excesses = _beyond(values, float(share))
        if len(excesses) < _LEAST:
            raise DataError(
                f"A tail needs at least {_LEAST} scores above its start; of {len(values)} scores, {len(excesses)} are "
                f"above the {1 - share:g} quantile. Give more scores (equal ones do not count), or a larger share."
            )
        shape, scale = generalised_pareto(excesses)
        return cls(start, shape, scale, len(excesses) / len(values))

    def threshold(self, rate: float) -> float:
        """Return the score that a share `rate` of all scores exceeds.

        Raises
        ------
        ParameterError
            If `rate` is not in (0, share]: below its start the tail knows nothing.
        """
        demand("rate", "Tail.threshold", rate, Number(0, self.share, open_low=True))
        return self.start + self.scale * float(boxcox(self.share / float(rate), self.shape))

    def probability(self, scores: ArrayLike) -> np.ndarray:
        """Return the probability of a score that large or larger, (n,).

        Up to the start, where the tail knows nothing, it is 1: as p-values, these are on the safe side. It is 0 beyond
        the end of a tail with an end (shape < 0).

        Raises
        ------
        DataError
            If the scores are not one-dimensional or hold NaN.
        DataTypeError
            If the scores are not numbers.
        """
        values = vector("scores", scores)
        with np.errstate(over="ignore", divide="ignore"):  # infinitely far is the right answer
            steps = np.maximum(values - self.start, 0) / self.scale
            beyond = self.share * _survival(steps, self.shape)
        return np.where(values > self.start, beyond, 1.0)

    def to_json(self) -> dict[str, float]:
        """Return the tail as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: object) -> Tail:
        """Return the tail that `to_json` described.

        Raises
        ------
        FileError
            If the value is no description of a tail.
        ParameterError
            If a number is outside what is allowed.

        Examples
        --------
        >>> tail = Tail(2.0, 0.1, 1.0, 0.02)
        >>> assert Tail.from_json(tail.to_json()) == tail
        """
        names = [field.name for field in fields(cls)]
        if not isinstance(plain, Mapping) or set(plain) != set(names):
            raise FileError(f"A tail has {', '.join(names)}; got {shorten(plain)}. The file was edited or is foreign.")
        return cls(**{name: plain[name] for name in names})


def generalised_pareto(excesses: np.ndarray) -> tuple[float, float]:
    """Return shape and scale of the generalised Pareto distribution under which excesses (k,) > 0 are likeliest.

    At a given ratio θ = shape/scale the likeliest shape is the mean of log(1 + θx), so that one dimension is searched:
    first on a grid that reaches from the least possible θ to Grimshaw's upper bound, as there may be several maxima,
    then by Brent's method beside the best point. A shape below -1 has no maximum; -1 itself is compared with the best.

    References
    ----------
    Grimshaw, "Computing maximum likelihood estimates for the generalized Pareto distribution", Technometrics, 1993.

    Examples
    --------
    >>> shape, scale = generalised_pareto(-2 * np.log1p(-np.arange(0.5, 1000) / 1000))
    >>> round(abs(shape), 2), round(scale, 2)
    (0.0, 2.0)
    """
    most = float(excesses.max())
    x = excesses / most
    least = max(float(x.min()), 1e-300)
    high = math.log(2 * float(x.mean())) - 2 * math.log(least)  # Grimshaw's bound, as t of `_profile`
    grid = np.linspace(_lowest(x), min(max(high, 1.0), 600.0), 128)
    best = int(np.argmax([_profile(t, x)[0] for t in grid]))
    peak = fminbound(
        lambda t: -_profile(t, x)[0], grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)], xtol=1e-9
    )
    likelihood, shape, scale = _profile(float(np.asarray(peak)), x)
    if likelihood < 0:  # less likely than a uniform distribution up to the largest excess
        return -1.0, most
    return max(shape, -1.0), max(scale * most, sys.float_info.min)


def _beyond(values: np.ndarray, share: float) -> tuple[float, np.ndarray]:
    """Return the (1 - share) quantile, which is one of the values, and by how much others exceed it."""
    place = len(values) - 1 - most_within(share, len(values))
    start = float(np.partition(values, place)[place])
    with np.errstate(over="ignore"):
        excesses = values[values > start] - start
    if not np.isfinite(values).all() or not np.isfinite(excesses).all():
        raise DataError("scores must be finite, and so must their differences; drop or clip those that are not.")
    return start, excesses


def _profile(t: float, x: np.ndarray) -> tuple[float, float, float]:
    """Return log-likelihood per excess, shape and scale at θ = e^t - 1, for excesses x in [0, 1] of which one is 1."""
    theta = math.expm1(t)  # every t is allowed: 1 + θx > 0
    shape = float(np.log1p(theta * x).mean())
    scale = shape / theta if abs(t) > 1e-8 else float(x.mean())  # the exponential distribution
    return -(math.log(scale) + shape + 1), shape, scale


def _lowest(x: np.ndarray) -> float:
    """Return t where the shape is -1, or a value so low that θ is at its end."""
    if _profile(-30.0, x)[1] >= -1:
        return -30.0
    return root_scalar(lambda t: _profile(t, x)[1] + 1, bracket=(-30.0, 0.0)).root


def _survival(steps: np.ndarray, shape: float) -> np.ndarray:
    if abs(shape) < 1e-12:
        return np.exp(-steps)
    return np.exp(-np.log1p(np.maximum(shape * steps, -1)) / shape)
