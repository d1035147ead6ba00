"""Masking noise."""

from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Number
from diabolo.corruptions.corruption import Corruption
from diabolo.part import knob


@dataclass(frozen=True)
class Masking(Corruption):
    """x̃ = x·m, with m ~ Bernoulli(1 - share) per element: some elements become 0, the mean of scaled data.

    All elements count in the distortion, the visible ones too.

    References
    ----------
    Vincent et al., "Stacked denoising autoencoders", JMLR 2010, section 3.3.

    Examples
    --------
    >>> import torch
    >>> Masking(1.0).corrupt(torch.ones(1, 2))[0]
    tensor([[0., 0.]])
    """

    share: float = knob(0.3, Number(0, 1), "share of the elements that are set to 0")

    def corrupt(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Set the elements to 0."""
        return x.masked_fill(torch.rand_like(x) < self.share, 0), None

    def equation(self) -> str:
        """Return the formula."""
        return f"x̃ = x·m, m ~ Bernoulli({1 - self.share:g})"
