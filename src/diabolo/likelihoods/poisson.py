"""Counts of independent events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from diabolo.likelihoods.counts import LEAST, bounded, deviance, log_factorial
from diabolo.likelihoods.likelihood import Domain, Likelihood


@dataclass(frozen=True)
class Poisson(Likelihood):
    """-log p(x), exactly, of counts x whose rate λ has the logarithm D(z): as many as expected, give or take √λ.

    The logarithm is bent smoothly to stay within ±20. Counts are not scaled: the encoder sees them as they are.

    Examples
    --------
    >>> import torch
    >>> Poisson().distortion(torch.zeros(1, 3), torch.tensor([[0.0, 1.0, 3.0]]))  # λ = 1: 1 + log x!
    tensor([[1.0000, 1.0000, 2.7918]])
    """

    domain: ClassVar[Domain] = "counts"

    def distortion(self, params: Tensor, target: Tensor) -> Tensor:
        """Return λ − x·log λ + log x! per element."""
        log_rate, x = bounded(params), target.clamp_min(LEAST)
        cost = log_factorial(x) + deviance(x, log_rate - x.log())
        return torch.where(target < LEAST, log_rate.exp(), cost)

    def mean(self, params: Tensor) -> Tensor:
        """Return λ."""
        return bounded(params).exp()

    def sample(self, params: Tensor) -> Tensor:
        """Draw counts."""
        return torch.poisson(self.mean(params))

    def equation(self) -> str:
        """Return the formula."""
        return "Σ[λ − x·log λ + log x!], log λ = D(z)"
