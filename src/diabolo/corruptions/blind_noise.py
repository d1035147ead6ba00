"""Additive Gaussian noise of unknown level."""

from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Number
from diabolo.corruptions.corruption import Corruption
from diabolo.errors import ParameterError
from diabolo.flow import Shape
from diabolo.part import knob


@dataclass(frozen=True)
class BlindNoise(Corruption):
    """x̃ = x + σ·ε, with ε ~ N(0, I) and one σ ~ U(low, high) per sample: a single model learns every level between.

    Levels are in units of the scaled data; for images scaled to [0, 1], a level of s on the scale of bytes is s / 255.

    References
    ----------
    Zhang et al., "Beyond a Gaussian denoiser: residual learning of deep CNN for image denoising", IEEE TIP 2017,
    section III.D: blind Gaussian denoising.

    Examples
    --------
    >>> import torch
    >>> BlindNoise(0.0, 0.0).corrupt(torch.ones(1, 2))[0]
    tensor([[1., 1.]])
    """

    low: float = knob(0.0, Number(0), "least standard deviation of the noise, in units of the scaled data")
    high: float = knob(0.2, Number(0), "greatest standard deviation of the noise")

    def corrupt(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Add the noise."""
        share = torch.rand(len(x), *[1] * (x.ndim - 1), dtype=x.dtype, device=x.device)
        return x + (self.low + (self.high - self.low) * share) * torch.randn_like(x), None

    def check_shape(self, shape: Shape) -> None:
        """Raise ParameterError unless the levels are in order."""
        if self.low > self.high:
            raise ParameterError(
                f"Parameter 'low' of BlindNoise must not lie above high={self.high!r}; got {self.low!r}. Lower it."
            )

    def equation(self) -> str:
        """Return the formula."""
        return f"x̃ = x + σ·ε, σ ~ U({self.low:g}, {self.high:g}) per sample"
