"""Shot noise."""

from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Number
from diabolo.corruptions.corruption import Corruption
from diabolo.part import knob


@dataclass(frozen=True)
class PoissonNoise(Corruption):
    """x̃ ~ Poisson(peak·max(x, 0)) / peak: light counted in single photons, so that the noise grows with brightness.

    The variance of an element is x / peak. It is for data from 0 on, such as images scaled to [0, 1]: a negative number
    is no brightness, counts as 0 and becomes 0.

    References
    ----------
    Mäkitalo, Foi, "Optimal inversion of the Anscombe transformation in low-count Poisson image denoising", IEEE TIP
    2011: images scaled to a peak.

    Examples
    --------
    >>> import torch
    >>> PoissonNoise(4.0).corrupt(torch.tensor([[0.0, -1.0]]))[0]
    tensor([[0., 0.]])
    """

    peak: float = knob(30.0, Number(0, 1e6, open_low=True), "photons that are expected where x is 1")

    def corrupt(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Count the photons."""
        return torch.poisson(self.peak * x.clamp_min(0)) / self.peak, None

    def equation(self) -> str:
        """Return the formula."""
        return f"x̃ ~ Poisson({self.peak:g}·max(x, 0)) / {self.peak:g}"
