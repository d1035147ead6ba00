"""Restoration: how near an estimate comes to the truth, and how much noise data hold that nobody knows without."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diabolo.check import Number, demand
from diabolo.errors import DataError
from diabolo.metrics.arrays import Array, numbers, points

_MEDIAN = 0.6744897501960817
"""Median of |ε|, ε ~ N(0, 1)."""

_WINDOW = 11

_RANGE = Number(0, open_low=True)


def psnr(truth: ArrayLike, estimate: ArrayLike, data_range: float) -> Array:
    """Return the peak signal-to-noise ratio of each sample in dB (N,): 10·log₁₀(range² / mean squared error).

    Parameters
    ----------
    truth, estimate : array (N, ...)
        Samples of any shape, and what was made of them.
    data_range : float
        Largest possible difference: 1 for images in [0, 1], 255 for bytes.

    Returns
    -------
    ndarray (N,)
        Infinite where both are equal. Published means are means of these, not of the errors.

    Raises
    ------
    DataError
        If the arrays have different shapes, no samples, or hold NaN or infinity.
    DataTypeError
        If they hold something other than numbers.
    ParameterError
        If `data_range` is not above 0.

    Examples
    --------
    >>> psnr(np.zeros((1, 4)), np.full((1, 4), 0.1), data_range=1.0)
    array([20.])
    """
    demand("data_range", "psnr", data_range, _RANGE)
    a, b = pair("truth", truth, "estimate", estimate)
    return _decibels(np.full(len(a), float(data_range) ** 2), ((a - b) ** 2).mean(1))


def snr(truth: ArrayLike, estimate: ArrayLike) -> Array:
    """Return the signal-to-noise ratio of each sample in dB (N,): 10·log₁₀(Σ truth² / Σ (truth − estimate)²).

    The power is about 0: subtract a constant that is no signal, such as the offset of an electrode, from both.

    Parameters
    ----------
    truth, estimate : array (N, ...)
        Samples of any shape, and what was made of them.

    Returns
    -------
    ndarray (N,)
        Infinite where both are equal.

    Raises
    ------
    DataError
        If the arrays have different shapes, no samples, or hold NaN or infinity.
    DataTypeError
        If they hold something other than numbers.

    Examples
    --------
    >>> snr([[3.0, 4.0]], [[3.0, 4.5]])
    array([20.])
    """
    a, b = pair("truth", truth, "estimate", estimate)
    return _decibels((a**2).sum(1), ((a - b) ** 2).sum(1))


def ssim(truth: ArrayLike, estimate: ArrayLike, data_range: float) -> Array:
    """Return the mean structural similarity of each image (N,), in Gaussian windows of 1.5 pixels; 1 where equal.

    Parameters
    ----------
    truth, estimate : array (N, C, H, W)
        Images of 11 x 11 pixels or more, and what was made of them.
    data_range : float
        Largest possible difference: 1 for images in [0, 1], 255 for bytes.

    Raises
    ------
    DataError
        If the arrays have different shapes or are no such images, have no samples, or hold NaN or infinity.
    DataTypeError
        If they hold something other than numbers.
    ParameterError
        If `data_range` is not above 0.

    References
    ----------
    Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE TIP 2004, equation 13,
    with population covariances and without the border of 5 pixels.

    Examples
    --------
    >>> image = np.linspace(0, 255, 256).reshape(1, 1, 16, 16)
    >>> ssim(image, image, data_range=255)
    array([1.])
    """
    from torch import from_numpy  # not before it is needed: metrics are light to import

    from diabolo.penalties.similarity import similarity

    demand("data_range", "ssim", data_range, _RANGE)
    flat, shape = pair("truth", truth, "estimate", estimate), np.shape(truth)
    if len(shape) != 4 or min(shape[2:]) < _WINDOW:
        raise DataError(
            f"truth must hold images (N, C, H, W) of {_WINDOW} x {_WINDOW} pixels or more; got shape {shape}. "
            "Compare smaller ones, and what is no image, by psnr or snr."
        )
    a, b = (from_numpy(each.reshape(shape) / data_range) for each in flat)
    return np.array([float(similarity(*each, _WINDOW)) for each in zip(a.split(1), b.split(1), strict=True)])


def noise_level(x: ArrayLike) -> Array:
    """Estimate the standard deviation of Gaussian noise, independent from point to point, from the noisy data alone.

    The finest detail of most signals is noise: for images the diagonal differences of 2 x 2 pixels, for series the
    second differences. Their median size tells its level, whatever the few large ones are, which are edges. Texture
    makes it too large. Noise that goes on from point to point makes it too small, and so do values cut off at a bound;
    places without any difference are left out, as they are cut off or empty.

    Parameters
    ----------
    x : array (N, C, H, W) or (N, T, C)
        Noisy images of 2 x 2 pixels or more, or series of 3 steps or more.

    Returns
    -------
    ndarray (N, C)
        In units of `x`; 0 where nothing differs.

    Raises
    ------
    DataError
        If they have another shape, or hold NaN or infinity.
    DataTypeError
        If they hold something other than numbers.

    References
    ----------
    Donoho, Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 1994, section 4: the median absolute
    deviation of the finest coefficients, here of Haar's wavelet at every position.

    Examples
    --------
    >>> noisy = np.sin(np.arange(4000) / 50) + 0.1 * np.random.default_rng(0).normal(size=4000)
    >>> noise_level(noisy.reshape(1, 4000, 1)).round(3)
    array([[0.098]])
    """
    found = signals("x", x, 2 if np.ndim(x) == 4 else 3)
    detail, still = _details(found)
    sizes, places = np.abs(detail).reshape(-1, detail[0, 0].size), still.reshape(-1, still[0, 0].size)
    level = [np.median(size[~left]) if not left.all() else 0.0 for size, left in zip(sizes, places, strict=True)]
    return np.array(level).reshape(found.shape[:2]) / _MEDIAN


def signals(name: str, values: ArrayLike, least: int = 1) -> Array:
    """Return images or series as float64, channels first: (N, C, H, W) or (N, C, T), all sides at least `least` long.

    Raises
    ------
    DataError
        If they have another shape, or hold NaN or infinity.
    DataTypeError
        If they are not real numbers.

    Examples
    --------
    >>> signals("noisy", np.zeros((2, 50, 3))).shape
    (2, 3, 50)
    """
    array = numbers(name, values, "(N, C, H, W) or (N, T, C)")
    size = array.shape[2:] if array.ndim == 4 else array.shape[1:2]
    if array.ndim not in (3, 4) or 0 in array.shape or min(size) < least:
        raise DataError(
            f"{name} must have shape (N, C, H, W) of images or (N, T, C) of series, at least {least} long and wide; "
            f"got shape {array.shape}. Give a single image as x[None]."
        )
    points(name, array.reshape(len(array), -1))
    return array if array.ndim == 4 else np.moveaxis(array, 2, 1)


def pair(first: str, a: ArrayLike, second: str, b: ArrayLike) -> tuple[Array, Array]:
    """Return two arrays of the same shape as float64, a row for each sample: (N, D), (N, D).

    Raises
    ------
    DataError
        If they have different shapes, no samples, or hold NaN or infinity.
    DataTypeError
        If they are not real numbers.

    Examples
    --------
    >>> [each.shape for each in pair("truth", np.zeros((2, 3, 4)), "estimate", np.ones((2, 3, 4)))]
    [(2, 12), (2, 12)]
    """
    one, two = numbers(first, a, "(N, ...)"), numbers(second, b, "(N, ...)")
    if one.shape != two.shape or one.ndim < 2 or one.size == 0:
        raise DataError(
            f"{first} and {second} must have the same shape (N, ...), with at least one sample; got {one.shape} and "
            f"{two.shape}. Give a single sample as x[None]."
        )
    return points(first, one.reshape(len(one), -1)), points(second, two.reshape(len(two), -1))


def _details(found: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Return the finest details, of variance 1 if the noise has, and where nothing differs at all."""
    across = np.diff(found)
    if found.ndim == 3:
        return np.diff(across) / 6**0.5, (across[..., 1:] == 0) & (across[..., :-1] == 0)
    same = across == 0
    down = np.diff(found, axis=2)[..., 1:] == 0
    return np.diff(across, axis=2) / 2, same[:, :, 1:] & same[:, :, :-1] & down


def _decibels(power: Array, error: Array) -> Array:
    """Return 10·log₁₀(power / error), infinite where there is no error."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error == 0, np.inf, 10 * np.log10(power / error))
