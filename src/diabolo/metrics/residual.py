"""What denoising has removed, looked at without the truth: independent noise, or something that was signal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import uniform_filter1d

from diabolo.metrics.arrays import Array
from diabolo.metrics.restoration import noise_level, pair, signals

_AROUND = 5
"""Points along each axis that are around a point, itself among them."""

_SURE = 4.0
"""Standard errors from which on something is no chance: beyond them, independent noise lies once in 16,000 times."""

_TIED, _LOOSE = 0.05, -0.1
"""Correlations worth a sentence. The best removal leaves a little noise, mostly slow one: −0.03 for good filters."""

_BRIGHT = 0.1
_ROUNDING = 1e-12
_HEAVY = 1.0  # excess kurtosis
_SHIFTED = 0.05  # standard deviations
_LEFT = 0.8  # of the noise that the noisy data show


@dataclass(frozen=True)
class Measured:
    """A number, and its standard error if it is 0 but for chance.

    Examples
    --------
    >>> print(Measured(0.25, 0.01), Measured(-0.25, 0.01).beyond(-0.1), Measured(0.25, 0.2).beyond(0.1))
    0.25 ± 0.01 True False
    """

    value: float
    error: float

    def beyond(self, bound: float) -> bool:
        """Tell whether it lies farther from 0 than `bound`, on its side, and more than 4 standard errors."""
        sign = 1 if bound > 0 else -1
        return sign * self.value > max(sign * bound, _SURE * self.error)

    def __str__(self) -> str:
        return f"{self.value:.2g} ± {self.error:.1g}"


@dataclass(frozen=True, eq=False)
class Residual:
    """What was removed, noisy − denoised, in numbers that are about 0 if it was independent Gaussian noise.

    Parameters
    ----------
    mean, deviation : ndarray (C,)
        Mean and standard deviation of what was removed from each channel, in units of the data.
    count : int
        Points of a channel, over all samples.
    level : ndarray (C,)
        The noise that `noise_level` finds in the noisy data, root mean square over samples.
    autocorrelation : mapping of str to Measured
        Correlation of neighbours: "vertical" and "horizontal" ones of images, those in "time" of series.
    kurtosis : Measured
        Excess kurtosis within samples: 0 for Gaussian noise, large for a few large values.
    brightness : Measured
        Correlation within samples of the size of what was removed with the denoised mean of 5 (x 5) points around.
    structure : Measured
        That with their standard deviation: more is removed where there are edges and texture if they are removed.
    """

    mean: Array
    deviation: Array
    count: int
    level: Array
    autocorrelation: Mapping[str, Measured]
    kurtosis: Measured
    brightness: Measured
    structure: Measured

    def verdict(self) -> tuple[str, ...]:
        """Say what is wrong, a sentence for each thing; one that all is well if nothing is.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> clean = np.zeros((1, 400, 1))
        >>> residual_of(clean + rng.normal(size=clean.shape), clean).verdict()
        ('What was removed looks like independent noise of standard deviation 0.995.',)
        """
        if not self.deviation.any():
            return ("Nothing was removed but a constant: the denoised data are as noisy as the noisy ones.",)
        found = (*self._of_signal(), *self._of_noise())
        level = _listed(self.deviation)
        return found or (f"What was removed looks like independent noise of standard deviation {level}.",)

    def __str__(self) -> str:
        tied = ", ".join(f"{name} {value}" for name, value in self.autocorrelation.items())
        numbers = (
            f"removed: mean {_listed(self.mean)}, standard deviation {_listed(self.deviation)} (noise in noisy data: "
            f"{_listed(self.level)}); autocorrelation: {tied}; excess kurtosis: {self.kurtosis}; correlation of its "
            f"size with brightness: {self.brightness}, with structure: {self.structure}"
        )
        return "\n".join((numbers, *self.verdict()))

    def _of_signal(self) -> Iterator[str]:
        """Yield what tells that signal was removed, or noise was not."""
        tied = [f"{value} ({name})" for name, value in self.autocorrelation.items() if value.beyond(_TIED)]
        neighbours = f"; neighbours in it correlate: {', '.join(tied)}" if tied else ""
        if self.structure.beyond(_TIED):
            yield (
                f"Structure is left in what was removed: more was removed where the denoised signal varies "
                f"(correlation {self.structure}){neighbours}. Denoise less strongly, or train longer."
            )
        elif tied:
            yield (
                f"What was removed is not independent from point to point{neighbours}. Either the noise is so, and "
                f"training on noisy data alone needs a span over which it goes on, or fine texture was removed."
            )
        loose = [f"{value} ({name})" for name, value in self.autocorrelation.items() if value.beyond(_LOOSE)]
        if loose:
            yield f"The slow part of the noise is left: neighbours in what was removed correlate: {', '.join(loose)}."
        if self.structure.beyond(_LOOSE):
            yield f"Noise is left at edges and texture: less was removed there (correlation {self.structure})."
        if np.sqrt((self.deviation**2).sum()) < _LEFT * np.sqrt((self.level**2).sum()):
            yield (
                f"Noise may be left: what was removed has standard deviation {_listed(self.deviation)}, but the finest "
                f"detail of the noisy data is noise of {_listed(self.level)}, or texture."
            )

    def _of_noise(self) -> Iterator[str]:
        """Yield what tells that the noise is another one than independent Gaussian noise."""
        shift = np.abs(self.mean)
        if (shift > self.deviation * max(_SHIFTED, _SURE / self.count**0.5)).any():
            yield f"The denoised data are shifted: the mean of what was removed is {_listed(self.mean)}, not 0."
        if self.structure.beyond(_TIED) or self.structure.beyond(_LOOSE):
            return  # it is not noise alone, and what else there is says nothing about the noise
        for bound, more in ((_BRIGHT, "more"), (-_BRIGHT, "less")):
            if self.brightness.beyond(bound):
                yield (
                    f"There is {more} noise where the signal is large (correlation {self.brightness}), as in counts of "
                    f"photons or where values are cut off: train with such noise, as of PoissonNoise or Clip."
                )
        if self.kurtosis.beyond(_HEAVY):
            yield (
                f"A few large values were removed (excess kurtosis {self.kurtosis}): noise in single points, such as "
                f"dead pixels, or edges."
            )


def residual_of(noisy: ArrayLike, denoised: ArrayLike) -> Residual:
    """Look at what was removed from noisy images or series, without the truth.

    Perfect denoising removes the noise alone: of mean 0 and, where it is independent from point to point, without any
    order. What good denoisers leave of it shows little; what they should not have removed shows clearly. That nothing
    shows does not prove that all noise was removed.

    Parameters
    ----------
    noisy, denoised : array (N, C, H, W) or (N, T, C)
        Images or series of 3 points or more along each axis, and what was made of them.

    Returns
    -------
    Residual
        In numbers, with standard errors that hold for independent noise, also if its level varies; `verdict` tells in
        words what they mean.

    Raises
    ------
    DataError
        If the arrays are no images or series of the same shape, or hold NaN or infinity.
    DataTypeError
        If they hold something other than numbers.

    References
    ----------
    Buades, Coll, Morel, "A review of image denoising algorithms, with a new one", Multiscale Modeling & Simulation
    2005: method noise. White, "A heteroskedasticity-consistent covariance matrix estimator and a direct test for
    heteroskedasticity", Econometrica 1980: standard errors.

    Examples
    --------
    >>> steps = np.sign(np.sin(np.arange(2000) / 20)).reshape(1, 2000, 1)
    >>> noisy = steps + 0.1 * np.random.default_rng(0).normal(size=steps.shape)
    >>> smooth = uniform_filter1d(noisy, 31, axis=1)
    >>> print(residual_of(noisy, smooth).verdict()[0][:47])
    Structure is left in what was removed: more was
    """
    pair("noisy", noisy, "denoised", denoised)
    before, after = signals("noisy", noisy, 3), signals("denoised", denoised, 3)
    every = (0, *range(2, after.ndim))
    removed = before - after
    mean, deviation, kurtosis = removed.mean(every), _spread(removed, every).ravel(), _kurtosis(removed)
    z = _scaled(removed, every)
    del before, removed  # images may be large
    names = {3: ("time",), 4: ("vertical", "horizontal")}[after.ndim]
    tied = {name: _neighbours(z, axis) for axis, name in enumerate(names, 2)}
    size = _centred(np.abs(z, out=z), every[1:])
    brightness, structure = (_correlation(size, _centred(each, every[1:])) for each in _around(_scaled(after, every)))
    level = np.sqrt((noise_level(noisy) ** 2).mean(0))
    return Residual(mean, deviation, z[:, 0].size, level, tied, kurtosis, brightness, structure)


def _neighbours(z: Array, axis: int) -> Measured:
    steps = np.moveaxis(z, axis, -1)
    return _correlation(steps[..., 1:], steps[..., :-1])


def _correlation(a: Array, b: Array) -> Measured:
    """Return that of centred numbers; its error holds if one has no order, whatever variance each number has."""
    scale, product = float(np.linalg.norm(a) * np.linalg.norm(b)), a * b
    if not scale:
        return Measured(0, 0)
    return Measured(float(product.sum()) / scale, float(np.linalg.norm(product)) / scale)


def _kurtosis(removed: Array) -> Measured:
    """Return the excess kurtosis within samples, those left out where nothing or a constant was removed."""
    axes = tuple(range(2, removed.ndim))
    square = _scaled(removed, axes) ** 2
    count = np.count_nonzero(square.any(axes)) * square[0, 0].size
    return Measured(float(np.linalg.norm(square) ** 2 / count - 3), (24 / count) ** 0.5) if count else Measured(0, 0)


def _around(x: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of the points around each."""
    mean, square = x, x**2
    for axis in range(2, x.ndim):
        mean, square = (uniform_filter1d(each, _AROUND, axis, mode="nearest") for each in (mean, square))
    return mean, np.sqrt(np.maximum(square - mean**2, 0))


def _scaled(x: Array, axes: tuple[int, ...]) -> Array:
    """Return `x` with mean 0 and variance 1 over some axes, or 0 where it is constant."""
    spread = _spread(x, axes)
    return np.where(spread > 0, _centred(x, axes) / np.where(spread > 0, spread, 1.0), 0.0)


def _spread(x: Array, axes: tuple[int, ...]) -> Array:
    """Return the standard deviation over some axes, kept; 0 if it is but rounding."""
    spread = x.std(axes, keepdims=True)
    return np.where(spread > _ROUNDING * np.abs(x).max(axes, keepdims=True), spread, 0.0)


def _centred(x: Array, axes: tuple[int, ...]) -> Array:
    return x - x.mean(axes, keepdims=True)


def _listed(values: Array) -> str:
    return ", ".join(f"{value:.3g}" for value in values)
