"""The residual U-Net: fully convolutional, for samples of any size, and its code is a grid."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from diabolo.check import Flag, Many, Whole
from diabolo.errors import CapabilityError, ParameterError
from diabolo.flow import Shape
from diabolo.nets.activation import ACTIVATION, Activation, gain
from diabolo.nets.convolution import CONV, TRANSPOSED, begun
from diabolo.nets.fold import cut, folded, padded, places, unfolded
from diabolo.nets.grid import channels_and_size, channels_last, from_grid, out_channels, to_grid
from diabolo.nets.net import Local, Net, Skips
from diabolo.part import knob


@dataclass(frozen=True)
class ResUNet(Net):
    """Residual convolutions at each of several sizes of the grid, with a skip across at each; nothing but convolutions.

    Neighbours become channels first, so that the finest grid is `fold` times smaller along each axis. What is rebuilt
    is the input plus what the net says, where both have the same shape: a net for putting back what is missing. The
    code has `n` numbers at each place of the coarsest grid. Built for samples of one size, it computes those of any
    other. Without biases, and with rectifiers, D(E(a·x)) = a·D(E(x)) for a > 0: what was learned at one level of noise
    holds at others.

    References
    ----------
    Zhang et al., "Plug-and-play image restoration with deep denoiser prior", TPAMI 2022, section 3; folding: Zhang,
    Zuo, Zhang, "FFDNet", TIP 2018; no biases: Mohan et al., "Robust and interpretable blind image denoising via
    bias-free convolutional neural networks", ICLR 2020.

    Examples
    --------
    >>> import torch
    >>> net = ResUNet((8, 16), blocks=1)
    >>> net.code((3, 16, 24), 2)
    48
    >>> encoder, decoder = net.build((3, 16, 24), 48, 48, (3, 16, 24))
    >>> h, skips = encoder(torch.zeros(5, 3, 17, 31))
    >>> h.shape, decoder(h, skips).shape
    (torch.Size([5, 80]), torch.Size([5, 3, 17, 31]))
    """

    decodes_alone = False

    channels: tuple[int, ...] = knob(
        (32, 64, 128), Many(Whole(1, 4096), 16), "channels of the folded grid and after each further halving"
    )
    blocks: int = knob(2, Whole(1, 64), "residual blocks, of two convolutions each, at each size on the way")
    fold: int = knob(2, Whole(1, 16), "points along each axis that become channels of one")
    activation: str = knob("relu", ACTIVATION, "what stands between the two convolutions of a block")
    bias: bool = knob(False, Flag(), "whether convolutions add a bias")

    def code(self, shape: Shape, n: int) -> int:
        """Return the size of the code: `n` numbers at each place of the coarsest grid."""
        _, size = channels_and_size(shape, "ResUNet")
        return n * math.prod(places(size, self.unit))

    @property
    def unit(self) -> int:
        """Points along each axis that one place of the coarsest grid stands for."""
        return self.fold * 2 ** (len(self.channels) - 1)

    @property
    def local(self) -> Local:
        """Return how far it sees: the more blocks and levels, the farther."""
        *finer, coarsest = (self.fold * 2**level for level in range(len(self.channels)))
        inner = 4 * self.blocks * sum(finer) + 2 * self.blocks * coarsest  # on both ways, and at the bottom
        return Local(2 * self.fold + inner + sum(finer) + coarsest, self.unit)  # at both ends; where it halves, doubles

    def build(self, shape: Shape, width: int, n: int, out: Shape) -> tuple[nn.Module, nn.Module]:
        """Return the two stacks.

        Raises
        ------
        ParameterError
            If the code is no grid, such as with a condition beside it.
        """
        inputs, size = channels_and_size(shape, "ResUNet")
        spots = math.prod(places(size, self.unit))
        if not self.channels or n % spots or width % spots:
            raise ParameterError(
                f"Parameter 'net' cannot be {self!r} for samples of shape {shape} with {n} numbers for the decoder: it "
                f"needs channels, and the same number at each of the {spots} places of its coarsest grid. Leave out "
                "the condition, or choose another net, such as UNet()."
            )
        encoder = ResUNetEncoder(self, inputs, len(size), width // spots)
        return encoder, ResUNetDecoder(self, n // spots, len(size), out_channels(out, size), out, out == shape)


class ResUNetEncoder(nn.Module):
    """x (B, *shape) → h (B, width); skips: x itself, then (B, channels[k], *grid[k]) per level, the finest first."""

    def __init__(self, part: ResUNet, inputs: int, axes: int, width: int) -> None:
        super().__init__()
        self.fold, self.unit = part.fold, part.unit
        conv, c = _convs(part, axes), part.channels
        self.head = conv(inputs * part.fold**axes, c[0], 3, 1.0)
        self.across = nn.ModuleList(_blocks(part, width, axes) for width in c)
        self.down = nn.ModuleList(_halve(part, *pair, axes) for pair in pairwise(c))
        self.last = conv(c[-1], width, 1, 1.0)

    def forward(self, x: Tensor) -> tuple[Tensor, Skips]:
        y = self.head(channels_last(folded(padded(to_grid(x), self.unit), self.fold)))
        skips = [x]
        for across, down in zip(self.across, self.down, strict=False):
            skips.append(across(y))
            y = down(skips[-1])
        return self.last(self.across[-1](y)).flatten(1), tuple(skips)


class ResUNetDecoder(nn.Module):
    """z (B, n) and the encoder's skips → params (B, *out), on the grid that the skips have."""

    def __init__(self, part: ResUNet, inputs: int, axes: int, outputs: int, out: Shape, residual: bool) -> None:
        super().__init__()
        self.fold, self.unit, self.inputs, self.out, self.residual = part.fold, part.unit, inputs, out, residual
        conv, c = _convs(part, axes), part.channels
        self.first = conv(inputs, c[-1], 1, 1.0)
        self.up = nn.ModuleList(_double(part, b, a, axes) for a, b in pairwise(c))
        self.across = nn.ModuleList(_blocks(part, width, axes) for width in c[:-1])
        self.last = conv(c[0], outputs * part.fold**axes, 3, 0.1)

    def forward(self, z: Tensor, skips: Skips = ()) -> Tensor:
        if len(skips) != len(self.up) + 1:
            raise CapabilityError(
                f"ResUNet needs the {len(self.up) + 1} skips of its encoder to decode; got {len(skips)}. Use "
                "reconstruct, or another net, such as Conv()."
            )
        x, *rest = skips
        size = to_grid(x).shape[2:]
        y = self.first(channels_last(z.unflatten(1, (self.inputs, *places(size, self.unit)))))
        for up, across, skip in zip(reversed(self.up), reversed(self.across), reversed(rest), strict=True):
            y = across(up(y) + skip)
        y = from_grid(cut(unfolded(self.last(y), self.fold), size), self.out)
        return x + y if self.residual else y


class Block(nn.Module):
    """y (B, channels, *grid) → y + conv(activation(conv(y)))."""

    def __init__(self, first: nn.Module, activation: str, second: nn.Module) -> None:
        super().__init__()
        self.branch = nn.Sequential(first, Activation(activation), second)

    def forward(self, y: Tensor) -> Tensor:
        return y + self.branch(y)


def _blocks(part: ResUNet, channels: int, axes: int) -> nn.Sequential:
    conv, scale = _convs(part, axes), 0.1 * gain(part.activation)  # so that the whole starts near the identity
    return nn.Sequential(
        *(
            Block(conv(channels, channels, 3, 1.0), part.activation, conv(channels, channels, 3, scale))
            for _ in range(part.blocks)
        )
    )


def _convs(part: ResUNet, axes: int) -> Callable[[int, int, int, float], nn.Module]:
    def conv(inputs: int, outputs: int, kernel: int, scale: float) -> nn.Module:
        return begun(
            CONV[axes](inputs, outputs, kernel, padding=kernel // 2, bias=part.bias), inputs * kernel**axes, scale
        )

    return conv


def _halve(part: ResUNet, inputs: int, outputs: int, axes: int) -> nn.Module:
    return begun(CONV[axes](inputs, outputs, 2, 2, bias=part.bias), inputs * 2**axes, 1.0)


def _double(part: ResUNet, inputs: int, outputs: int, axes: int) -> nn.Module:
    return begun(TRANSPOSED[axes](inputs, outputs, 2, 2, bias=part.bias), inputs, 1.0)
