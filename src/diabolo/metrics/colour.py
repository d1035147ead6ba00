"""Colour: how far that of images lies from the truth, and how much of it there is.

Look at all measures together: grey images have a high peak signal-to-noise ratio, and wild ones are colourful.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diabolo.check import shorten
from diabolo.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

Images = NDArray[Any] | Sequence[NDArray[Any]]
"""Images (N, 3, H, W), or a list of (3, H, W) of several sizes: bytes, 16 bits, or floating point numbers in [0, 1]."""


def ab_rmse(truth: Images, estimate: Images) -> float:
    """Return the root mean squared error of a and b of Lab, over all pixels of all images.

    Parameters
    ----------
    truth, estimate : array (N, 3, H, W), or list of arrays (3, H, W)
        sRGB images as bytes, 16 bits, or floating point numbers in [0, 1].

    Raises
    ------
    DataError
        If they are no such images, or have different shapes.

    Examples
    --------
    >>> red = np.zeros((1, 3, 2, 2))
    >>> red[:, 0] = 1.0
    >>> round(ab_rmse(red, np.full((1, 3, 2, 2), 0.5)), 2)  # a is 80.1 and b 67.2
    73.93
    """
    from diabolo.colour import to_lab

    squares = count = 0
    for a, b in _pairs(truth, estimate):
        away = to_lab(a)[..., 1:, :, :] - to_lab(b)[..., 1:, :, :]
        squares, count = squares + float(away.double().square().sum()), count + away.numel()
    return (squares / count) ** 0.5


def colourfulness(images: Images) -> NDArray[np.float64]:
    """Return how colourful each image looks (N,): 0 is grey, 33 moderately, 59 quite, 82 highly colourful.

    With the opponent colours rg = R − G and yb = (R + G) / 2 − B of bytes it is √(σ²rg + σ²yb) + 0.3·√(μ²rg + μ²yb).

    Raises
    ------
    DataError
        If they are no images in colour.

    References
    ----------
    Hasler, Süsstrunk, "Measuring colourfulness in natural images", Human Vision and Electronic Imaging 2003, section 5.

    Examples
    --------
    >>> colourfulness(np.full((1, 3, 4, 4), 0.5))
    array([0.])
    """
    return np.concatenate([_colourful(image) for image in _read("images", images)])


def colourfulness_ratio(truth: Images, estimate: Images) -> float:
    """Return the mean colourfulness of estimates over that of the truth: below 1 they are duller.

    Raises
    ------
    DataError
        If they are no images in colour, have different shapes, or the truth is grey.

    Examples
    --------
    >>> truth = np.random.default_rng(0).random((5, 3, 8, 8))
    >>> round(colourfulness_ratio(truth, 0.5 * truth), 2)
    0.5
    """
    pairs = [(_colourful(a).mean() * len(a), _colourful(b).mean() * len(b)) for a, b in _pairs(truth, estimate)]
    true, found = np.sum(pairs, 0)
    if true < 1e-9:
        raise DataError("truth must hold images with some colour; all are grey. Leave the ratio out.")
    return float(found / true)


def _colourful(images: Tensor) -> NDArray[np.float64]:
    r, g, b = 255 * images.double().flatten(-2).numpy().swapaxes(0, 1)  # (N, P) each
    rg, yb = r - g, (r + g) / 2 - b
    return np.hypot(rg.std(1), yb.std(1)) + 0.3 * np.hypot(rg.mean(1), yb.mean(1))


def _pairs(truth: Images, estimate: Images) -> Iterator[tuple[Tensor, Tensor]]:
    if len(truth) != len(estimate):
        raise DataError(
            f"truth and estimate must hold the same images; got {len(truth)} and {len(estimate)}. Give an estimate for "
            "each."
        )
    for a, b in zip(_read("truth", truth), _read("estimate", estimate), strict=True):
        if a.shape != b.shape:
            raise DataError(
                f"truth and estimate must have images of the same sizes; got {tuple(a.shape[1:])} and "
                f"{tuple(b.shape[1:])}. Resize one of them."
            )
        yield a, b


def _read(name: str, images: Images) -> Iterator[Tensor]:
    """Yield images in [0, 1] (B, 3, H, W): all at once, or those of a list one by one."""
    from diabolo.colour import unit  # not before it is needed: metrics are light to import

    for each in (images,) if isinstance(images, np.ndarray) else (np.asarray(image)[None] for image in images):
        if each.ndim != 4 or each.shape[1] != 3 or each.size == 0:
            raise DataError(
                f"{name} must hold images in colour, (N, 3, H, W), or be a list of (3, H, W); got "
                f"{shorten(each.shape)}. Give a single image as x[None]."
            )
        yield unit(each, name)
    if len(images) == 0:
        raise DataError(f"{name} must hold at least one image; got none.")
