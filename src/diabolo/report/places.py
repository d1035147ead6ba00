"""Where something is unusual: heat maps over images, and the course of a series with its energy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diabolo.errors import DataError
from diabolo.report.canvas import BLUE, GREY, INK, ORANGE, blank, picture, plain, scale_bar

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PICTURES, _CHANNELS, _POINTS = 8, 6, 4000
_HEAT = "inferno"

Array = NDArray[np.float64]


def heat(images: Sequence[NDArray[np.generic]], maps: Sequence[Array], threshold: float) -> Figure:
    """Draw images (C, H, W) of any size above their energies (H, W), of which those above the threshold are lightest.

    Raises
    ------
    DataError
        If there are no images, or not a map of its size for each.
    CapabilityError
        If matplotlib is not installed.

    Examples
    --------
    >>> figure = heat([np.zeros((1, 4, 6))], [np.ones((4, 6))], 2.0)
    >>> len(figure.axes)  # an image, its map, and the scale
    3
    """
    if not len(images) or [image.shape[1:] for image in images] != [each.shape for each in maps]:
        raise DataError(
            "heat needs images (C, H, W) and a map (H, W) of each; got shapes "
            f"{[image.shape for image in images][:3]} and {[each.shape for each in maps][:3]}."
        )
    images, maps = images[:_PICTURES], maps[:_PICTURES]
    figure = blank(1.4 * len(images) + 1, 3.4)
    grid = figure.subplots(2, len(images), squeeze=False)
    low, high = min(float(each.min()) for each in maps), max(threshold, *(float(each.max()) for each in maps))
    for axes, image, each in zip(grid.T, images, maps, strict=True):
        picture(axes[0], _pixels(image))
        picture(axes[1], each, _HEAT, (low, high))
        if min(each.shape) > 1 and each.min() < threshold < each.max():
            axes[1].contour(each, [threshold], colors="white", linewidths=0.6)
    scale_bar(figure, grid[1, 0].images[0], grid[1].tolist(), "energy, in nats")
    return figure


def course(x: NDArray[np.generic], energies: Array, threshold: float, names: Sequence[str]) -> Figure:
    """Draw a series (T, C) and, below it, the energies (T,) of its points, with those above the threshold shaded.

    Of long series, each pixel shows the extremes of what it stands for.

    Raises
    ------
    DataError
        If there are not as many energies as points, or names as channels.
    CapabilityError
        If matplotlib is not installed.

    Examples
    --------
    >>> figure = course(np.zeros((50, 2)), np.ones(50), 2.0, ["a", "b"])
    >>> len(figure.axes)  # two channels and the energy
    3
    """
    if x.ndim != 2 or energies.shape != x.shape[:1] or len(names) != x.shape[1]:
        raise DataError(
            "course needs a series (T, C), energies (T,) and a name for each channel; got shapes "
            f"{x.shape}, {energies.shape} and {len(names)} names."
        )
    channels = min(x.shape[1], _CHANNELS)
    figure = blank(9, 1.0 * channels + 2.2)
    rows = figure.subplots(channels + 1, 1, squeeze=False, sharex=True, height_ratios=[1] * channels + [1.6])[:, 0]
    lines = [*x.T[:channels].astype(np.float64), energies]
    for axes, line, name in zip(rows, lines, [*names[:channels], "energy, in nats"], strict=True):
        plain(axes, "point" if axes is rows[-1] else "", name)
        axes.plot(*_thinned(line), color=BLUE if axes is rows[-1] else GREY, linewidth=0.8)
        for start, end in _runs(energies > threshold):
            axes.axvspan(start - 0.5, end - 0.5, color=ORANGE, alpha=0.25, linewidth=0)
    rows[-1].axhline(threshold, color=INK, linewidth=0.8)
    rows[-1].set_yscale("symlog", linthresh=max(float(np.median(energies)), 1e-9))
    return figure


def _pixels(image: NDArray[np.generic]) -> Array:
    """Return an image within [0, 1] as (H, W) or (H, W, 3)."""
    values = image.astype(np.float64)
    low, high = float(values.min()), float(values.max())
    values = (values - low) / ((high - low) or 1.0)
    return np.moveaxis(values, 0, -1) if len(values) == 3 else values.mean(0)


def _thinned(line: Array) -> tuple[Array, Array]:
    """Return points to draw: of a long line, the extremes of each of some stretches."""
    if len(line) <= _POINTS:
        return np.arange(len(line), dtype=np.float64), line
    stretches = np.array_split(np.arange(len(line)), _POINTS // 2)
    low, high = (np.where(np.isnan(line), end, line) for end in (np.inf, -np.inf))
    ends = [sorted({s[0] + int(low[s].argmin()), s[0] + int(high[s].argmax())}) for s in stretches]
    index = np.concatenate(ends)
    return index.astype(np.float64), line[index]


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.pad(flags.astype(np.int8), 1))).reshape(-1, 2)
    return [(int(start), int(end)) for start, end in edges]
