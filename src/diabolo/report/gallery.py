"""Samples side by side: new ones in a grid, and walks through the code, a row for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from diabolo.errors import DataError
from diabolo.report.canvas import BLUE, GRADIENT, INK, blank, picture, plain, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ACROSS, _DOWN = 12, 6
_SERIES = (4, 3)
_WALKS = 12


def gallery(samples: np.ndarray, kind: Literal["series", "images"]) -> Figure:
    """Draw samples (N, *shape) in a grid: the first 72 images, or the first 12 series.

    Raises
    ------
    DataError
        If there are no samples, or they do not fit the kind.
    CapabilityError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> len(gallery(np.zeros((30, 1, 8, 8)), "images").axes)
    36
    """
    _demand("gallery", samples, kind, 0)
    across, down = (_ACROSS, _DOWN) if kind == "images" else _SERIES
    samples = samples[: across * down].astype(np.float64)
    down = -(-len(samples) // across)
    return _grid(samples, kind, across, down, ())


def walks(samples: np.ndarray, kind: Literal["series", "images"], names: Sequence[str]) -> Figure:
    """Draw walks (W, V, *shape), the first twelve: images as rows of pictures, series as bundles of lines.

    Raises
    ------
    DataError
        If there are no walks, they do not fit the kind, or have not one name each.
    CapabilityError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> len(walks(np.zeros((2, 7, 20, 1)), "series", ["dimension 0", "dimension 3"]).axes)
    2
    """
    _demand("walks", samples, kind, 1)
    if len(names) != len(samples):
        raise DataError(f"walks needs one name for each of {len(samples)} walks; got {len(names)}.")
    samples = samples[:_WALKS].astype(np.float64)
    if kind == "images":
        return _grid(samples.reshape(-1, *samples.shape[2:]), kind, samples.shape[1], len(samples), names)
    across = min(len(samples), 3)
    figure = blank(3.0 * across, 1.6 * -(-len(samples) // across) + 0.3)
    grid = figure.subplots(-(-len(samples) // across), across, squeeze=False).ravel()
    for axes, walk, name in zip(grid, samples, names, strict=False):
        _bundle(plain(axes), walk[:, :, 0], name)
    for axes in grid[len(samples) :]:
        axes.set_axis_off()
    return figure


def _grid(samples: np.ndarray, kind: str, across: int, down: int, names: Sequence[str]) -> Figure:
    shape = samples.shape[1:]
    high = shape[1] / shape[2] if kind == "images" else 0.6
    size = 0.75 if kind == "images" else 2.4
    figure = blank(size * across + (1.2 if names else 0.1), min(size * high * down + 0.2, 14))
    grid = figure.subplots(down, across, squeeze=False)
    low, top = float(np.nanmin(samples)), float(np.nanmax(samples))
    for i, axes in enumerate(grid.ravel()):
        if i >= len(samples):
            axes.set_axis_off()
        elif kind == "images":
            picture(axes, _pixels((samples[i] - low) / ((top - low) or 1.0)))
        else:
            plain(axes).plot(samples[i], linewidth=1.0)
    for axes, name in zip(grid[:, 0], names, strict=False):
        axes.text(-0.12, 0.5, name, transform=axes.transAxes, ha="right", va="center", fontsize=8, color=INK)
    return figure


def _bundle(axes: Axes, lines: np.ndarray, name: str) -> None:
    from matplotlib import colormaps

    for line, colour in zip(lines, colormaps[GRADIENT](np.linspace(0, 0.9, len(lines))), strict=True):
        axes.plot(line, color=colour if len(lines) > 1 else BLUE, linewidth=1.0)
    title(axes, name)


def _pixels(image: np.ndarray) -> np.ndarray:
    return np.moveaxis(image, 0, -1) if len(image) == 3 else image.mean(0)


def _demand(owner: str, samples: np.ndarray, kind: str, more: int) -> None:
    axes = {"series": 3, "images": 4}.get(kind)
    if axes is None or samples.ndim != axes + more or samples.size == 0:
        raise DataError(f"{owner} needs samples of kind 'series' or 'images'; got {samples.shape} of kind {kind!r}.")
