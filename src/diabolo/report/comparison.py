"""Errors of several models, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from diabolo.errors import DataError
from diabolo.report.canvas import BLUE, GREY, INK, blank, plain, title, words

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def comparison(errors: Mapping[str, float], quantity: str = "mean squared error") -> Figure:
    """Draw one horizontal bar per name, the least error first and in colour.

    Parameters
    ----------
    errors : dict of float
        What each name got; an error that is not finite has no bar, comes last and is printed.
    quantity : str
        What the errors are.

    Raises
    ------
    DataError
        If there are no errors.
    CapabilityError
        If matplotlib is not installed.

    Examples
    --------
    >>> axes = comparison({"PCA": 0.3, "autoencoder": 0.2}).axes[0]
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['autoencoder', 'PCA']
    """
    if not errors:
        raise DataError("comparison needs at least one error; got none.")
    ranked = sorted(errors.items(), key=lambda item: (not math.isfinite(item[1]), item[1]))
    lengths = [value if math.isfinite(value) else 0.0 for _, value in ranked]
    figure = blank(6, 0.32 * len(ranked) + 1.0)
    axes = plain(figure.add_subplot(), quantity)
    bars = axes.barh(range(len(ranked)), lengths, height=0.62, color=[BLUE] + [GREY] * (len(ranked) - 1))
    axes.bar_label(bars, [f"{value:.4g}" for _, value in ranked], padding=4, fontsize=8, color=INK)
    axes.set_yticks(range(len(ranked)), [words(name) for name, _ in ranked])
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.grid(False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(bottom=False, labelbottom=False, left=False)
    title(axes, "The lower, the better")
    return figure
