"""The default net: chosen by what a sample is."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from diabolo.errors import ParameterError
from diabolo.flow import Shape
from diabolo.nets.conv import Conv
from diabolo.nets.mlp import MLP, MLPEncoder
from diabolo.nets.net import Net, Pair

_CHOICES: dict[int, Net] = {1: MLP(activation="relu"), 2: MLP(), 3: Conv()}


@dataclass(frozen=True)
class Auto(Net):
    """`MLP` for table rows and series of one length, `Conv` for images.

    Rows of a table are rebuilt as well with rectifiers as with `MLP`'s own activation, a fifth faster
    (docs/decisions/0005).

    Examples
    --------
    >>> Auto().choose((30,)), Auto().choose((50, 2)), Auto().choose((3, 32, 32))
    (MLP(activation='relu'), MLP(), Conv())
    """

    def choose(self, shape: Shape) -> Net:
        """Return the net for samples of `shape`.

        Raises
        ------
        ParameterError
            If `shape` is that of no table row, series or image.
        """
        if len(shape) not in _CHOICES:
            raise ParameterError(
                f"Auto must be built for samples (D,), (T, C) or (C, H, W); got {shape}; reshape the data or use MLP()."
            )
        return _CHOICES[len(shape)]

    def build(self, shape: Shape, width: int, n: int, out: Shape) -> tuple[nn.Module, nn.Module]:
        """Build the net that `choose` returns."""
        return self.choose(shape).build(shape, width, n, out)

    def pairs(self, encoder: nn.Module, decoder: nn.Module) -> list[Pair]:
        """Return the pairs of layers, where an `MLP` was chosen.

        Raises
        ------
        CapabilityError
            If it was not.
        """
        return MLP().pairs(encoder, decoder) if isinstance(encoder, MLPEncoder) else super().pairs(encoder, decoder)
