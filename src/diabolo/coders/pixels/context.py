"""What is known of a pixel's surroundings when its turn comes, and pixels drawn with it to learn from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.flow import Batch

Bytes = NDArray[np.uint8]
"""Images (N, C, H, W) of bytes."""

_CLOSE = 2  # how far, in steps, other channels are looked at
_EPOCH = 2**19  # pixels that an epoch draws at most
_JUDGED = 2**16  # pixels held out at most
_EVERY = 16  # of so many pixels one is held out


@dataclass(frozen=True)
class Context:
    """Which pixels are known when those of one channel are told: rows above, and what is to the left.

    Parameters
    ----------
    channels : int
        Of the images.
    reach : int
        How many rows above, and columns to either side, are looked at.

    Examples
    --------
    >>> Context(1, 1).places(0).tolist()
    [[0, -1, 0], [-1, -1, 0], [-1, 0, 0], [-1, 1, 0]]
    """

    channels: int
    reach: int

    def places(self, channel: int) -> NDArray[np.int64]:
        """Return row, column and channel (F, 3) of what is known, seen from a pixel; first what is to the left."""
        near = range(-self.reach, self.reach + 1)
        own = [(0, -1)] + [(0, dx) for dx in range(-self.reach, -1)]
        own += [(dy, dx) for dy in range(-self.reach, 0) for dx in near]
        found = [(dy, dx, channel) for dy, dx in own]
        for other in (k for k in range(self.channels) if k != channel):
            found += [(dy, dx, other) for dy, dx in own if abs(dy) + abs(dx) <= _CLOSE]
            found += [(0, 0, other)] * (other < channel)
        return np.array(found, np.int64)

    def canvas(self, shape: tuple[int, ...]) -> Bytes:
        """Return room for images (N, C, H, W) with zeros around: (N, reach + H, reach + W + reach, C)."""
        count, _, height, width = shape
        return np.zeros((count, self.reach + height, width + 2 * self.reach, self.channels), np.uint8)

    def laid(self, images: Bytes) -> Bytes:
        """Return images (N, C, H, W) on a canvas."""
        canvas = self.canvas(images.shape)
        self.inside(canvas)[:] = images
        return canvas

    def inside(self, canvas: Bytes) -> Bytes:
        """Return the images (N, C, H, W) on a canvas, to read or to write."""
        return canvas[:, self.reach :, self.reach : canvas.shape[2] - self.reach].transpose(0, 3, 1, 2)

    def offsets(self, channel: int, row: int) -> NDArray[np.int64]:
        """Return how far the places (F,) are from a pixel of a flat canvas with rows of so many pixels."""
        dy, dx, other = self.places(channel).T
        return (dy * row + dx) * self.channels + other


class PixelSource:
    """Pixels of one channel, drawn at random, as a `Source`: the values around each, its own, its row, its column.

    Parameters
    ----------
    canvases : sequence of Bytes
        Images as `Context.laid` lays them out.
    context : Context
        What is known of each.
    channel : int
        Whose values are wanted.
    device : torch.device
        Where the batches are wanted.

    Examples
    --------
    >>> context = Context(1, 1)
    >>> canvas = context.laid(np.zeros((1, 1, 4, 4), np.uint8))
    >>> source = PixelSource([canvas], context, 0, torch.device("cpu"))
    >>> len(source), next(source.epoch(16, seed=0)).x.shape  # 4 values around, and 3 more
    (16, torch.Size([16, 7]))
    """

    def __init__(self, canvases: Sequence[Bytes], context: Context, channel: int, device: torch.device) -> None:
        self.context, self.channel, self.device = context, channel, device
        self.held: bool | None = None  # of those held out, of the others, or of all
        self._each = [(torch.from_numpy(canvas.reshape(-1)), canvas.shape) for canvas in canvases]
        self._counts = [context.inside(canvas)[:, 0].size for canvas in canvases]

    def split(self) -> tuple[PixelSource, PixelSource]:
        """Return one that leaves out every 16th pixel, and one of these."""
        learnt, held = copy(self), copy(self)
        learnt.held, held.held = False, True
        return learnt, held

    def __len__(self) -> int:
        return min(self._available, _JUDGED if self.held else _EPOCH)

    @property
    def _available(self) -> int:
        total, held = sum(self._counts), len(range(0, sum(self._counts), _EVERY))
        return total if self.held is None else held if self.held else total - held

    def epoch(self, batch_size: int, seed: int | None) -> Iterator[Batch]:
        """Yield pixels drawn with `seed`, or for None some that are spread evenly."""
        steps = math.ceil(len(self) / batch_size)
        if seed is None:
            index = torch.arange(len(self)) * self._available // len(self)
        else:
            index = torch.randint(self._available, (len(self),), generator=torch.Generator().manual_seed(seed))
        if self.held is not None:
            index = index * _EVERY if self.held else index + index // (_EVERY - 1) + 1
        for part in index.tensor_split(steps):
            yield Batch(self._seen(part).to(self.device))

    def _seen(self, index: Tensor) -> Tensor:
        """Return the values around pixels, their own, rows and columns (B, F + 3)."""
        ordered = index.sort().values  # those of one array are together then
        ends = torch.tensor(self._counts).cumsum(0)
        starts = ends - torch.tensor(self._counts)
        parts = ordered.tensor_split(torch.searchsorted(ordered, ends)[:-1])
        trios = zip(parts, starts, self._each, strict=True)
        return torch.cat([self._around(part - start, *laid) for part, start, laid in trios if len(part)])

    def _around(self, index: Tensor, flat: Tensor, shape: tuple[int, ...]) -> Tensor:
        _, height, width, channels = shape
        rows, columns = height - self.context.reach, width - 2 * self.context.reach
        image, rest = index // (rows * columns), index % (rows * columns)
        row, column = rest // columns, rest % columns
        at = ((image * height + row + self.context.reach) * width + column + self.context.reach) * channels
        places = torch.from_numpy(self.context.offsets(self.channel, width))
        around = flat[at[:, None] + places]
        return torch.cat([around, torch.stack([flat[at + self.channel], row, column], 1)], 1).float()
