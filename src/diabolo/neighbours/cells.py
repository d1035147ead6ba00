"""Cells of a map: points that lie together."""

from __future__ import annotations

import torch
from torch import Tensor

_ROUNDS = 5
_NUMBERS = 2**22
"""Distances that are held at a time."""


def cells(points: Tensor, count: int) -> Tensor:
    """Return in which of at most `count` cells each of the points (N, n) is, (N,): numbers from 0, none left out.

    Every point is in the cell whose middle is nearest, by five rounds of Lloyd's algorithm from points drawn at random
    by a fixed seed. Of no more points than cells, each has its own.

    References
    ----------
    Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 1982.

    Examples
    --------
    >>> cells(torch.tensor([[0.0], [9.0], [0.1], [9.1]]), 2).tolist() in ([0, 1, 0, 1], [1, 0, 1, 0])
    True
    """
    if len(points) <= count:
        return torch.arange(len(points), device=points.device)
    draw = torch.randperm(len(points), generator=torch.Generator().manual_seed(0))[:count]
    middles = points[draw.to(points.device)]
    which = _nearest(points, middles)
    for _ in range(_ROUNDS - 1):
        size = torch.bincount(which, minlength=count)[:, None]
        sums = torch.zeros_like(middles).index_add_(0, which, points)
        middles = torch.where(size > 0, sums / size.clamp_min(1), middles)
        which = _nearest(points, middles)
    return which.unique(return_inverse=True)[1]


def _nearest(points: Tensor, middles: Tensor) -> Tensor:
    lengths = middles.square().sum(1)
    blocks = points.split(max(1, _NUMBERS // len(middles)))
    return torch.cat([torch.addmm(lengths, block, middles.T, alpha=-2).argmin(1) for block in blocks])
