"""Large samples tile by tile: as the whole would be computed, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product

from torch import Tensor

from diabolo.nets.net import Local

POINTS = 2**20
"""Points of a tile without its margin, about: bounds the memory."""

Watch = Callable[[int, int], None]
"""Told how many tiles are done, and of how many."""


def tiled(
    compute: Callable[[Tensor], Tensor], x: Tensor, local: Local, points: int = POINTS, watch: Watch | None = None
) -> Tensor:
    """Return ``compute(x)`` of one sample x (1, C, H, W) or (1, T, C), computed tile by tile.

    Each tile comes with a margin of what the net can see around it, so that the result is that of the whole; it may
    have other channels than x.

    Examples
    --------
    >>> import torch
    >>> x = torch.arange(20.0).view(1, 20, 1)
    >>> blur = lambda x: torch.nn.functional.avg_pool1d(x.mT, 3, 1, 1, count_include_pad=False).mT
    >>> torch.equal(tiled(blur, x, Local(reach=1, unit=2), points=4), blur(x))
    True
    """
    axes = (2, 3) if x.ndim == 4 else (1,)
    spans = list(_tiles([x.shape[axis] for axis in axes], local, points))
    if len(spans) == 1:
        return compute(x)
    out = None
    for done, tile in enumerate(spans):
        seen = x
        for axis, (_, (low, high)) in zip(axes, tile, strict=True):
            seen = seen.narrow(axis, low, high - low)
        found = compute(seen)
        if out is None:
            out = found.new_empty([*(found.shape[i] if i not in axes else x.shape[i] for i in range(x.ndim))])
        into = out
        for axis, ((start, end), (low, _)) in zip(axes, tile, strict=True):
            into, found = into.narrow(axis, start, end - start), found.narrow(axis, start - low, end - start)
        into.copy_(found)
        if watch is not None:
            watch(done + 1, len(spans))
    return x if out is None else out


def tiles(lengths: Sequence[int], local: Local, points: int = POINTS) -> int:
    """Return how many tiles `tiled` computes of a sample of such lengths.

    Examples
    --------
    >>> tiles((20,), Local(reach=1, unit=2), points=4)
    5
    """
    return len(list(_tiles(lengths, local, points)))


Span = tuple[int, int]


def _tiles(lengths: Sequence[int], local: Local, points: int) -> Iterator[tuple[tuple[Span, Span], ...]]:
    """Yield for each tile its span, and that with the margin, along each axis."""
    side = max(local.unit, int(points ** (1 / len(lengths))) // local.unit * local.unit)
    margin = -(-local.reach // local.unit) * local.unit
    spans = [
        [
            ((start, min(start + side, n)), (max(0, start - margin), min(start + side + margin, n)))
            for start in range(0, n, side)
        ]
        for n in lengths
    ]
    return product(*spans)
