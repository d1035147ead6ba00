"""Nearest neighbours by products of matrices, a block at a time: exact, and never all distances at once."""

from __future__ import annotations

import torch
from torch import Tensor

_NUMBERS = 2**23
"""Distances, or differences of coordinates, that are held at a time."""

_SAME = 1e-4
"""Share of the mean distance below which two points are one: more than rounding of float32 leaves."""


def nearest(some: Tensor, among: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the distances (N, k), rising, of points `some` (N, F) to the nearest of `among` (M, F), and which (N, k).

    A point is no neighbour of its own: one that lies at no distance is left out, once, whether it is the point itself
    or its double. There are `count` neighbours, or as many as there are other points.

    Parameters
    ----------
    some, among : Tensor (N, F), (M, F)
        Floating point numbers; the distances are Euclidean ones.
    count : int
        How many neighbours.

    Examples
    --------
    >>> points = torch.tensor([[0.0], [1.0], [3.0]])
    >>> distances, index = nearest(points, points, 1)
    >>> distances.flatten().tolist(), index.flatten().tolist()
    ([1.0, 1.0, 2.0], [1, 0, 1])
    """
    centre = among.mean(0)
    to = among - centre
    lengths = to.square().sum(1)
    count = max(1, min(count, len(among) - 1))
    kept = min(count + 1, len(among))
    size = max(1, _NUMBERS // max(len(among), kept * among.shape[1]))
    found = [_of_block(block - centre, to, lengths, kept) for block in some.split(size)]
    distances, index = (torch.cat(parts) for parts in zip(*found, strict=True))
    return _others(distances, index, count)


def _of_block(block: Tensor, to: Tensor, lengths: Tensor, kept: int) -> tuple[Tensor, Tensor]:
    """Find the nearest by products, and their distances from differences: equal points are at 0, or nearly so."""
    index = torch.addmm(lengths, block, to.T, alpha=-2).topk(kept, largest=False).indices
    distances, order = torch.linalg.vector_norm(to[index] - block[:, None], dim=2).sort(dim=1, stable=True)
    return distances, index.gather(1, order)


def _others(distances: Tensor, index: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Leave out the first where it lies at no distance, else the last."""
    if distances.shape[1] <= count:
        return distances, index
    itself = distances[:, :1] <= _SAME * distances.mean()
    return tuple(torch.where(itself, each[:, 1:], each[:, :-1]) for each in (distances, index))  # pyright: ignore
