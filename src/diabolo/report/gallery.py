"""Samples side by side: new ones in a grid, and walks through the code, a row for each.

Pictures are tiles of one sheet: axes for each would take most of the time of a report.
"""

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
_GAP = 0.08
"""White between pictures, in shares of their longer side."""
_SIDE = 256
"""Pixels of a picture that are drawn each way, at most: more than its place on the page has."""


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
    >>> len(gallery(np.zeros((30, 20, 1)), "series").axes)
    12
    """
    _demand("gallery", samples, kind, 0)
    if kind == "images":
        return _sheet(samples[: _ACROSS * _DOWN], _ACROSS, ())
    across, down = _SERIES
    samples = samples[: across * down].astype(np.float64)
    figure, panels = _panels(len(samples), across, 2.4, 1.44)
    for axes, lines in zip(panels, samples, strict=True):
        axes.plot(lines, linewidth=1.0)
    return figure


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
        return _sheet(samples.reshape(-1, *samples.shape[2:]), samples.shape[1], names[:_WALKS])
    figure, panels = _panels(len(samples), min(len(samples), 3), 3.0, 1.6)
    for axes, walk, name in zip(panels, samples, names, strict=False):
        _bundle(axes, walk[:, :, 0], name)
    return figure


def _sheet(images: np.ndarray, across: int, names: Sequence[str]) -> Figure:
    """Draw images (N, C, H, W), in one range of grey, as tiles of one picture, and a name beside each row."""
    step = -(-max(images.shape[2:]) // _SIDE)
    images = images[:, :, ::step, ::step].astype(np.float64)
    height, width, down = *images.shape[2:], -(-len(images) // across)
    gap = max(1, round(_GAP * max(height, width)))
    low, top = float(np.nanmin(images)), float(np.nanmax(images))
    tiles = np.ones((down, height + gap, across, width + gap, 3), np.float32)  # white where there is none
    for i, image in enumerate(images):
        tile = _pixels((image - low) / ((top - low) or 1.0))
        tiles[i // across, :height, i % across, :width] = np.nan_to_num(tile, nan=1.0)
    figure = blank(0.75 * across + (1.2 if names else 0.1), min(0.75 * height / width * down + 0.2, 14))
    axes = figure.subplots()
    picture(axes, tiles.reshape(down * (height + gap), across * (width + gap), 3)[:-gap, :-gap])
    if names:
        axes.set_axis_on()
        axes.set_anchor("W")  # else the room beside is measured from where the sheet will not be
        axes.spines[:].set_visible(False)
        axes.set_xticks([])
        axes.set_yticks([row * (height + gap) + height / 2 for row in range(len(names))], names)
        axes.tick_params(length=0, labelsize=8, labelcolor=INK)
    return figure


def _panels(count: int, across: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure with `count` axes, so many across, for each of which there are so many inches."""
    down = -(-count // across)
    figure = blank(width * across + 0.1, min(height * down + 0.2, 14))
    grid = figure.subplots(down, across, squeeze=False).ravel()
    for axes in grid[count:]:
        axes.set_axis_off()
    return figure, [plain(axes) for axes in grid[:count]]


def _bundle(axes: Axes, lines: np.ndarray, name: str) -> None:
    from matplotlib import colormaps

    for line, colour in zip(lines, colormaps[GRADIENT](np.linspace(0, 0.9, len(lines))), strict=True):
        axes.plot(line, color=colour if len(lines) > 1 else BLUE, linewidth=1.0)
    title(axes, name)


def _pixels(image: np.ndarray) -> np.ndarray:
    """Return an image (C, H, W) as colours (H, W, 3), or as greys (H, W, 1)."""
    return np.moveaxis(image, 0, -1) if len(image) == 3 else image.mean(0)[:, :, None]


def _demand(owner: str, samples: np.ndarray, kind: str, more: int) -> None:
    axes = {"series": 3, "images": 4}.get(kind)
    if axes is None or samples.ndim != axes + more or samples.size == 0:
        raise DataError(f"{owner} needs samples of kind 'series' or 'images'; got {samples.shape} of kind {kind!r}.")
