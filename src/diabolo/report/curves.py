"""How a run went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from diabolo.check import unknown
from diabolo.errors import DataError
from diabolo.report.canvas import CLASSES, blank, counted, legend, logarithmic, plain, title, words

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def curves(columns: Mapping[str, Sequence[float]], drawn: Sequence[str] = ("loss", "held_out")) -> Figure:
    """Draw columns of a history against the epoch, on a logarithmic axis if they fall a long way.

    Parameters
    ----------
    columns : dict of sequence of float
        The columns, with "epoch" or else numbered from 1; missing values (NaN) are passed over.
    drawn : sequence of str
        The columns to draw, of which at least one must be there.

    Raises
    ------
    DataError
        If no column to draw is there, or one is not as long as "epoch".
    CapabilityError
        If matplotlib is not installed.

    Examples
    --------
    >>> figure = curves({"epoch": [1, 2], "loss": [2.0, 1.0], "held_out": [2.5, 1.5]})
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['loss', 'held out']
    """
    names = [name for name in drawn if len(columns.get(name, ()))]
    if not names:
        raise DataError(f"curves: {unknown('column', drawn[0] if drawn else '', columns)}")
    epochs = np.asarray(columns.get("epoch", range(1, len(columns[names[0]]) + 1)))
    figure = blank(6, 3.4)
    axes = plain(figure.add_subplot(), "epoch", "loss per sample")
    for name, colour in zip(names, CLASSES, strict=False):
        values = np.asarray(columns[name], dtype=np.float64)
        if len(values) != len(epochs):
            raise DataError(f"curves: column {name!r} has {len(values)} values for {len(epochs)} epochs.")
        there = np.isfinite(values)
        marker = "o" if there.sum() < 10 else ""
        label = words(name.replace("_", " "))
        axes.plot(epochs[there], values[there], color=colour, linewidth=1.4, marker=marker, markersize=3.5, label=label)
    if _falls_far([columns[name] for name in names]):
        logarithmic(axes)
    counted(axes.xaxis)
    title(axes, "Training")
    legend(axes)
    return figure


def _falls_far(values: Sequence[Sequence[float]]) -> bool:
    every = np.concatenate([np.asarray(v, dtype=np.float64) for v in values])
    every = every[np.isfinite(every)]
    return bool(every.size and every.min() > 0 and every.max() > 20 * every.min())
