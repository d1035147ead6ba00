"""What each dimension of a code costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diabolo.errors import DataError
from diabolo.report.canvas import BLUE, GREY, blank, counted, plain, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def units(costs: np.ndarray, idle: float = 0.01) -> Figure:
    """Draw one bar per dimension of a code, the dearest first; those that cost less than `idle` are grey.

    Parameters
    ----------
    costs : ndarray (n,)
        Mean KL divergence from the prior, in nats.
    idle : float
        Below it a dimension has collapsed.

    Raises
    ------
    DataError
        If there are no finite costs.
    CapabilityError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> units(np.array([0.001, 2.0])).axes[0].get_title(loc="left")
    '1 of 2 dimensions in use, 2.001 nats'
    """
    if costs.ndim != 1 or not costs.size or not np.isfinite(costs).all():
        raise DataError(f"units needs finite costs (n,); got {costs.shape}.")
    ranked = np.sort(costs)[::-1]
    figure = blank(6, 2.6)
    axes = plain(figure.add_subplot(), "dimension, by cost", "nats")
    axes.bar(np.arange(len(ranked)), ranked, color=[BLUE if cost >= idle else GREY for cost in ranked])
    counted(axes.xaxis)
    used = int((costs >= idle).sum())
    title(axes, f"{used} of {len(costs)} dimensions in use, {costs.sum():.4g} nats")
    return figure
