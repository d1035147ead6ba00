"""Convolutions over grids of any size, with one axis or two: the pieces of Conv and UNet."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diabolo.nets.activation import Activation, start
from diabolo.nets.grid import Size

CONV = {1: nn.Conv1d, 2: nn.Conv2d}
TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d}


def halved(size: Size) -> Size:
    """Return half of each length, rounded up.

    Examples
    --------
    >>> halved((7, 1))
    (4, 1)
    """
    return tuple((s + 1) // 2 for s in size)


def halvings(size: Size, count: int) -> list[Size]:
    """Return `size`, and what is left of it after each of `count` halvings.

    Examples
    --------
    >>> halvings((28, 28), 3)
    [(28, 28), (14, 14), (7, 7), (4, 4)]
    """
    sizes = [size]
    for _ in range(count):
        sizes.append(halved(sizes[-1]))
    return sizes


class Halve(nn.Module):
    """x (B, inputs, *size) → (B, outputs, *halved(size)): a convolution of stride 2 along axes longer than 1."""

    def __init__(self, inputs: int, outputs: int, kernel: int, size: Size, scale: float = 1.0) -> None:
        super().__init__()
        self.uneven = _uneven(kernel, len(size))
        self.conv = CONV[len(size)](inputs, outputs, kernel, _stride(size), (kernel - 1) // 2)
        begun(self.conv, inputs * kernel ** len(size), scale)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x, self.uneven) if self.uneven else x)


class Double(nn.Module):
    """x (B, inputs, *halved(size)) → (B, outputs, *size): the transpose of `Halve`, of any size, odd ones too."""

    def __init__(self, inputs: int, outputs: int, kernel: int, size: Size, scale: float = 1.0) -> None:
        super().__init__()
        stride, padding = _stride(size), (kernel - 1) // 2
        bare = [(h - 1) * s - 2 * padding + kernel for h, s in zip(halved(size), stride, strict=True)]
        missing = tuple(max(0, length - given) for length, given in zip(size, bare, strict=True))
        self.size, self.exact = size, all(given <= length for length, given in zip(size, bare, strict=True))
        self.conv = TRANSPOSED[len(size)](inputs, outputs, kernel, stride, padding, missing)
        begun(self.conv, inputs * kernel ** len(size) / math.prod(stride), scale)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        if not self.exact:
            for axis, length in enumerate(self.size, start=2):
                y = y.narrow(axis, 0, length)
        return y


class Keep(nn.Module):
    """x (B, inputs, *size) → (B, outputs, *size): a convolution of stride 1."""

    def __init__(self, inputs: int, outputs: int, kernel: int, axes: int, scale: float = 1.0) -> None:
        super().__init__()
        self.uneven = _uneven(kernel, axes)
        self.conv = CONV[axes](inputs, outputs, kernel, 1, (kernel - 1) // 2)
        begun(self.conv, inputs * kernel**axes, scale)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x, self.uneven) if self.uneven else x)


class Residual(nn.Module):
    """x (B, channels, *size) → x + conv(activation(norm(x))), of the same shape."""

    def __init__(self, channels: int, kernel: int, axes: int, activation: str, norm: str, scale: float) -> None:
        super().__init__()
        conv = Keep(channels, channels, kernel, axes, scale)
        self.branch = nn.Sequential(normed(norm, channels), Activation(activation), conv)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


def normed(norm: str, channels: int) -> nn.Module:
    """Return the normalisation called `norm` ("none" or "group"): within a sample, over groups of about 16 channels.

    One channel alone is left as it is: on a grid of one point nothing would be left of it.

    References
    ----------
    Wu, He, "Group normalization", ECCV 2018.

    Examples
    --------
    >>> type(normed("group", 32)).__name__
    'GroupNorm'
    """
    if norm == "none" or channels == 1:
        return nn.Identity()
    return nn.GroupNorm(math.gcd(channels, max(channels // 16, 1)), channels)


def begun(conv: nn.Module, fan_in: float, scale: float) -> nn.Module:
    """Return a convolution with its weights drawn for so many inputs, its channels last in memory if they lie so.

    Examples
    --------
    >>> bool(begun(nn.Conv1d(2, 3, 5), 10, 1.0).bias.any())
    False
    """
    start(conv, fan_in, scale)
    for weight in conv.parameters():
        if weight.ndim == 4:  # as grids of two axes come
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    return conv


def _uneven(kernel: int, axes: int) -> list[int]:
    """Return the padding that an even kernel needs on one side more than on the other."""
    return [] if kernel % 2 else [0, 1] * axes


def _stride(size: Size) -> Size:
    return tuple(2 if s > 1 else 1 for s in size)
