"""Baselines: new series without a model to speak of, which a generator has to beat."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from diabolo.check import Maybe, Number, Whole, demand
from diabolo.metrics.arrays import Array, windows

_ORDERS = 8
"""Highest order that is tried."""

_STABLE = 0.999
"""Largest modulus of a root: with larger ones, series explode."""


def bootstrapped(series: ArrayLike, count: int, block: int | None = None, jitter: float = 0.05, seed: int = 0) -> Array:
    """Return new series put together from blocks of given ones, with noise.

    A block keeps its place in time, so that what is common to all series, such as the course of a heartbeat, stays; it
    comes from any of them. Where blocks meet differs from series to series.

    Parameters
    ----------
    series : array (N, T, C)
        Given series; of one long series, its windows.
    count : int
        How many to make.
    block : int, optional
        Length of a block, at most T; by default ⌈√T⌉. With T, blocks are whole series or two halves.
    jitter : float
        Standard deviation of normal noise, in standard deviations of the channel.
    seed : int
        Of the draws.

    Returns
    -------
    ndarray (count, T, C)
        Float64.

    Raises
    ------
    ParameterError
        If `count`, `block`, `jitter` or `seed` is outside what is allowed.
    DataError
        If `series` is not of shape (N, T, C), or holds NaN or infinity.
    DataTypeError
        If it holds something other than numbers.

    References
    ----------
    Künsch, "The jackknife and the bootstrap for general stationary observations", Annals of Statistics, 1989.

    Examples
    --------
    >>> series = np.arange(6.0).reshape(2, 3, 1)  # 0, 1, 2 and 3, 4, 5
    >>> bootstrapped(series, 3, block=1, jitter=0, seed=1)[..., 0]
    array([[0., 4., 5.],
           [3., 1., 2.],
           [3., 4., 2.]])
    """
    x = windows("series", series)
    demand("count", "bootstrapped", count, Whole(1))
    demand("block", "bootstrapped", block, Maybe(Whole(1, x.shape[1]), "the root of the number of steps"))
    demand("jitter", "bootstrapped", jitter, Number(0))
    demand("seed", "bootstrapped", seed, Whole(0))
    draw = np.random.default_rng(seed)
    time, size = np.arange(x.shape[1]), block or math.ceil(math.sqrt(x.shape[1]))
    place = (time + draw.integers(size, size=(count, 1))) // size  # (count, T): which block a step belongs to
    source = draw.integers(len(x), size=(count, int(place.max()) + 1))
    made = x[np.take_along_axis(source, place, 1), time]
    return made + jitter * x.std((0, 1)) * draw.standard_normal(made.shape)


def autoregressive(series: ArrayLike, count: int, order: int | None = None, seed: int = 0) -> Array:
    """Return new series of a vector autoregression: xₜ = c + Σ Aₗ xₜ₋ₗ + εₜ with normal ε.

    The coefficients are of least squares over all series. New series begin as given ones do, with as many steps as the
    order. An autoregression that explodes is damped, so that no root has a modulus above 0.999.

    Parameters
    ----------
    series : array (N, T, C)
        Given series.
    count : int
        How many to make.
    order : int, optional
        Number of lags, less than T; by default the one of the least BIC, of at most 8 and a third of T.
    seed : int
        Of the draws.

    Returns
    -------
    ndarray (count, T, C)
        Float64.

    Raises
    ------
    ParameterError
        If `count`, `order` or `seed` is outside what is allowed.
    DataError
        If `series` is not of shape (N, T, C), or holds NaN or infinity.
    DataTypeError
        If it holds something other than numbers.

    References
    ----------
    Lütkepohl, "New introduction to multiple time series analysis", 2005, chapters 3 and 4.

    Examples
    --------
    >>> autoregressive([[[8.0], [4.0], [2.0], [1.0]], [[-8.0], [-4.0], [-2.0], [-1.0]]], 1, order=1)[0, :, 0].round(3)
    array([-8., -4., -2., -1.])
    """
    x = windows("series", series)
    demand("count", "autoregressive", count, Whole(1))
    demand("order", "autoregressive", order, Maybe(Whole(1, x.shape[1] - 1), "the best by BIC"))
    demand("seed", "autoregressive", seed, Whole(0))
    mean, scale = x.mean((0, 1)), x.std((0, 1))
    scale = np.where(scale > 1e-12 * np.abs(mean), scale, 1)
    z = (x - mean) / scale
    lags = _best(z) if order is None else order
    matrices, level, noise = _fitted(z, lags, lags)
    values, vectors = np.linalg.eigh(noise)
    root = vectors * np.sqrt(np.maximum(values, 0))
    draw = np.random.default_rng(seed)
    made = np.empty((count, *x.shape[1:]))
    made[:, :lags] = z[draw.integers(len(z), size=count), :lags]
    for t in range(lags, x.shape[1]):
        past = made[:, t - lags : t].reshape(count, -1)
        made[:, t] = level + past @ matrices + draw.standard_normal((count, len(root))) @ root.T
    return mean + scale * made


def _best(z: Array) -> int:
    """Return the order of the least BIC; all orders explain the same steps."""
    most = min(_ORDERS, max(1, z.shape[1] // 3))
    steps = len(z) * (z.shape[1] - most)
    found = []
    for order in range(1, most + 1):
        noise = _fitted(z, order, most)[2]
        size = np.linalg.slogdet(noise + 1e-12 * np.eye(len(noise)))[1]  # no noise would have an infinite logarithm
        found.append((steps * size + order * len(noise) ** 2 * math.log(steps), order))
    return min(found)[1]


def _fitted(z: Array, order: int, start: int) -> tuple[Array, Array, Array]:
    """Return matrices (order * C, C), the oldest lag first, constant (C,), and covariance of the noise (C, C).

    Explained are the steps from `start` on.
    """
    steps, channels = z.shape[1:]
    past = np.concatenate([z[:, start - lag : steps - lag] for lag in range(order, 0, -1)], axis=2)
    past, now = past.reshape(-1, order * channels), z[:, start:].reshape(-1, channels)
    solved = np.linalg.lstsq(past - past.mean(0), now - now.mean(0), rcond=1e-10)[0]
    matrices = _damped(np.asarray(solved, dtype=np.float64), order)
    rest = now - past @ matrices
    level = rest.mean(0)
    return matrices, level, (rest - level).T @ (rest - level) / len(rest)


def _damped(matrices: Array, order: int) -> Array:
    """Return matrices (order * C, C) with every root within `_STABLE`: a lag of l is damped to the power of l."""
    channels = matrices.shape[1]
    companion = np.eye(order * channels, k=-channels)  # from the last steps in a row to those one later
    companion[:, -channels:] = matrices
    largest = np.abs(np.linalg.eigvals(companion)).max()
    if largest <= _STABLE:
        return matrices
    powers = np.repeat(np.arange(order, 0, -1), channels)
    return matrices * (_STABLE / largest) ** powers[:, None]
