"""Hints for a colorizer: the colour of a few places, drawn at random in training, or told by the user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from diabolo.check import shorten
from diabolo.colour import CHROMA, full, to_lab
from diabolo.errors import DataError

_SPOTS = 16
"""Places that are hinted at in one image, at most."""

_WIDEST = 2
"""Points around its middle that a place has to each side, at most."""


def spots(count: int, size: Sequence[int], share: float) -> Tensor:
    """Draw where `count` images of `size` points have hints, (B, 1, h, w): 1 there, 0 elsewhere.

    A `share` of the images have any: from 1 to 15 squares, few more often than many.

    Examples
    --------
    >>> int(spots(100, (8, 8), 0.25).amax((1, 2, 3)).sum()) in range(5, 50)
    True
    """
    many = torch.floor(_SPOTS ** torch.rand(count)) * (torch.rand(count) < share)
    used = torch.arange(_SPOTS) < many[:, None]  # (B, K)
    wide = torch.randint(_WIDEST + 1, (count, _SPOTS, 1))
    near = [(torch.arange(n) - (torch.rand(count, _SPOTS, 1) * n).floor()).abs() <= wide for n in size]
    rows, columns = (each.float() for each in near)  # (B, K, h), (B, K, w)
    return (torch.einsum("bkh,bkw->bhw", rows * used[..., None], columns) > 0).float().unsqueeze(1)


def hint_maps(hints: Any, images: Sequence[NDArray[Any]]) -> list[Tensor]:
    """Return what the user hints at for each image, as the net sees it: a, b and a mask, (3, h, w) at half the size.

    Parameters
    ----------
    hints : array (N, 3, H, W), list of (3, H, W), or list of (i, y, x, r, g, b)
        Colours in units of the images; NaN, or masked, where nothing is known. Or one point each: number of the image,
        row, column, red, green, blue.
    images : sequence of arrays (C, H, W)
        Which they are for.

    Raises
    ------
    DataError
        If the hints are neither, or lie outside the images or their range.

    Examples
    --------
    >>> a, b, mask = hint_maps([(0, 3, 2, 255, 0, 0)], [np.zeros((1, 4, 6), np.uint8)])[0]
    >>> mask.tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    known = _spread(hints, images)
    return [_seen(each, full(image.dtype)) for each, image in zip(known, images, strict=True)]


def _seen(known: NDArray[np.float64], white: float) -> Tensor:
    """Return known colours (3, H, W), NaN where nothing is, as the net sees them."""
    colours = torch.from_numpy(known / white).float()[None]
    mask = (~colours.isnan().any(1, keepdim=True)).float()
    ab = to_lab(colours.nan_to_num(0.0))[:, 1:] / CHROMA
    both = torch.cat([ab * mask, mask], 1)
    sums = F.avg_pool2d(F.pad(both, (0, known.shape[2] % 2, 0, known.shape[1] % 2)), 2)
    share = sums[:, 2:]  # of four pixels
    return torch.cat([sums[:, :2] / share.clamp_min(0.25), (share > 0).float()], 1)[0]


def _spread(hints: Any, images: Sequence[NDArray[Any]]) -> list[NDArray[np.float64]]:
    """Return the colours known of each image (3, H, W), NaN elsewhere, in its units."""
    shapes = [(3, *image.shape[1:]) for image in images]
    pictures = isinstance(hints, np.ndarray | torch.Tensor) and hints.ndim == 4
    pictures |= isinstance(hints, list | tuple) and len(hints) > 0 and all(np.ndim(each) == 3 for each in hints)
    if not pictures:
        return _points(hints, images, shapes)
    known = [np.ma.filled(np.ma.asarray(each).astype(np.float64), np.nan) for each in hints]
    if [each.shape for each in known] != shapes:
        raise DataError(
            f"hints must hold colours (3, H, W) for each image of X, NaN where unknown; got shapes "
            f"{shorten([each.shape for each in known])} for {shorten(shapes)}."
        )
    for each, image in zip(known, images, strict=True):
        _demand_colours(each, image.dtype)
    return known


def _points(hints: Any, images: Sequence[NDArray[Any]], shapes: Sequence[tuple[int, ...]]) -> list[NDArray[np.float64]]:
    known = [np.full(shape, np.nan) for shape in shapes]
    for point in hints.to_numpy() if hasattr(hints, "to_numpy") else hints:
        values = _numbers(point)
        if values.shape != (6,) or not _inside(values[:3], shapes):
            raise DataError(
                f"hints must be points (i, y, x, r, g, b) inside the {len(images)} image(s) of X, or an array "
                f"(N, 3, H, W) that is NaN where nothing is known; got {shorten(point)}."
            )
        i, y, x = values[:3].astype(int)
        _demand_colours(values[3:], images[i].dtype)
        known[i][:, y, x] = values[3:]
    return known


def _numbers(point: Any) -> NDArray[np.float64]:
    """Return the numbers of a point; none if it holds others than numbers."""
    try:
        return np.asarray(point, dtype=np.float64)
    except (TypeError, ValueError):
        return np.empty(0)


def _inside(place: NDArray[np.float64], shapes: Sequence[tuple[int, ...]]) -> bool:
    i, *at = place.tolist()
    whole = all(float(number).is_integer() for number in place)
    return whole and 0 <= i < len(shapes) and all(0 <= p < n for p, n in zip(at, shapes[int(i)][1:], strict=True))


def _demand_colours(values: NDArray[np.float64], dtype: np.dtype) -> None:
    white = full(dtype)
    wrong = (values < 0) | (values > white)
    if wrong.any():
        raise DataError(
            f"hints must be colours in the units of X, from 0 to {white:g} for {dtype}; got {values[wrong][0]:g}."
        )
