"""A sparse code by an L1 cost."""

from dataclasses import dataclass

from torch import Tensor

from diabolo.check import Number
from diabolo.flow import Code
from diabolo.latents.latent import Weightless
from diabolo.part import knob


@dataclass(frozen=True)
class L1(Weightless):
    """z = relu(h), at a cost of `weight` per unit of its sum: few entries differ from 0.

    References
    ----------
    Ng, "Sparse autoencoder", CS294A lecture notes, 2011; Bricken et al., "Towards monosemanticity", 2023.

    Examples
    --------
    >>> import torch
    >>> L1(0.5).code(torch.tensor([[2.0, -1.0]]), noise=False).rate
    tensor([1.])
    """

    weight: float = knob(1e-3, Number(0), "cost of one unit of |z|")

    def code(self, h: Tensor, noise: bool) -> Code:
        """Return relu(h) and its cost."""
        z = h.relu()
        return Code(z, z, self.weight * z.sum(1))

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·‖z‖₁"
