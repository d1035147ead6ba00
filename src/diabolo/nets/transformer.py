"""The transformer: patches of a sample as tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diabolo.check import Maybe, Whole
from diabolo.errors import ParameterError
from diabolo.flow import Shape
from diabolo.nets.affine import affine
from diabolo.nets.grid import Size, channels_and_size, from_grid, out_channels, to_grid
from diabolo.nets.net import Net, Skips
from diabolo.part import knob


def eighths(size: Size) -> int:
    """Return the default length of a patch: at most 8 patches along each axis of an image, 16 along a series.

    Examples
    --------
    >>> eighths((28, 28)), eighths((100,)), eighths((3,))
    (4, 7, 1)
    """
    return math.ceil(max(size) / (8 if len(size) == 2 else 16))


@dataclass(frozen=True)
class Transformer(Net):
    """Patches become tokens, tokens attend to each other, all tokens together become h; the decoder goes back.

    A patch is a square of an image, a span of a series, or a block of columns of a table; samples are padded with zeros
    to whole patches, and what was added is cut off again.

    References
    ----------
    Vaswani et al., "Attention is all you need", 2017; Xiong et al., "On layer normalization in the transformer
    architecture", ICML 2020; Dosovitskiy et al., "An image is worth 16x16 words", ICLR 2021.

    Examples
    --------
    >>> import torch
    >>> encoder, decoder = Transformer(patch=8, width=16).build((3, 17, 31), 4, 4, (3, 17, 31))
    >>> h, skips = encoder(torch.zeros(5, 3, 17, 31))
    >>> h.shape, decoder(h).shape
    (torch.Size([5, 4]), torch.Size([5, 3, 17, 31]))
    """

    patch: int | None = knob(
        None, Maybe(Whole(1, 4096), "chosen from the sizes of the grid"), "length of a patch along each axis"
    )
    width: int = knob(64, Whole(1, 8192), "size of a token")
    depth: int = knob(2, Whole(1, 64), "blocks of attention in the encoder, and in the decoder")
    heads: int = knob(4, Whole(1, 256), "attentions side by side; must divide the width")

    def build(self, shape: Shape, width: int, n: int, out: Shape) -> tuple[nn.Module, nn.Module]:
        """Return the two transformers."""
        if self.width % self.heads:
            raise ParameterError(
                f"Parameter 'heads' of Transformer must divide width={self.width}; got {self.heads}; "
                f"use heads={math.gcd(self.width, self.heads)}, or a width that is a multiple of {self.heads}."
            )
        channels, size = channels_and_size(shape, "Transformer")
        patches = Patches(size, eighths(size) if self.patch is None else self.patch)
        encoder = TransformerEncoder(self, patches, channels, width)
        return encoder, TransformerDecoder(self, patches, out_channels(out, size), n, out)


@dataclass(frozen=True)
class Patches:
    """Cuts a grid of `size` into patches of `length` along each axis, and puts them together again.

    Examples
    --------
    >>> x = torch.arange(5.0).reshape(1, 1, 5)
    >>> patches = Patches((5,), 2)
    >>> patches.cut(x)
    tensor([[[0., 1.],
             [2., 3.],
             [4., 0.]]])
    >>> bool((patches.join(patches.cut(x), 1) == x).all())
    True
    """

    size: Size
    length: int

    @property
    def counts(self) -> Size:
        """How many patches lie along each axis."""
        return tuple(-(-s // self.length) for s in self.size)

    def cut(self, x: Tensor) -> Tensor:
        """Return x (B, C, *size) as patches (B, tokens, C * length ** axes)."""
        short = [(0, count * self.length - s) for count, s in zip(self.counts, self.size, strict=True)]
        x = F.pad(x, [pad for ends in reversed(short) for pad in ends])
        for axis, count in enumerate(self.counts):
            x = x.unflatten(2 + 2 * axis, (count, self.length))
        axes = len(self.size)
        x = x.movedim([2 + 2 * axis for axis in range(axes)], list(range(1, 1 + axes)))  # (B, *counts, C, *lengths)
        return x.flatten(1 + axes).flatten(1, axes)

    def join(self, tokens: Tensor, channels: int) -> Tensor:
        """Return patches (B, tokens, channels * length ** axes) as (B, channels, *size)."""
        axes = len(self.size)
        x = tokens.unflatten(2, (channels, *[self.length] * axes)).unflatten(1, self.counts)
        x = x.movedim(list(range(1, 1 + axes)), [2 + 2 * axis for axis in range(axes)])
        for axis, s in enumerate(self.size):
            x = x.flatten(2 + axis, 3 + axis).narrow(2 + axis, 0, s)
        return x


class TransformerEncoder(nn.Module):
    """x (B, *shape) → h (B, width)."""

    def __init__(self, part: Transformer, patches: Patches, channels: int, width: int) -> None:
        super().__init__()
        self.patches = patches
        tokens = math.prod(patches.counts)
        self.first = affine(channels * patches.length ** len(patches.size), part.width)
        self.positions = nn.Parameter(torch.empty(tokens, part.width).normal_(0.0, 0.02))
        self.blocks = nn.Sequential(*(Block(part) for _ in range(part.depth)), nn.LayerNorm(part.width))
        self.last = affine(tokens * part.width, width)

    def forward(self, x: Tensor) -> tuple[Tensor, Skips]:
        tokens = self.first(self.patches.cut(to_grid(x))) + self.positions
        return self.last(self.blocks(tokens).flatten(1)), ()


class TransformerDecoder(nn.Module):
    """z (B, n) → params (B, *out); the bias of the first map holds the positions."""

    def __init__(self, part: Transformer, patches: Patches, channels: int, n: int, out: Shape) -> None:
        super().__init__()
        self.patches, self.channels, self.out = patches, channels, out
        self.tokens = (math.prod(patches.counts), part.width)
        self.first = affine(n, math.prod(self.tokens))
        self.blocks = nn.Sequential(*(Block(part) for _ in range(part.depth)), nn.LayerNorm(part.width))
        self.last = affine(part.width, channels * patches.length ** len(patches.size))

    def forward(self, z: Tensor, skips: Skips = ()) -> Tensor:
        tokens = self.last(self.blocks(self.first(z).unflatten(1, self.tokens)))
        return from_grid(self.patches.join(tokens, self.channels), self.out)


class Block(nn.Module):
    """x (B, tokens, width) → the same shape: attention, then a layer on each token, both with shortcuts."""

    def __init__(self, part: Transformer) -> None:
        super().__init__()
        wide = 4 * part.width
        self.heads = part.heads
        self.norm = nn.LayerNorm(part.width)
        self.queries_keys_values = affine(part.width, 3 * part.width)
        self.joined = affine(part.width, part.width, (2 * part.depth) ** -0.5)
        narrow = affine(wide, part.width, (2 * part.depth) ** -0.5)
        self.each = nn.Sequential(nn.LayerNorm(part.width), affine(part.width, wide), nn.GELU(), narrow)

    def forward(self, x: Tensor) -> Tensor:
        qkv = self.queries_keys_values(self.norm(x)).unflatten(2, (3, self.heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, heads, tokens, width / heads) each
        # Written out: torch's fused attention has no second derivative, which penalties on gradients need.
        seen = torch.softmax(q @ k.mT * q.shape[-1] ** -0.5, -1) @ v
        x = x + self.joined(seen.transpose(1, 2).flatten(2))
        return x + self.each(x)
