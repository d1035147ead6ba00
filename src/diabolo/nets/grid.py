"""A sample as channels over a grid: the view of nets that know neighbours.

A table row (D,) is a series of D steps of one channel, a series (T, C) has one axis, an image (C, H, W) has two.
"""

from __future__ import annotations

import torch
from torch import Tensor

from diabolo.errors import ParameterError
from diabolo.flow import Shape

Size = tuple[int, ...]
"""The lengths of a grid's one or two axes."""


def channels_and_size(shape: Shape, owner: str) -> tuple[int, Size]:
    """Return how many channels a sample has, and the size of its grid.

    Raises
    ------
    ParameterError
        If `shape` is that of no table, series or image; `owner` is the net that cannot be built.

    Examples
    --------
    >>> channels_and_size((30,), "Conv"), channels_and_size((50, 3), "Conv"), channels_and_size((3, 32, 32), "Conv")
    ((1, (30,)), (3, (50,)), (3, (32, 32)))
    """
    if len(shape) == 1:
        return 1, shape
    if len(shape) == 2:
        return shape[1], shape[:1]
    if len(shape) == 3:
        return shape[0], shape[1:]
    raise ParameterError(
        f"{owner} must be built for samples (D,), (T, C) or (C, H, W); got {shape}; reshape the data or use MLP()."
    )


def out_channels(out: Shape, size: Size) -> int:
    """Return how many channels over a grid of `size` make a decoder's output.

    Examples
    --------
    >>> out_channels((60,), (30,)), out_channels((50, 6), (50,)), out_channels((47,), (30,))
    (2, 6, 2)
    """
    if len(out) == 1:
        return -(-out[0] // size[0])
    return out[1] if len(out) == 2 else out[0]


def to_grid(x: Tensor) -> Tensor:
    """Return x (B, *shape) as (B, C, *size); images with their channels last in memory, where convolutions are fast."""
    if x.ndim == 2:
        return x.unsqueeze(1)
    return x.transpose(1, 2) if x.ndim == 3 else channels_last(x)


def channels_last(y: Tensor) -> Tensor:
    """Return y (B, C, *size) as it is; grids of two axes with their channels last in memory."""
    return y.contiguous(memory_format=torch.channels_last) if y.ndim == 4 else y


def from_grid(y: Tensor, out: Shape) -> Tensor:
    """Return y (B, C, *size) as (B, *out); of a table, what is beyond its width is dropped."""
    if len(out) == 1:
        return y.flatten(1)[:, : out[0]]
    return y.transpose(1, 2) if len(out) == 2 else y
