"""The net of recommenders: a history as a bag of items."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from diabolo.check import Flag, Many, OneOf, Whole
from diabolo.flow import Shape
from diabolo.nets.activation import ACTIVATION, Activation
from diabolo.nets.mlp import MLP, MLPDecoder, MLPEncoder
from diabolo.nets.net import Net, Skips
from diabolo.part import knob
from diabolo.sparse import product, unit


@dataclass(frozen=True)
class Bag(Net):
    """A perceptron for samples that are nearly all zeros: what its first layer costs goes with what they hold.

    Samples may be sparse (B, I). The decoder writes all numbers, and is one affine map by default: hidden layers there
    learn more by heart (docs/decisions/0012).

    References
    ----------
    Liang, Krishnan, Hoffman, Jebara, "Variational autoencoders for collaborative filtering", WWW 2018, section 2; the
    defaults: Shenbin et al., "RecVAE", WSDM 2020, section 3.2, with fewer layers.

    Examples
    --------
    >>> encoder, decoder = Bag((16,)).build((30,), 3, 3, (30,))
    >>> x = (torch.rand(5, 30) < 0.1).float()
    >>> bool(torch.allclose(encoder(x.to_sparse())[0], encoder(x)[0], atol=1e-6))
    True
    """

    reads_sparse: ClassVar[bool] = True

    hidden: tuple[int, ...] = knob((600,), Many(Whole(1, 65536)), "widths of the encoder's hidden layers")
    back: tuple[int, ...] = knob((), Many(Whole(1, 65536)), "widths of the decoder's hidden layers")
    activation: str = knob("silu", ACTIVATION, "what follows each hidden affine map")
    norm: str = knob("layer", OneOf("none", "layer"), "normalisation before each activation, within a sample")
    normalise: bool = knob(True, Flag(), "divide each sample by its length, so that long histories count no more")

    def build(self, shape: Shape, width: int, n: int, out: Shape) -> tuple[nn.Module, nn.Module]:
        """Return the two stacks."""
        stack = MLP(self.hidden, self.activation, self.norm, bypass=False)
        return BagEncoder(self, stack, shape, width), MLPDecoder(stack, n, self.back, out, None)


class BagEncoder(nn.Module):
    """x (B, *shape), dense or sparse → h (B, width)."""

    def __init__(self, part: Bag, stack: MLP, shape: Shape, width: int) -> None:
        super().__init__()
        self.normalise, first = part.normalise, (*part.hidden, width)[0]
        self.table = nn.Parameter(torch.empty(math.prod(shape), first))
        self.bias = nn.Parameter(torch.zeros(first))
        nn.init.normal_(self.table, std=len(self.table) ** -0.5)
        norm = nn.LayerNorm(first) if part.norm == "layer" else nn.Identity()
        rest = norm, Activation(part.activation, alone=True), MLPEncoder(stack, (first,), part.hidden[1:], width)
        self.rest = nn.Sequential(*rest) if part.hidden else None

    def forward(self, x: Tensor) -> tuple[Tensor, Skips]:
        x = x.coalesce() if x.is_sparse else x.flatten(1)
        u = product(unit(x) if self.normalise else x, self.table) + self.bias
        return (u, ()) if self.rest is None else self.rest(u)
