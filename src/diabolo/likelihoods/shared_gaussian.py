"""Squared error with one learned variance for a whole sample."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Number
from diabolo.flow import Shape, channel_axis, with_channels
from diabolo.likelihoods.gaussian import Gaussian
from diabolo.likelihoods.likelihood import Likelihood
from diabolo.part import knob


@dataclass(frozen=True)
class SharedGaussian(Likelihood):
    """-log N(x; μ, σ²I), exactly, where D(z) gives the mean of each element and one variance for all of them.

    D(z) has twice the channels of x, the means first: log σ² is the average of the others over the whole sample, and is
    bent smoothly to stay above `floor`². The best σ² is the mean squared error of the D elements of a sample, at which
    the distortion is ½D·log(2πe·σ²): the error and its scale are learned together, and distortion + rate at β = 1 is
    the evidence lower bound, in nats.

    The reference takes σ² from the errors of the batch in training. Here the decoder says it, so that a sample costs
    the same whichever others are beside it, the density of x given z is normalised, and the bound of several draws
    holds: were σ² taken from the errors of x itself, none of this would be true. Unlike in `Gaussian`, no element is
    made cheap by being called certain at the expense of the others.

    References
    ----------
    Rybkin, Daniilidis, Levine, "Simple and effective VAE training with calibrated decoders", ICML 2021.

    Examples
    --------
    >>> import torch
    >>> params = torch.tensor([[1.0, 2.0, -1e9, -1e9]])
    >>> SharedGaussian(floor=1.0).distortion(params, torch.tensor([[1.0, 4.0]]))  # ½ log 2π, and 2²/2 more
    tensor([[0.9189, 2.9189]])
    """

    begins_with_mean = True

    floor: float = knob(0.01, Number(1e-6, 10), "smallest standard deviation, in units of the scaled data")

    def shape(self, shape: Shape) -> Shape:
        """Return `shape` with twice the channels."""
        return with_channels(shape, 2)

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return ½(x − μ)²/σ² + ½log σ² + ½log 2π per element."""
        return Gaussian(self.floor).distortion(_shared(params), target)

    def mean(self, params: Tensor) -> Tensor:
        """Return μ."""
        return params.chunk(2, channel_axis(params.shape[1:]))[0]

    def sample(self, params: Tensor) -> Tensor:
        """Draw from N(μ, σ²I)."""
        return Gaussian(self.floor).sample(_shared(params))

    def equation(self) -> str:
        """Return the formula."""
        return "½‖x − μ‖²/σ² + ½D·log 2πσ²"


def _shared(params: Tensor) -> Tensor:
    """Return the params of `Gaussian`: in the place of each log variance their average over the sample."""
    axis = channel_axis(params.shape[1:])
    mean, log_var = params.chunk(2, axis)
    return torch.cat([mean, log_var.mean(tuple(range(1, params.ndim)), keepdim=True).expand_as(mean)], axis)
