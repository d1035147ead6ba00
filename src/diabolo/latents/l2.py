"""A short code by a squared cost."""

from dataclasses import dataclass

from torch import Tensor

from diabolo.check import Number
from diabolo.flow import Code
from diabolo.latents.latent import Weightless
from diabolo.part import knob


@dataclass(frozen=True)
class L2(Weightless):
    """z = h, at a cost of `weight` · ½‖z‖²: codes stay near the origin, so that a density can be fitted to them.

    With decayed weights of the decoder, which `Training` has, or with `Smooth`, it is the regularised autoencoder.

    References
    ----------
    Ghosh et al., "From variational to deterministic autoencoders", ICLR 2020, equation 9.

    Examples
    --------
    >>> import torch
    >>> L2(0.5).code(torch.tensor([[2.0, -2.0]]), noise=False).rate
    tensor([2.])
    """

    weight: float = knob(1e-3, Number(0), "cost of one unit of ½‖z‖²")

    def code(self, h: Tensor, noise: bool) -> Code:
        """Return h and its cost."""
        return Code(h, h, 0.5 * self.weight * h.square().sum(1))

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·½‖z‖²"
