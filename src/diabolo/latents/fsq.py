"""A code of rounded numbers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.check import Whole
from diabolo.flow import Code
from diabolo.latents.latent import Latent, LatentModule
from diabolo.part import knob


@dataclass(frozen=True)
class FSQ(Latent):
    """Finite scalar quantisation: tanh(h), rounded to the nearest of `levels` even steps from -1 to 1.

    The gradient passes straight through the rounding. No codebook, so none can collapse. The code costs nothing extra:
    it holds n·log₂(levels) bits whatever it says. `Code.info` holds the "indices" (B, n), from 0 to levels - 1.

    References
    ----------
    Mentzer et al., "Finite scalar quantization: VQ-VAE made simple", ICLR 2024. Their even `levels` are shifted by half
    a step to have a 0; here the steps are symmetric about 0.

    Examples
    --------
    >>> import torch
    >>> FSQ(3).code(torch.tensor([[-9.0, 0.2, 9.0]]), noise=False).z
    tensor([[-1.,  0.,  1.]])
    """

    levels: int = knob(8, Whole(2, 2**16), "number of values each entry of the code can have")

    def tokens(self, n: int) -> int:
        """Return n: each number is a token."""
        return n

    def build(self, n: int) -> FSQModule:
        """Return the module that rounds."""
        return FSQModule(self)

    def code(self, h: Tensor, noise: bool) -> Code:
        """Return the rounded numbers."""
        smooth, steps = h.tanh(), self.levels - 1
        indices = ((smooth.detach() + 1) / 2 * steps).round()
        z = self.values(indices) + (smooth - smooth.detach())  # exactly the level, with the gradient of tanh(h)
        return Code(z, z, h.new_zeros(len(h)), {"indices": indices.long()})

    def values(self, indices: Tensor) -> Tensor:
        """Return the numbers that indices from 0 to levels - 1 stand for."""
        return indices / (self.levels - 1) * 2 - 1

    def equation(self) -> str:
        """Return "0": the code is free."""
        return "0"


class FSQModule(LatentModule):
    """h (B, n) → code, by what its part says; it has no weights."""

    part: FSQ
    origin: Tensor

    def __init__(self, part: FSQ) -> None:
        super().__init__(part)
        self.register_buffer("origin", torch.zeros(()), persistent=False)  # knows the dtype of codes

    def forward(self, h: Tensor, noise: bool) -> Code:
        return self.part.code(h, noise)

    @property
    def kinds(self) -> int:
        """The number of levels."""
        return self.part.levels

    @property
    def ordered(self) -> bool:
        """True: a kind of token is a level."""
        return True

    def of_indices(self, indices: Tensor) -> Tensor:
        return self.part.values(indices.to(self.origin.dtype))
