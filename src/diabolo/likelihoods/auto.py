"""The default likelihood: chosen by what the data can be."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from diabolo.likelihoods.clipped import Clipped
from diabolo.likelihoods.likelihood import Likelihood
from diabolo.likelihoods.squared_error import SquaredError

Bounds = tuple[tuple[float, ...], tuple[float, ...]]
"""The least and the greatest value of each channel, in units of the scaled data."""


@dataclass(frozen=True)
class Auto(Likelihood):
    """`Clipped` for data of known bounds (bytes, images within [0, 1]), `SquaredError` for all others.

    An estimator makes the choice when it sees the data; until then it is squared error.

    Examples
    --------
    >>> Auto().choose(None), Auto().choose(((-1.0,), (2.0,)))
    (SquaredError(), Clipped(low=(-1.0,), high=(2.0,)))
    """

    begins_with_mean = True

    def choose(self, bounds: Bounds | None) -> Likelihood:
        """Return the likelihood for data with these bounds, or without any."""
        return SquaredError() if bounds is None else Clipped(*bounds)

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return that of `SquaredError`."""
        return SquaredError().distortion(params, target)

    def mean(self, params: Tensor) -> Tensor:
        """Return the params."""
        return params

    def sample(self, params: Tensor) -> Tensor:
        """Draw as `SquaredError` does."""
        return SquaredError().sample(params)

    def equation(self) -> str:
        """Return the formula of `SquaredError`."""
        return SquaredError().equation()
