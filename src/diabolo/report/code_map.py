"""A map of the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diabolo.errors import DataError
from diabolo.report.canvas import BLUE, CLASSES, GRADIENT, INK, blank, plain, scale_bar, title, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST = 5000


def code_map(code: np.ndarray, colour: np.ndarray | None = None) -> Figure:
    """Draw codes as points of a plane: a code of two as it is, a wider one on its first two principal axes.

    A code of one number is drawn against the number of the sample. Of many samples an even selection of 5,000 is drawn.

    Parameters
    ----------
    code : ndarray (N, n)
        Codes; samples whose code is not finite are left out.
    colour : ndarray (N,), optional
        A label or a number for each sample: up to ten different labels are classes, more numbers a gradient.

    Raises
    ------
    DataError
        If there is no finite code, or not one colour for each, or more than ten labels that are no numbers.
    CapabilityError
        If matplotlib is not installed.

    References
    ----------
    Pearson, "On lines and planes of closest fit to systems of points in space", 1901: the principal axes.

    Examples
    --------
    >>> import numpy as np
    >>> code_map(np.eye(4)).axes[0].get_title(loc="left")
    'The code on its first two principal axes (67 % of its variance)'
    """
    if code.ndim != 2 or code.shape[1] == 0 or (colour is not None and colour.shape != (len(code),)):
        got = "no colours" if colour is None else colour.shape
        raise DataError(f"code_map needs codes (N, n) and colours (N,); got {code.shape} and {got}.")
    finite = np.flatnonzero(np.isfinite(code).all(1))
    if not finite.size:
        raise DataError("code_map needs at least one finite code; got none.")
    step = -(-len(finite) // _MOST)
    points, names, text = _plane(code[finite].astype(np.float64))
    figure = blank(6, 4.6)
    axes = plain(figure.add_subplot(), *names)
    axes.grid(False)
    title(axes, text)
    _scatter(figure, axes, points[::step], None if colour is None else colour[finite][::step])
    return figure


def _plane(code: np.ndarray) -> tuple[np.ndarray, tuple[str, str], str]:
    """Return points (N, 2), the names of their axes and a title."""
    if code.shape[1] == 1:
        return np.column_stack([np.arange(len(code)), code]), ("sample", "code 0"), "The code"
    if code.shape[1] == 2:
        return code, ("code 0", "code 1"), "The code"
    centred = code - code.mean(0)
    variances, axes = np.linalg.eigh(centred.T @ centred)  # rising
    share = 100 * variances[-2:].sum() / (variances.sum() or 1.0)
    text = f"The code on its first two principal axes ({share:.0f} % of its variance)"
    return centred @ axes[:, :-3:-1], ("principal axis 1", "principal axis 2"), text


def _scatter(figure: Figure, axes: Axes, points: np.ndarray, colour: np.ndarray | None) -> None:
    size = 5 + 40 / (1 + len(points) / 200)
    if colour is None:
        axes.scatter(*points.T, s=size, color=BLUE, alpha=0.6, linewidths=0, rasterized=True)
        return
    labels = np.unique(colour.astype(str) if colour.dtype.kind in "OUS" else colour)
    if len(labels) <= len(CLASSES):
        _classes(axes, points, colour, labels, size)
        return
    if colour.dtype.kind not in "biuf":
        raise DataError(f"code_map takes up to {len(CLASSES)} labels; got {len(labels)}. Group them, or pass numbers.")
    drawn = axes.scatter(*points.T, c=colour, cmap=GRADIENT, s=size, alpha=0.8, linewidths=0, rasterized=True)
    scale_bar(figure, drawn, axes)


def _classes(axes: Axes, points: np.ndarray, colour: np.ndarray, labels: np.ndarray, size: float) -> None:
    for label, paint in zip(labels, CLASSES, strict=False):
        chosen = points[(colour.astype(labels.dtype) == label)]
        axes.scatter(*chosen.T, s=size, color=paint, alpha=0.75, linewidths=0, label=words(label), rasterized=True)
    axes.legend(
        frameon=False,
        fontsize=8,
        labelcolor=INK,
        loc="upper left",
        bbox_to_anchor=(1, 1),
        handletextpad=0.2,
        markerscale=1.5,
    )
