"""Between images and what a colorizer computes: lightness in, a and b at half the size out, and colour from both.

The eye sees colour less sharply than lightness, so that half the size is enough, as in JPEG: the net then costs a
quarter, and the lightness of the original is kept in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from diabolo.colour import CHROMA, full, shown, to_lab, to_rgb, unit
from diabolo.estimators.colorization.hints import spots
from diabolo.flow import Batch
from diabolo.nets.fold import folded, padded

FOLD = 2
"""Pixels along each axis that become channels of one point."""

Tints = Callable[[Tensor, "Sequence[Tensor] | None"], Tensor]
"""Gives a and b (B, 2, H, W) for lightness (B, 1, H, W) and the hints of each image."""

_TOGETHER = 2**16
"""Pixels of small images that are computed at once."""


@dataclass(frozen=True)
class Lesson:
    """Makes of crops in colour (B, 3, h, w) what is seen and what is wanted.

    Parameters
    ----------
    share : float
        Of crops with hints; the net has channels for them unless it is 0.
    light : float
        How far contrast and brightness change at random, as with light and exposure: colours stay.
    """

    share: float
    light: float = 0.0

    def __call__(self, crops: Tensor) -> Batch:
        """Return the batch of crops, bytes or numbers in [0, 1]."""
        lab = to_lab(crops.float() / 255 if crops.dtype == torch.uint8 else crops.float())
        ab, x = wanted(lab[:, 1:]), seen(lab[:, :1])
        if self.light:
            contrast, brightness = (self.light * (2 * torch.rand(2, len(x), 1, 1, 1) - 1)).to(x)
            x = (1 + contrast) * x + brightness
        if not self.share:
            return Batch(x, ab)
        mask = spots(len(ab), ab.shape[2:], self.share).to(ab.device)
        return Batch(torch.cat([x, ab * mask, mask], 1), ab)


def seen(light: Tensor) -> Tensor:
    """Return lightness (B, 1, H, W) as the net sees it, (B, 4, H / 2, W / 2).

    Examples
    --------
    >>> seen(torch.tensor([0.0, 50.0, 100.0]).view(1, 1, 1, 3)).flatten(1)
    tensor([[-2.,  2.,  0.,  2., -2.,  2.,  0.,  2.]])
    """
    return folded(padded((light.float() - 50) / 25, FOLD), FOLD)


def both_ways(tints: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the mean of a and b for what the net sees, and for its mirror image: colours are on both sides alike.

    Examples
    --------
    >>> x = torch.arange(8.0).view(1, 4, 1, 2)
    >>> both_ways(lambda x: x[:, :2], x).flatten(1)
    tensor([[1., 2., 1., 2.]])
    """
    order = [1, 0, 3, 2, *range(4, x.shape[1])]  # left and right of the pixels that are one point
    return (tints(x) + tints(x.flip(3)[:, order]).flip(3)) / 2


def wanted(ab: Tensor) -> Tensor:
    """Return a and b (B, 2, H, W) as the net is to tell them: at half the size, in units of `CHROMA`.

    Examples
    --------
    >>> wanted(torch.tensor([10.0, 20.0]).view(1, 2, 1, 1).expand(1, 2, 3, 2)).flatten(1)
    tensor([[0.5000, 0.5000, 1.0000, 1.0000]])
    """
    return F.avg_pool2d(padded(ab, FOLD), FOLD) / CHROMA


def coloured(tints: Tints, images: Sequence[NDArray[Any]], hints: Sequence[Tensor] | None) -> list[NDArray[Any]]:
    """Return images (C, H, W) in colour (3, H, W), in units of theirs: with their lightness, and a and b as computed.

    Parameters
    ----------
    tints : callable
        Gives a and b (B, 2, H, W), in units of `CHROMA`, for lightness (B, 1, H, W) in [0, 100] and hints.
    images : sequence of arrays
        Of any sizes; of those in colour the lightness is taken.
    hints : sequence of Tensor (3, h, w), optional
        What is known of each.
    """
    done: list[NDArray[Any]] = []
    for part in together(images):
        light = to_lab(unit(np.stack([np.broadcast_to(images[i], (3, *images[i].shape[1:])) for i in part])))[:, :1]
        ab = CHROMA * tints(light, None if hints is None else [hints[i] for i in part])
        rgb = to_rgb(shown(torch.cat([light, ab], 1))).numpy()
        done += [image * full(images[i].dtype) for i, image in zip(part, rgb, strict=True)]
    return done


def together(images: Sequence[NDArray[Any]]) -> Iterator[list[int]]:
    """Yield the numbers of images of one size and type that are computed at once, in order.

    Examples
    --------
    >>> list(together([np.zeros((3, 4, 4)), np.zeros((3, 4, 4)), np.zeros((3, 2, 2))]))
    [[0, 1], [2]]
    """
    part: list[int] = []
    for i, image in enumerate(images):
        like = part and (images[part[0]].shape, images[part[0]].dtype) == (image.shape, image.dtype)
        if part and not (like and (len(part) + 1) * image[0].size <= _TOGETHER):
            yield part
            part = []
        part.append(i)
    if part:
        yield part
