"""A sparse code that decides by one number whether a latent is used, and by another how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diabolo.check import Number
from diabolo.flow import Code
from diabolo.latents.latent import Latent, LatentModule
from diabolo.part import knob
from diabolo.selection import Affine, above, kept
from diabolo.sparse import assembled, sums


@dataclass(frozen=True)
class Gated(Latent):
    """z = 1[h > 0]·relu(eʳ·h + m), at a cost of `weight` per unit of the sum of relu(h).

    The cost that makes codes sparse then takes nothing off their magnitudes, which r and m (n,) set. The penalty `Gate`
    belongs to it: a gate that opens and closes has no slope, and learns from relu(h), `Code.info` "gate", which that
    penalty has rebuild the sample.

    References
    ----------
    Rajamanoharan et al., "Improving dictionary learning with gated sparse autoencoders", 2024, equations 5 to 8. There
    the magnitudes have a bias of their own, which is m with what eʳ makes of the encoder's bias taken off.

    Examples
    --------
    >>> code = Gated(0.5).build(3)(torch.tensor([[2.0, 0.9, -4.0]]), noise=True)
    >>> code.z.detach(), code.rate
    (tensor([[2.0000, 0.9000, 0.0000]]), tensor([1.4500]))
    """

    selects: ClassVar[bool] = True

    weight: float = knob(1.0, Number(0), "cost of one unit of relu(h)")

    def build(self, n: int) -> GatedModule:
        """Return the module with the magnitudes."""
        return GatedModule(self, n)

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·‖relu(h)‖₁"


class GatedModule(LatentModule):
    """h (B, n) → code, with r and m (n,)."""

    part: Gated

    def __init__(self, part: Gated, n: int) -> None:
        super().__init__(part)
        self.log_scale = nn.Parameter(torch.zeros(n))
        self.bias = nn.Parameter(torch.zeros(n))

    def forward(self, h: Tensor, noise: bool) -> Code:
        gate = h.relu()
        z = (h > 0) * torch.addcmul(self.bias, self.log_scale.exp(), h).relu()
        return Code(z, z, self.part.weight * gate.sum(1), {"gate": gate})

    def select(self, x: Tensor, map: Affine, noise: bool) -> Code:
        if noise:  # of codes to begin with half is above 0
            return self(F.linear(x, *map).to(x.dtype), noise)
        gate = kept(x, map, above(x, map, x.new_zeros(())))
        columns, open = gate.indices()[1], gate.values()
        magnitude = torch.addcmul(self.bias[columns], self.log_scale.exp()[columns], open)
        used = magnitude > 0
        z = assembled(gate.indices()[:, used], magnitude[used], gate.shape)
        return Code(z, z, self.part.weight * sums(gate, open), {"gate": gate})
