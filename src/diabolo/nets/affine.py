"""Affine layers, free or tied to another one."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diabolo.errors import ParameterError
from diabolo.flow import Shape
from diabolo.nets.activation import start
from diabolo.nets.net import Principal


class Transposed(nn.Module):
    """x (B, outputs of `of`) → (B, inputs of `of`): its matrix transposed, and a bias of its own.

    Examples
    --------
    >>> layer = nn.Linear(5, 3)
    >>> [name for name, _ in Transposed(layer).named_parameters()]
    ['bias']
    """

    def __init__(self, of: nn.Linear) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(of.in_features))
        self._of = (of,)  # in a tuple: the matrix belongs to the other layer

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self._of[0].weight.T, self.bias)


def affine(inputs: int, outputs: int, scale: float = 1.0, tied: nn.Linear | None = None) -> nn.Linear | Transposed:
    """Return a new affine layer; with the transposed matrix of `tied`, if given."""
    if tied is not None:
        return Transposed(tied)
    layer = nn.Linear(inputs, outputs)
    start(layer, inputs, scale)
    return layer


@torch.no_grad()
def set_principal(into: nn.Linear, back: nn.Linear | Transposed, principal: Principal, out: Shape) -> None:
    """Set the map `into` the code, and the one `back`, to the principal components.

    Where the encoder gives more than n numbers, the first n are the code; where the decoder gives more than one channel
    per channel of a sample, the first ones are the reconstruction. The rest of both starts at 0, as does the weight of
    what the decoder sees beside the code.
    """
    n, width = principal.components.shape
    spread = 1.0 if isinstance(back, Transposed) else principal.spread
    into.weight.zero_()[:n] = principal.components / spread
    into.bias.zero_()[:n] = -principal.components @ principal.mean / spread
    if isinstance(back, nn.Linear):
        weight = torch.zeros(*out, n, dtype=torch.float64)
        _leading(weight, out, width).copy_((principal.components.T * spread).view(*_sample(out, width), n))
        back.weight.zero_()[:, :n] = weight.flatten(0, -2)
    bias = torch.zeros(out, dtype=torch.float64)
    _leading(bias, out, width).copy_(principal.mean.view(_sample(out, width)))
    back.bias.copy_(bias.flatten())


def _sample(out: Shape, width: int) -> Shape:
    """Return the shape of a sample of `width` numbers whose params have the shape `out`."""
    factor = math.prod(out) // width
    return (out[0] // factor, *out[1:]) if len(out) == 3 else (*out[:-1], out[-1] // factor)


def _leading(params: Tensor, out: Shape, width: int) -> Tensor:
    """Return the part of params (*out, ...) that is the reconstruction."""
    axis = 0 if len(out) == 3 else len(out) - 1
    return params.narrow(axis, 0, _sample(out, width)[axis])


def demand_mirror(owner: str, shape: Shape, width: int, n: int, out: Shape) -> None:
    """Raise unless the decoder's sizes mirror the encoder's, as tied weights need.

    Raises
    ------
    ParameterError
        If `shape` is not `out` or `width` is not `n`.
    """
    if shape != out or width != n:
        raise ParameterError(
            f"Parameter 'tied' of {owner} must be False where the decoder's output {out} or code {n} differs from "
            f"the encoder's input {shape} or output {width}; use another likelihood or latent, or tied=False."
        )
