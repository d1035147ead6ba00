"""Inputs beside their reconstructions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np

from diabolo.check import unknown
from diabolo.errors import DataError, ParameterError
from diabolo.report.canvas import DIVERGING, GREY, INK, ORANGE, blank, counted, picture, plain, scale_bar, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

_PICTURES, _SERIES, _CHANNELS, _ROWS = 10, 4, 3, 32


def pairs(x: np.ndarray, rebuilt: np.ndarray, kind: Literal["table", "series", "images"]) -> Figure:
    """Draw the first samples beside their reconstructions.

    Images become three rows of pictures: input, reconstruction, and their difference, red where the reconstruction is
    too bright. Series become lines. Tables become three heat maps in standard deviations of each input column.

    Parameters
    ----------
    x, rebuilt : ndarray (N, *shape)
        Samples and reconstructions.
    kind : "table", "series" or "images"
        What the samples are.

    Raises
    ------
    ParameterError
        If the kind is unknown.
    DataError
        If the shapes differ, do not fit the kind, or there are no samples.
    CapabilityError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).random((12, 1, 8, 8))
    >>> len(pairs(x, x, "images").axes)  # three rows of ten pictures
    30
    """
    if kind not in _DRAWN:
        raise ParameterError(f"pairs: {unknown('kind', kind, _DRAWN)}")
    axes, draw = _DRAWN[kind]
    if x.shape != rebuilt.shape or x.ndim != axes or x.size == 0:
        raise DataError(
            f"pairs needs samples and reconstructions of one shape, with {axes} axes for {kind}; "
            f"got {x.shape} and {rebuilt.shape}."
        )
    return draw(x.astype(np.float64), rebuilt.astype(np.float64))


def _images(x: np.ndarray, rebuilt: np.ndarray) -> Figure:
    x, rebuilt = x[:_PICTURES], rebuilt[:_PICTURES]
    low, high = float(np.nanmin(x)), float(np.nanmax(x))
    unit = (high - low) or 1.0
    far = float(np.nanmax(np.abs(rebuilt - x))) or 1.0
    height = 3 * x.shape[2] / x.shape[3]
    figure = blank(0.9 * len(x) + 0.9, min(max(0.9 * height + 0.2, 1.5), 12))
    grid = figure.subplots(3, len(x), squeeze=False)
    for i in range(len(x)):
        picture(grid[0, i], _pixels((x[i] - low) / unit))
        picture(grid[1, i], _pixels((rebuilt[i] - low) / unit))
        picture(grid[2, i], (rebuilt[i] - x[i]).mean(0), DIVERGING, (-far, far))
    for axes, name in zip(grid[:, 0], ("input", "reconstruction", "difference"), strict=True):
        axes.text(-0.12, 0.5, name, transform=axes.transAxes, ha="right", va="center", fontsize=9, color=INK)
    return figure


def _pixels(image: np.ndarray) -> np.ndarray:
    image = np.nan_to_num(image.clip(0, 1))
    return np.moveaxis(image, 0, -1) if len(image) == 3 else image.mean(0)


def _series(x: np.ndarray, rebuilt: np.ndarray) -> Figure:
    samples, channels = min(len(x), _SERIES), min(x.shape[2], _CHANNELS)
    figure = blank(max(3.0 * channels, 6), 1.3 * samples + 0.6)
    grid = figure.subplots(samples, channels, squeeze=False, sharex=True)
    for i in range(samples):
        for c in range(channels):
            axes = plain(grid[i, c], "step" if i == samples - 1 else "", f"sample {i}" if c == 0 else "")
            axes.plot(x[i, :, c], color=GREY, linewidth=1.6, label="input")
            axes.plot(rebuilt[i, :, c], color=ORANGE, linewidth=1.1, label="reconstruction")
    for c in range(channels):
        title(grid[0, c], f"channel {c}" if x.shape[2] > 1 else "")
    lines, names = grid[0, 0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside upper right", ncols=2, frameon=False, fontsize=8, labelcolor=INK)
    return figure


def _table(x: np.ndarray, rebuilt: np.ndarray) -> Figure:
    known = np.ma.masked_invalid(x)
    shift, spread = np.ma.filled(known.mean(0), 0.0), np.ma.filled(known.std(0), 0.0)
    scale = np.where(spread > 0, spread, 1)
    first, second = (x[:_ROWS] - shift) / scale, (rebuilt[:_ROWS] - shift) / scale
    figure = blank(9.5, 1.4 + 0.09 * len(first))
    row = figure.subplots(1, 3, sharey=True)
    shown = [
        _heat(axes, name, values)
        for axes, name, values in zip(
            row, ("input", "reconstruction", "difference"), (first, second, second - first), strict=True
        )
    ]
    row[0].set_ylabel("sample", color=INK, fontsize=9)
    scale_bar(figure, shown[0], row, "standard deviations of the column")
    return figure


def _heat(axes: Axes, name: str, values: np.ndarray) -> AxesImage:
    plain(axes, "column").grid(False)
    axes.spines[["left", "bottom"]].set_visible(False)
    counted(axes.xaxis)
    counted(axes.yaxis)
    title(axes, name)
    return axes.imshow(values, cmap=DIVERGING, vmin=-3, vmax=3, aspect="auto", interpolation="nearest")


_DRAWN: dict[str, tuple[int, Callable[[np.ndarray, np.ndarray], Figure]]] = {
    "table": (2, _table),
    "series": (3, _series),
    "images": (4, _images),
}
