"""A penalty on images whose structure is lost."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diabolo.check import Number, Whole
from diabolo.errors import ParameterError
from diabolo.flow import Batch, Output, Shape
from diabolo.part import knob
from diabolo.penalties.penalty import Encodes, Penalty

_SIGMA = 1.5  # pixels
_STILL = (0.01, 0.03)  # K₁ and K₂, in units of the range


@dataclass(frozen=True)
class Similarity(Penalty):
    """1 − SSIM(x, D(z)), per pixel: means, contrasts and correlations of small windows, as eyes see them, are to agree.

    The windows are Gaussian ones of 1.5 pixels standard deviation; means over channels, windows and `scales`, of which
    each has half the pixels of the one before. The likelihood's mean is what is compared, in images of a range of 1.

    References
    ----------
    Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE TIP 2004, equation 13;
    in autoencoders: Snell et al., "Learning to generate images with perceptual similarity metrics", ICIP 2017.

    Examples
    --------
    >>> Similarity(2.0).equation()
    '2·Σ(1 − SSIM(x, D(z)))'
    """

    weight: float = knob(1.0, Number(0), "cost of one pixel whose structure is lost")
    window: int = knob(11, Whole(1, 255), "side of the windows, in pixels")
    scales: int = knob(1, Whole(1, 16), "sizes at which images are compared")

    def check_shape(self, shape: Shape) -> None:
        """Raise ParameterError if samples are no images, or too small for the windows."""
        least = self.window * 2 ** (self.scales - 1)
        if len(shape) != 3 or min(shape[1:]) < least:
            raise ParameterError(
                f"Parameter 'penalties' can hold {self!r} for images of {least} x {least} pixels or more; got samples "
                f"of shape {shape}. Choose a smaller window or fewer scales, or leave it out."
            )

    def penalty(self, model: Encodes, batch: Batch, output: Output) -> Tensor:
        """Return what is lost per sample (B,): as many units as there are pixels, if all is."""
        rebuilt = model.expected(output.params[: len(batch.x)])
        return self.weight * rebuilt[0].numel() * (1 - similarity(output.target, rebuilt, self.window, self.scales))

    def equation(self) -> str:
        """Return the formula."""
        return f"{self.weight:g}·Σ(1 − SSIM(x, D(z)))"


def similarity(a: Tensor, b: Tensor, window: int = 11, scales: int = 1) -> Tensor:
    """Return the mean structural similarity (B,) of images (B, C, H, W) whose range is 1; 1 where they are equal.

    Examples
    --------
    >>> image = torch.rand(1, 1, 16, 16)
    >>> float(similarity(image, image)), float(similarity(image, 1 - image)) < 0
    (1.0, True)
    """
    found = []
    for scale in range(scales):
        if scale:
            a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
        found.append(_of_one(a, b, window))
    return torch.stack(found).mean(0)


def _of_one(a: Tensor, b: Tensor, window: int) -> Tensor:
    place = torch.arange(window, dtype=a.dtype, device=a.device) - (window - 1) / 2
    line = torch.exp(-0.5 * (place / _SIGMA).square())
    line = line / line.sum()
    x, y = _blurred(a, line), _blurred(b, line)
    xx, yy, xy = _blurred(a * a, line) - x * x, _blurred(b * b, line) - y * y, _blurred(a * b, line) - x * y
    c1, c2 = (k**2 for k in _STILL)
    found = (2 * x * y + c1) * (2 * xy + c2) / ((x * x + y * y + c1) * (xx + yy + c2))
    return found.flatten(1).mean(1)


def _blurred(x: Tensor, line: Tensor) -> Tensor:
    flat = x.flatten(0, 1).unsqueeze(1)  # (B * C, 1, H, W)
    flat = F.conv2d(F.conv2d(flat, line.view(1, 1, 1, -1)), line.view(1, 1, -1, 1))
    return flat.view(*x.shape[:2], *flat.shape[2:])
