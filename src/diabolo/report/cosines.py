"""How the atoms of a dictionary lie to one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from diabolo.errors import DataError
from diabolo.report.canvas import BLUE, DIVERGING, blank, plain, scale_bar, title, words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BARS = 40


def nearest(cosines: np.ndarray) -> Figure:
    """Draw a histogram of the cosine between each atom and the other one nearest to it.

    Raises
    ------
    DataError
        If there are none, or one is no cosine.
    CapabilityError
        If matplotlib is not installed.

    Examples
    --------
    >>> nearest(np.array([0.2, 0.95, 0.95])).axes[0].get_title(loc="left")
    '2 of 3 atoms have another within a cosine of 0.9'
    """
    if cosines.ndim != 1 or not cosines.size or not (np.abs(cosines) <= 1 + 1e-6).all():
        raise DataError(f"nearest needs cosines (n,), each in [-1, 1]; got an array of shape {cosines.shape}.")
    figure = blank(6, 2.6)
    axes = plain(figure.add_subplot(), "cosine to the nearest other atom", "atoms")
    axes.hist(cosines.clip(-1, 1), np.linspace(min(0.0, cosines.min()), 1, _BARS + 1).tolist(), color=BLUE, rwidth=0.95)
    title(axes, f"{int((cosines > 0.9).sum())} of {len(cosines)} atoms have another within a cosine of 0.9")
    return figure


def cosine_map(cosines: np.ndarray, names: Sequence[object]) -> Figure:
    """Draw the cosines (m, m) between some atoms as a heat map, with a name for each.

    Raises
    ------
    DataError
        If they are not a square with a name for each row.
    CapabilityError
        If matplotlib is not installed.

    Examples
    --------
    >>> [label.get_text() for label in cosine_map(np.eye(2), [3, 5]).axes[0].get_yticklabels()]
    ['3', '5']
    """
    if cosines.ndim != 2 or cosines.shape != (len(names),) * 2 or not len(names):
        raise DataError(
            f"cosine_map needs cosines (m, m) and m names; got an array of shape {cosines.shape} and {len(names)}."
        )
    size = 2.0 + 0.16 * len(names)
    figure = blank(size + 0.8, size)
    axes = plain(figure.add_subplot())
    axes.grid(False)
    drawn = axes.imshow(cosines, cmap=DIVERGING, vmin=-1, vmax=1, interpolation="nearest")
    labels = [words(name, 12) for name in names]
    axes.set_xticks(range(len(names)), labels, rotation=90)
    axes.set_yticks(range(len(names)), labels)
    axes.tick_params(labelsize=6)
    scale_bar(figure, drawn, axes, "cosine")
    return figure
