"""The scalable linear shallow autoencoder: items as directions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diabolo.errors import ParameterError
from diabolo.flow import Shape
from diabolo.nets.activation import start
from diabolo.nets.net import Net, Skips
from diabolo.sparse import product


@dataclass(frozen=True)
class ELSA(Net):
    """D(E(x)) = x(AAᵀ − I), the rows of A being of length 1: no element can be rebuilt from itself.

    Of n numbers per item, and without any I×I matrix. The decoder takes x away, so that a code alone is not decoded.

    References
    ----------
    Vančura, Alves, Kasalický, Kordík, "Scalable linear shallow autoencoder for collaborative filtering", RecSys 2022,
    equation 7.

    Examples
    --------
    >>> encoder, decoder = ELSA().build((30,), 3, 3, (30,))
    >>> h, skips = encoder(torch.eye(30))
    >>> bool(decoder(h, skips).diagonal().abs().max() < 1e-6)
    True
    """

    decodes_alone: ClassVar[bool] = False
    reads_sparse: ClassVar[bool] = True
    tied: ClassVar[bool] = True

    def build(self, shape: Shape, width: int, n: int, out: Shape) -> tuple[nn.Module, nn.Module]:
        """Return the two directions of the one matrix."""
        if shape != out or width != n:
            raise ParameterError(
                f"ELSA must be built for one parameter per element and a code that is the encoder's output; got {out} "
                f"for samples {shape} and a code of {n} for an output of {width}: use Cosine() or SquaredError() as "
                "likelihood, Plain() as latent and no condition, or the net Bag()."
            )
        return ELSAEncoder(math.prod(shape), n), ELSADecoder(shape)


class ELSAEncoder(nn.Module):
    """x (B, *shape), dense or sparse → h (B, n) = x·A; hands on x and A."""

    def __init__(self, items: int, n: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(items, n))
        start(self, n, 1 / 32)  # only directions count, and short rows turn fast

    def forward(self, x: Tensor) -> tuple[Tensor, Skips]:
        A = F.normalize(self.weight, dim=1)
        x = x.coalesce() if x.is_sparse else x.flatten(1)
        return product(x, A), (x, A)


class ELSADecoder(nn.Module):
    """z (B, n), with x and A beside it → z·Aᵀ − x (B, *shape)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, z: Tensor, skips: Skips = ()) -> Tensor:
        x, A = skips
        return (z @ A.T - x).unflatten(1, self.shape)
