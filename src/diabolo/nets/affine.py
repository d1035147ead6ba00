"""Affine layers, free or tied to another one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diabolo.errors import ParameterError
from diabolo.flow import Shape
from diabolo.nets.activation import start


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
