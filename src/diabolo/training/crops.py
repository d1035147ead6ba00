"""Batches of crops of images, or stretches of series, of any sizes: other ones in every epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.flow import Batch, Shape
from diabolo.training.batches import resident

SYMMETRIES = (1, 2, 8)
"""As what crops may come: as they are, mirrored left to right, or in all eight positions of a square."""


_POINTS = 2**16
"""Points in a batch of crops, about: so many fill a step of a convolutional net."""


def batch_size(points: int, least: int, most: int) -> int:
    """Return how many crops of so many points make a batch: a power of 2 within bounds that are such.

    Examples
    --------
    >>> batch_size(64 * 64, 16, 256), batch_size(28 * 28, 16, 256), batch_size(140, 16, 256)
    (16, 64, 256)
    """
    return max(least, min(most, 2 ** round(math.log2(_POINTS / points))))


@dataclass(frozen=True)
class Crops:
    """Squares of images (C, H, W), or stretches of series (T, C), at random places.

    All samples lie in one tensor, so that a batch is gathered at once, whatever their sizes. Without a seed the crops
    are the same every time, as they are when the model is judged.

    Parameters
    ----------
    numbers : Tensor (C, P)
        The points of all samples, one sample after the other, row by row.
    sizes : tuple of shapes
        (H, W) or (T,) of each sample.
    side : tuple of int
        (h, w) or (t,) of a crop.
    lesson : callable
        Makes of crops (B, C, h, w) or (B, t, C), in the type of `numbers`, what is seen and what is wanted.
    count : int
        Crops in an epoch.
    turns : int
        1, 2 or 8: see `SYMMETRIES`.
    device : torch.device
        Where the batches are wanted.

    Examples
    --------
    >>> images = [torch.zeros(1, 9, 7), torch.ones(1, 5, 8)]
    >>> crops = Crops.of(images, 4, lambda x: Batch(x), count=6)
    >>> [tuple(batch.x.shape) for batch in crops.epoch(4, seed=0)]
    [(3, 1, 4, 4), (3, 1, 4, 4)]
    """

    numbers: Tensor
    sizes: tuple[Shape, ...]
    side: Shape
    lesson: Callable[[Tensor], Batch]
    count: int
    turns: int = 1
    device: torch.device = torch.device("cpu")

    @classmethod
    def of(
        cls,
        samples: Sequence[Tensor],
        side: int,
        lesson: Callable[[Tensor], Batch],
        count: int,
        turns: int = 1,
        device: torch.device = torch.device("cpu"),
    ) -> Crops:
        """Return crops of so many points along each axis, or of all there are; of images (C, H, W) or series (T, C)."""
        flat = [x.T if x.ndim == 2 else x.flatten(1) for x in samples]  # (C, P) of each
        sizes = tuple(tuple(x.shape[:1] if x.ndim == 2 else x.shape[1:]) for x in samples)
        least = tuple(min(side, *(size[axis] for size in sizes)) for axis in range(len(sizes[0])))
        return cls(resident(torch.cat(flat, 1), device), sizes, least, lesson, count, turns, device)

    def __len__(self) -> int:
        return self.count

    def epoch(self, batch_size: int, seed: int | None) -> Iterator[Batch]:
        """Yield so many crops, in batches of equal size but for one."""
        generator = torch.Generator().manual_seed(0 if seed is None else seed)
        areas = torch.tensor([math.prod(size) for size in self.sizes], dtype=torch.float64)
        offsets = areas.cumsum(0).long() - areas.long()
        sizes = torch.tensor(self.sizes)  # (N, axes)
        chosen = torch.multinomial(areas, self.count, True, generator=generator)
        chance = torch.rand(self.count, len(self.side), generator=generator, dtype=torch.float64)
        starts = (chance * (sizes[chosen] - torch.tensor(self.side) + 1)).long()  # (count, axes)
        turns = torch.randint(self.turns, (self.count,), generator=generator)
        for part in torch.arange(self.count).tensor_split(math.ceil(self.count / batch_size)):
            index = self._index(offsets[chosen[part]], sizes[chosen[part]], starts[part])
            crops = self.numbers[:, index.to(self.numbers.device)].transpose(0, 1).to(self.device)  # (B, C, *side)
            crops = _turned(crops, int(turns[part[0]])) if len(self.side) == 2 else crops.transpose(1, 2)
            yield self.lesson(crops.contiguous())

    def _index(self, offset: Tensor, size: Tensor, start: Tensor) -> Tensor:
        """Return where the numbers of crops lie, (B, *side)."""
        first = start[:, :1] + torch.arange(self.side[0])  # (B, h)
        if len(self.side) == 1:
            return offset[:, None] + first
        second = start[:, 1:] + torch.arange(self.side[1])  # (B, w)
        return (offset[:, None] + first * size[:, 1:])[:, :, None] + second[:, None]


def _turned(crops: Tensor, turn: int) -> Tensor:
    """Return images (B, C, h, w) in one of eight positions; those of one batch have the same."""
    turned = crops.flip(3) if turn % 2 else crops
    if turn < 2:
        return turned
    return torch.rot90(turned, turn // 2, (2, 3)) if crops.shape[2] == crops.shape[3] or turn // 2 == 2 else turned
