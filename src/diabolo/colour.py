"""Colour spaces: sRGB images and CIE Lab, which parts lightness from colour as the eye does."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.errors import DataError

CHROMA = 20.0
"""Units of a and b that are 1 for a net: about their standard deviation in photographs."""

_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
"""XYZ of linear red, green and blue."""

_WHITE = (0.95047, 1.0, 1.08883)
"""XYZ of the illuminant D65, seen at 2°."""

_HALVINGS = 20
"""Of the interval in which the largest chroma that can be shown is sought: it is found to a millionth."""


def full(dtype: np.dtype) -> float:
    """Return the number that is white: 1 for floating point numbers, 255 for bytes, 65535 for 16 bits.

    Raises
    ------
    DataError
        If it is another type.

    Examples
    --------
    >>> full(np.dtype(np.uint16))
    65535.0
    """
    if dtype.kind == "f":
        return 1.0
    if dtype.newbyteorder("=") not in (np.uint8, np.uint16):
        raise DataError(
            f"Images must hold bytes, 16-bit whole numbers (uint16) or floating point numbers in [0, 1]; got {dtype}. "
            "Convert them, such as with images.astype(np.uint8) where they hold 0 to 255."
        )
    return float(np.iinfo(dtype).max)


def unit(images: NDArray, name: str = "X") -> Tensor:
    """Return images (..., H, W) as floating point numbers in [0, 1]; in float64 if they are, else in float32.

    Raises
    ------
    DataError
        If they hold what no image does.

    Examples
    --------
    >>> unit(np.array([[0, 51, 255]], dtype=np.uint8))
    tensor([[0.0000, 0.2000, 1.0000]])
    """
    white = full(images.dtype)
    low, high = (float(end(images)) for end in (np.min, np.max)) if images.size else (0.0, 0.0)
    if not (low >= 0 and high <= white):  # also of NaN
        raise DataError(
            f"{name} must hold images of floating point numbers in [0, 1], without NaN; got values from {low:g} to "
            f"{high:g}. Divide them by what is white, or convert them to bytes."
        )
    wanted = torch.float64 if images.dtype == np.float64 else torch.float32
    return torch.from_numpy(np.array(images, dtype=np.float64 if wanted == torch.float64 else np.float32)) / white


def to_lab(rgb: Tensor) -> Tensor:
    """Return sRGB images (..., 3, H, W) in [0, 1] as lightness L in [0, 100], and a and b.

    References
    ----------
    IEC 61966-2-1:1999 for sRGB; CIE 15:2004 for Lab, with its constants rounded as in scikit-image.

    Examples
    --------
    >>> to_lab(torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1)).flatten()
    tensor([53.2406, 80.0923, 67.2027])
    """
    linear = torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055).clamp_min(0) ** 2.4, rgb / 12.92)
    xyz = _mixed(_xyz(rgb), linear)
    roots = torch.where(xyz > 0.008856, xyz.clamp_min(0) ** (1 / 3), 7.787 * xyz + 16 / 116)
    x, y, z = roots.unbind(-3)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -3)


def to_rgb(lab: Tensor) -> Tensor:
    """Return images (..., 3, H, W) in Lab as sRGB, channels beyond [0, 1] cut off; never NaN.

    To keep the lightness of colours that sRGB does not have, take them through `shown` first.

    Examples
    --------
    >>> to_rgb(torch.tensor([100.0, 0.0, 0.0]).view(3, 1, 1)).flatten().round(decimals=3)
    tensor([1., 1., 1.])
    """
    linear = _linear(lab).clamp(0, 1)
    curved = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, curved, 12.92 * linear).clamp(0, 1)


def shown(lab: Tensor) -> Tensor:
    """Return images (..., 3, H, W) in Lab with the nearest colours of sRGB that have the same lightness and hue.

    Colours that sRGB has stay as they are; the chroma of others is reduced until they can be shown. Lightness outside
    [0, 100] is cut off.

    Examples
    --------
    >>> far = torch.tensor([60.0, 90.0, 0.0]).view(3, 1, 1)
    >>> [round(number, 1) for number in shown(far).flatten().tolist()]
    [60.0, 73.1, 0.0]
    >>> to_lab(to_rgb(shown(far)))[0].round(decimals=3), to_lab(to_rgb(far))[0].round(decimals=1)
    (tensor([[60.]]), tensor([[55.8000]]))
    """
    light, chroma = lab[..., :1, :, :].clamp(0, 100), lab[..., 1:, :, :]
    beyond = ~_inside(torch.cat([light, chroma], -3))  # (..., H, W)
    if not beyond.any():
        return torch.cat([light, chroma], -3)
    lights, chromas = light.movedim(-3, 0)[:, beyond], chroma.movedim(-3, 0)[:, beyond]  # (1, P), (2, P)
    low, high = torch.zeros_like(lights), torch.ones_like(lights)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        fits = _inside(torch.cat([lights, middle * chromas])[:, None])
        low, high = torch.where(fits, middle, low), torch.where(fits, high, middle)
    chroma = chroma.movedim(-3, 0).clone()
    chroma[:, beyond] = low * chromas
    return torch.cat([light, chroma.movedim(0, -3)], -3)


def _inside(lab: Tensor) -> Tensor:
    """Tell which colours (..., 3, H, W) sRGB has, (..., H, W), up to what rounding makes of white and black."""
    linear = _linear(lab)
    return ((linear >= -1e-6) & (linear <= 1 + 1e-6)).all(-3)


def _linear(lab: Tensor) -> Tensor:
    """Return linear red, green and blue, which may lie outside [0, 1]."""
    light, a, b = lab.unbind(-3)
    y = (light + 16) / 116
    roots = torch.stack([y + a / 500, y, (y - b / 200).clamp_min(0)], -3)
    xyz = torch.where(roots > 0.2068966, roots**3, (roots - 16 / 116) / 7.787)
    white = xyz.new_tensor(_WHITE)[:, None, None]
    return _mixed(_xyz(lab, plain=True).inverse(), xyz * white)


def _xyz(like: Tensor, plain: bool = False) -> Tensor:
    """Return the matrix from linear sRGB to XYZ, relative to white unless `plain`."""
    matrix = torch.tensor(_XYZ, dtype=torch.float64)
    if not plain:
        matrix = matrix / torch.tensor(_WHITE, dtype=torch.float64)[:, None]
    return matrix.to(like)


def _mixed(matrix: Tensor, channels: Tensor) -> Tensor:
    return torch.einsum("ij,...jhw->...ihw", matrix, channels)
