"""Neighbouring points of a grid as channels of one point, and back: what nets compute on is then smaller."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from diabolo.nets.grid import Size


def folded(y: Tensor, fold: int) -> Tensor:
    """Return y (B, C, *size) as (B, C * fold^axes, *size / fold); the sizes must be multiples of `fold`.

    Examples
    --------
    >>> import torch
    >>> folded(torch.arange(4.0).view(1, 1, 4), 2).tolist()
    [[[0.0, 2.0], [1.0, 3.0]]]
    """
    if fold == 1:
        return y
    if y.ndim == 4:
        return F.pixel_unshuffle(y, fold)
    return y.unflatten(2, (-1, fold)).transpose(2, 3).flatten(1, 2)


def unfolded(y: Tensor, fold: int) -> Tensor:
    """Undo `folded`.

    Examples
    --------
    >>> import torch
    >>> unfolded(folded(torch.arange(4.0).view(1, 1, 4), 2), 2).tolist()
    [[[0.0, 1.0, 2.0, 3.0]]]
    """
    if fold == 1:
        return y
    if y.ndim == 4:
        return F.pixel_shuffle(y, fold)
    return y.unflatten(1, (-1, fold)).transpose(2, 3).flatten(2)


def padded(y: Tensor, unit: int) -> Tensor:
    """Return y (B, C, *size) with its last points repeated until the sizes are multiples of `unit`.

    Examples
    --------
    >>> import torch
    >>> padded(torch.arange(3.0).view(1, 1, 3), 2).tolist()
    [[[0.0, 1.0, 2.0, 2.0]]]
    """
    missing = [-length % unit for length in y.shape[2:]]
    if not any(missing):
        return y
    return F.pad(y, [end for length in reversed(missing) for end in (0, length)], mode="replicate")


def cut(y: Tensor, size: Size) -> Tensor:
    """Return the first points of y (B, C, ...), as many along each axis as `size` says.

    Examples
    --------
    >>> import torch
    >>> cut(torch.arange(4.0).view(1, 1, 4), (3,)).tolist()
    [[[0.0, 1.0, 2.0]]]
    """
    for axis, length in enumerate(size, 2):
        if y.shape[axis] != length:
            y = y.narrow(axis, 0, length)
    return y


def places(size: Size, unit: int) -> Size:
    """Return how many points a grid of `size` has along each axis where one stands for `unit`.

    Examples
    --------
    >>> import torch
    >>> places((28, 30), 8)
    (4, 4)
    """
    return tuple(-(-length // unit) for length in size)
