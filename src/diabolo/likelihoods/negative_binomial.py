"""Counts that scatter more than those of independent events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.distributions import Gamma

from diabolo.flow import Shape, channel_axis, with_channels
from diabolo.likelihoods.counts import LEAST, bounded, deviance, log_factorial, log_ratio
from diabolo.likelihoods.likelihood import Domain, Likelihood


@dataclass(frozen=True)
class NegativeBinomial(Likelihood):
    """-log p(x), exactly, of counts x of mean μ and variance μ + αμ², where D(z) gives log μ and log α per element.

    D(z) has twice the channels of x, the log means before the log dispersions; both are bent smoothly to stay within
    ±20. Towards α = 0 it is the Poisson distribution, at α = 1 the geometric one. Counts are not scaled: the encoder
    sees them as they are.

    References
    ----------
    Lopez et al., "Deep generative modeling for single-cell transcriptomics", Nature Methods 2018, where 1/α is the
    inverse dispersion. The terms are summed as Loader, "Fast and accurate computation of binomial probabilities", 2000,
    sums them, so that float32 is enough for large counts and for small α.

    Examples
    --------
    >>> import torch
    >>> NegativeBinomial().distortion(torch.zeros(1, 4), torch.tensor([[0.0, 3.0]]))  # μ = α = 1: (x + 1)·log 2
    tensor([[0.6931, 2.7726]])
    """

    domain: ClassVar[Domain] = "counts"

    def shape(self, shape: Shape) -> Shape:
        """Return `shape` with twice the channels."""
        return with_channels(shape, 2)

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return −log Γ(x + r)/Γ(r)/x! − r·log(r/(r + μ)) − x·log(μ/(r + μ)) per element, r = 1/α."""
        log_mean, log_dispersion = self._split(params)
        mean, r, x = log_mean.exp(), (-log_dispersion).exp(), target.clamp_min(LEAST)
        shift = log_ratio(x + r, mean + r, x - mean)
        factorials = log_factorial(x) + log_factorial(r) - log_factorial(x + r) + (x / r).log1p()
        cost = factorials + deviance(x, log_mean - x.log() + shift) + deviance(r, shift)
        return torch.where(target < LEAST, r * (mean / r).log1p(), cost)

    def mean(self, params: Tensor) -> Tensor:
        """Return μ."""
        return self._split(params)[0].exp()

    def sample(self, params: Tensor) -> Tensor:
        """Draw counts: of independent events, whose rate is drawn first."""
        log_mean, log_dispersion = self._split(params)
        r = (-log_dispersion).exp()
        return torch.poisson(log_mean.exp() * Gamma(r, r, validate_args=False).sample())

    def equation(self) -> str:
        """Return the formula."""
        return "−Σ log NB(x; μ, α), variance μ + αμ², (log μ, log α) = D(z)"

    def _split(self, params: Tensor) -> tuple[Tensor, Tensor]:
        log_mean, log_dispersion = bounded(params).chunk(2, channel_axis(params.shape[1:]))
        return log_mean, log_dispersion
