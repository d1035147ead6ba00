"""The linear net: with squared error, PCA."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from torch import Tensor, nn

from diabolo.check import Flag
from diabolo.flow import Shape
from diabolo.nets.affine import affine, demand_mirror, set_principal
from diabolo.nets.net import Net, Principal, Skips
from diabolo.part import knob


@dataclass(frozen=True)
class Linear(Net):
    """One matrix in, one matrix out.

    References
    ----------
    Baldi, Hornik, "Neural networks and principal component analysis", Neural Networks 1989.

    Examples
    --------
    >>> import torch
    >>> encoder, decoder = Linear().build((6, 2), 3, 3, (6, 2))
    >>> h, skips = encoder(torch.zeros(5, 6, 2))
    >>> h.shape, decoder(h).shape
    (torch.Size([5, 3]), torch.Size([5, 6, 2]))
    """

    tied: bool = knob(False, Flag(), "let the decoder's matrix be the encoder's, transposed")

    def build(self, shape: Shape, width: int, n: int, out: Shape) -> tuple[nn.Module, nn.Module]:
        """Return the two maps."""
        if self.tied:
            demand_mirror("Linear", shape, width, n, out)
        encoder = LinearEncoder(shape, width)
        return encoder, LinearDecoder(n, out, encoder.map if self.tied else None)

    def begin(self, encoder: nn.Module, decoder: nn.Module, principal: Principal) -> None:
        """Set the maps to the principal components: the solution."""
        if isinstance(encoder, LinearEncoder) and isinstance(decoder, LinearDecoder):
            set_principal(encoder.map, decoder.map, replace(principal, spread=1.0), decoder.out)


class LinearEncoder(nn.Module):
    """x (B, *shape) → h (B, width), affine."""

    def __init__(self, shape: Shape, width: int) -> None:
        super().__init__()
        self.map = nn.Linear(math.prod(shape), width)

    def forward(self, x: Tensor) -> tuple[Tensor, Skips]:
        return self.map(x.flatten(1)), ()


class LinearDecoder(nn.Module):
    """z (B, n) → params (B, *out), affine; with the transposed matrix of `tied`, if given."""

    def __init__(self, n: int, out: Shape, tied: nn.Linear | None) -> None:
        super().__init__()
        self.out = out
        self.map = affine(n, math.prod(out), tied=tied)

    def forward(self, z: Tensor, skips: Skips = ()) -> Tensor:
        return self.map(z).unflatten(1, self.out)
