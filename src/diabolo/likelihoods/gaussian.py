"""Squared error with a learned variance."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diabolo.check import Number
from diabolo.flow import Shape, channel_axis, with_channels
from diabolo.likelihoods.likelihood import Likelihood
from diabolo.part import knob


@dataclass(frozen=True)
class Gaussian(Likelihood):
    """-log N(x; μ, σ²), exactly, where D(z) gives the mean and the variance of each element.

    D(z) has twice the channels of x, the means before the log variances. The variance is bent smoothly to stay above
    `floor`²: the distortion of an element that is always the same would otherwise fall for ever, and its gradient would
    drown those of all others.

    References
    ----------
    Nix, Weigend, "Estimating the mean and variance of the target probability distribution", ICNN 1994.

    Examples
    --------
    >>> import torch
    >>> Gaussian(floor=0.01).distortion(torch.zeros(1, 2), torch.zeros(1, 1))  # ½ log 2π, and 0.00005 from the bend
    tensor([[0.9190]])
    """

    begins_with_mean = True

    floor: float = knob(0.1, Number(1e-6, 10), "smallest standard deviation, in units of the scaled data")

    def shape(self, shape: Shape) -> Shape:
        """Return `shape` with twice the channels."""
        return with_channels(shape, 2)

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return ½(x − μ)²/σ² + ½log σ² + ½log 2π per element."""
        mean, log_var = self._split(params)
        return 0.5 * ((target - mean).square() * (-log_var).exp() + log_var + math.log(2 * math.pi))

    def mean(self, params: Tensor) -> Tensor:
        """Return μ."""
        return self._split(params)[0]

    def sample(self, params: Tensor) -> Tensor:
        """Draw from N(μ, σ²)."""
        mean, log_var = self._split(params)
        return mean + (0.5 * log_var).exp() * torch.randn_like(mean)

    def equation(self) -> str:
        """Return the formula."""
        return "Σ[½(x − μ)²/σ² + ½log 2πσ²]"

    def _split(self, params: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_var = params.chunk(2, channel_axis(params.shape[1:]))
        least = 2 * math.log(self.floor)
        return mean, least + F.softplus(log_var - least)
