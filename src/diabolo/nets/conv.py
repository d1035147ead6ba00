"""The convolutional net, for series and images."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn

from diabolo.check import Many, Maybe, OneOf, Whole
from diabolo.flow import Shape
from diabolo.nets.activation import ACTIVATION, Activation, gain
from diabolo.nets.affine import affine
from diabolo.nets.convolution import Double, Halve, Residual, halvings, normed
from diabolo.nets.grid import Size, channels_and_size, channels_last, from_grid, out_channels, to_grid
from diabolo.nets.net import Net, Skips
from diabolo.part import knob


def widening(size: Size) -> tuple[int, ...]:
    """Return the default channels for a grid: halve until no axis is longer than 8, with 16, 32, 64, 128, 128, ...

    Examples
    --------
    >>> widening((28, 28)), widening((50,)), widening((1,))
    ((16, 32), (16, 32, 64), (16,))
    """
    count = max(math.ceil(math.log2(max(size) / 8)), 1)
    return tuple(min(16 << k, 128) for k in range(count))


@dataclass(frozen=True)
class Conv(Net):
    """Strided convolutions, each halving the grid, then an affine map to h; the decoder mirrors them, transposed.

    Series and table rows have one axis, images two. Any length, odd ones too, comes back exactly.

    References
    ----------
    Masci et al., "Stacked convolutional auto-encoders", ICANN 2011; strides in place of pooling: Springenberg et al.,
    "Striving for simplicity", 2014; residual blocks: He et al., "Identity mappings in deep residual networks", 2016.

    Examples
    --------
    >>> import torch
    >>> encoder, decoder = Conv((8, 16)).build((3, 17, 31), 4, 4, (3, 17, 31))
    >>> h, skips = encoder(torch.zeros(5, 3, 17, 31))
    >>> h.shape, decoder(h).shape
    (torch.Size([5, 4]), torch.Size([5, 3, 17, 31]))
    """

    channels: tuple[int, ...] | None = knob(
        None,
        Maybe(Many(Whole(1, 4096), 16), "chosen from the sizes of the grid"),
        "channels after each halving; halving stops at length 1",
    )
    kernel: int = knob(3, Whole(2, 63), "length of the convolutions along each axis")
    activation: str = knob("silu", ACTIVATION, "what follows each hidden convolution")
    norm: str = knob("none", OneOf("none", "group"), "normalisation before each activation, within a sample")
    blocks: int = knob(1, Whole(0, 64), "residual convolutions after each halving")

    def build(self, shape: Shape, width: int, n: int, out: Shape) -> tuple[nn.Module, nn.Module]:
        """Return the two stacks."""
        inputs, size = channels_and_size(shape, "Conv")
        channels = widening(size) if self.channels is None else self.channels
        sizes = halvings(size, len(channels))
        encoder = ConvEncoder(self, (inputs, *channels), sizes, width)
        return encoder, ConvDecoder(self, (out_channels(out, size), *channels), sizes, n, out)


class ConvEncoder(nn.Module):
    """x (B, *shape) → h (B, width)."""

    def __init__(self, part: Conv, channels: tuple[int, ...], sizes: list[Size], width: int) -> None:
        super().__init__()
        levels = range(len(sizes) - 1)
        self.levels = nn.Sequential(*(_down(part, channels[k], channels[k + 1], sizes[k], k == 0) for k in levels))
        scale = gain(part.activation) if levels else 1.0
        self.last = affine(channels[-1] * math.prod(sizes[-1]), width, scale)

    def forward(self, x: Tensor) -> tuple[Tensor, Skips]:
        return self.last(self.levels(to_grid(x)).flatten(1)), ()


class ConvDecoder(nn.Module):
    """z (B, n) → params (B, *out)."""

    def __init__(self, part: Conv, channels: tuple[int, ...], sizes: list[Size], n: int, out: Shape) -> None:
        super().__init__()
        self.out, self.coarse = out, (channels[-1], *sizes[-1])
        self.first = affine(n, math.prod(self.coarse))
        levels = reversed(range(len(sizes) - 1))
        self.levels = nn.Sequential(*(_up(part, channels[k + 1], channels[k], sizes[k]) for k in levels))

    def forward(self, z: Tensor, skips: Skips = ()) -> Tensor:
        return from_grid(self.levels(channels_last(self.first(z).unflatten(1, self.coarse))), self.out)


def _down(part: Conv, inputs: int, outputs: int, size: Size, first: bool) -> nn.Sequential:
    scale = 1.0 if first else gain(part.activation)  # the first one reads no activation
    halve = Halve(inputs, outputs, part.kernel, size, scale)
    return nn.Sequential(halve, *_blocks(part, outputs, len(size)), *_bend(part, outputs))


def _up(part: Conv, inputs: int, outputs: int, size: Size) -> nn.Sequential:
    double = Double(inputs, outputs, part.kernel, size, gain(part.activation))
    return nn.Sequential(*_blocks(part, inputs, len(size)), *_bend(part, inputs), double)


def _blocks(part: Conv, channels: int, axes: int) -> list[nn.Module]:
    scale = 0.5 * gain(part.activation) / math.sqrt(max(part.blocks, 1))  # however many, they start near x
    return [Residual(channels, part.kernel, axes, part.activation, part.norm, scale) for _ in range(part.blocks)]


def _bend(part: Conv, channels: int) -> list[nn.Module]:
    return [normed(part.norm, channels), Activation(part.activation)]
