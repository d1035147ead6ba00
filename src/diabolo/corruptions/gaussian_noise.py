"""Additive Gaussian noise."""

from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Number
from diabolo.corruptions.corruption import Corruption
from diabolo.part import knob


@dataclass(frozen=True)
class GaussianNoise(Corruption):
    """x̃ = x + σ·ε, with ε ~ N(0, I), in units of the scaled data.

    References
    ----------
    Vincent et al., "Stacked denoising autoencoders", JMLR 2010, section 3.

    Examples
    --------
    >>> import torch
    >>> GaussianNoise(0.0).corrupt(torch.ones(1, 2))[0]
    tensor([[1., 1.]])
    """

    sigma: float = knob(0.3, Number(0), "standard deviation of the noise, in units of the scaled data")

    def corrupt(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Add the noise."""
        return x + self.sigma * torch.randn_like(x), None

    def equation(self) -> str:
        """Return the formula."""
        return f"x̃ = x + {self.sigma:g}·ε"
