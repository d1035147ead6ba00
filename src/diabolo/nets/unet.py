"""The U-Net: a convolutional net whose decoder also sees the encoder's layers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diabolo.check import Many, Maybe, OneOf, Whole
from diabolo.errors import CapabilityError
from diabolo.flow import Shape
from diabolo.nets.activation import ACTIVATION, Activation, gain
from diabolo.nets.affine import affine
from diabolo.nets.conv import widening
from diabolo.nets.convolution import Double, Halve, Keep, halvings, normed
from diabolo.nets.grid import Size, channels_and_size, channels_last, from_grid, out_channels, to_grid
from diabolo.nets.net import Net, Skips
from diabolo.part import knob


@dataclass(frozen=True)
class UNet(Net):
    """Convolutions down to a code and up again, with a skip across at each size of the grid.

    For denoising, colouring and other jobs in which the target is not the input: with skips, a plain reconstruction is
    a copy. A code alone cannot be decoded.

    References
    ----------
    Ronneberger et al., "U-Net: convolutional networks for biomedical image segmentation", MICCAI 2015.

    Examples
    --------
    >>> import torch
    >>> encoder, decoder = UNet((8, 16)).build((3, 17, 31), 4, 4, (3, 17, 31))
    >>> h, skips = encoder(torch.zeros(5, 3, 17, 31))
    >>> h.shape, len(skips), decoder(h, skips).shape
    (torch.Size([5, 4]), 2, torch.Size([5, 3, 17, 31]))
    """

    decodes_alone = False

    channels: tuple[int, ...] | None = knob(
        None,
        Maybe(Many(Whole(1, 4096), 16), "chosen from the sizes of the grid"),
        "channels at the full size and at each further halving",
    )
    kernel: int = knob(3, Whole(2, 63), "length of the convolutions along each axis")
    activation: str = knob("silu", ACTIVATION, "what follows each hidden convolution")
    norm: str = knob("none", OneOf("none", "group"), "normalisation before each activation, within a sample")

    def build(self, shape: Shape, width: int, n: int, out: Shape) -> tuple[nn.Module, nn.Module]:
        """Return the two stacks."""
        inputs, size = channels_and_size(shape, "UNet")
        channels = widening(size) if self.channels is None else self.channels
        sizes = halvings(size, len(channels))
        encoder = UNetEncoder(self, (inputs, *channels), sizes, width)
        return encoder, UNetDecoder(self, (out_channels(out, size), *channels), sizes, n, out)


class UNetEncoder(nn.Module):
    """x (B, *shape) → h (B, width) and one skip (B, channels[k], *sizes[k]) per level, the finest first."""

    def __init__(self, part: UNet, channels: tuple[int, ...], sizes: list[Size], width: int) -> None:
        super().__init__()
        levels = range(len(sizes) - 1)
        self.across = nn.ModuleList(_bent(part, _keep(part, channels[k], channels[k + 1], sizes[k])) for k in levels)
        self.down = nn.ModuleList(_bent(part, _halve(part, channels[k + 1], sizes[k])) for k in levels)
        self.last = affine(channels[-1] * math.prod(sizes[-1]), width)

    def forward(self, x: Tensor) -> tuple[Tensor, Skips]:
        y, skips = to_grid(x), []
        for across, down in zip(self.across, self.down, strict=True):
            skips.append(across(y))
            y = down(skips[-1])
        return self.last(y.flatten(1)), tuple(skips)


class UNetDecoder(nn.Module):
    """z (B, n) and the encoder's skips → params (B, *out)."""

    def __init__(self, part: UNet, channels: tuple[int, ...], sizes: list[Size], n: int, out: Shape) -> None:
        super().__init__()
        self.out, self.coarse = out, (channels[-1], *sizes[-1])
        self.first = affine(n, math.prod(self.coarse))
        levels = list(reversed(range(len(sizes) - 1)))
        self.up = nn.ModuleList(_bent(part, _double(part, channels[k + 1], sizes[k])) for k in levels)
        self.across = nn.ModuleList(_joined(part, channels[k + 1], channels[k], sizes[k], k == 0) for k in levels)

    def forward(self, z: Tensor, skips: Skips = ()) -> Tensor:
        if len(skips) != len(self.up):
            raise CapabilityError(
                f"UNet needs the {len(self.up)} skips of its encoder to decode; got {len(skips)}. Use reconstruct, or "
                "another net, such as Conv()."
            )
        y = channels_last(self.first(z).unflatten(1, self.coarse))
        for up, across, skip in zip(self.up, self.across, reversed(skips), strict=True):
            y = across(torch.cat([up(y), skip], 1))
        return from_grid(y, self.out)


def _keep(part: UNet, inputs: int, outputs: int, size: Size) -> Keep:
    return Keep(inputs, outputs, part.kernel, len(size), gain(part.activation))


def _halve(part: UNet, channels: int, size: Size) -> Halve:
    return Halve(channels, channels, part.kernel, size, gain(part.activation))


def _double(part: UNet, channels: int, size: Size) -> Double:
    return Double(channels, channels, part.kernel, size, gain(part.activation))


def _bent(part: UNet, conv: Halve | Double | Keep) -> nn.Sequential:
    channels = conv.conv.out_channels
    return nn.Sequential(conv, normed(part.norm, channels), Activation(part.activation))


def _joined(part: UNet, inputs: int, outputs: int, size: Size, last: bool) -> nn.Module:
    """Return what follows the meeting of the way up and a skip; after the last one come the params, as they are."""
    conv = _keep(part, 2 * inputs, outputs, size)
    return conv if last else _bent(part, conv)
