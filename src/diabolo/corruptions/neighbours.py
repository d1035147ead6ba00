"""Points that have neighbours: pixels of images and steps of series, not columns of tables."""

from __future__ import annotations

from torch import Tensor

from diabolo.errors import ParameterError
from diabolo.flow import Shape


def need_neighbours(shape: Shape, owner: str) -> None:
    """Raise unless samples are series or images.

    Raises
    ------
    ParameterError
        If they are rows of a table; `owner` is the corruption that needs neighbours.

    Examples
    --------
    >>> need_neighbours((50, 3), "Blur"), need_neighbours((1, 28, 28), "Blur")
    (None, None)
    """
    if len(shape) not in (2, 3):
        raise ParameterError(
            f"Parameter 'corruption' may be {owner} only for series (T, C) and images (C, H, W), whose points have "
            f"neighbours; got samples of shape {shape}. Choose another corruption, such as SwapNoise()."
        )


def to_planes(x: Tensor) -> Tensor:
    """Return series (B, T, C) as images of one row (B, C, 1, T), and images (B, C, H, W) as they are."""
    return x.transpose(1, 2).unsqueeze(2) if x.ndim == 3 else x


def from_planes(planes: Tensor, like: Tensor) -> Tensor:
    """Return planes in the shape that `to_planes` had made them of.

    Examples
    --------
    >>> import torch
    >>> series = torch.rand(2, 9, 3)
    >>> to_planes(series).shape, torch.equal(from_planes(to_planes(series), series), series)
    (torch.Size([2, 3, 1, 9]), True)
    """
    return planes.squeeze(2).transpose(1, 2) if like.ndim == 3 else planes
