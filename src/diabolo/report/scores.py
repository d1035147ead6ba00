"""Anomaly scores and the line between usual and unusual."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diabolo.errors import DataError
from diabolo.report.canvas import BLUE, GREY, INK, ORANGE, blank, plain, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BARS = 60

_LEAST = 1e-12
"""Where energies of 0 are drawn."""


def scores(energies: NDArray[np.float64], threshold: float, known: NDArray[np.bool_] | None = None) -> Figure:
    """Draw a histogram of energies (N,) on a logarithmic scale, with the threshold; `known` anomalies apart.

    Raises
    ------
    DataError
        If there are no energies, they are not finite, or `known` is of another length.
    CapabilityError
        If matplotlib is not installed.

    Examples
    --------
    >>> figure = scores(np.array([1.0, 2.0, 30.0]), 10.0)
    >>> figure.axes[0].get_xscale()
    'log'
    """
    if energies.ndim != 1 or not len(energies) or not np.isfinite(energies).all():
        raise DataError(f"scores needs at least one energy (N,), all finite; got an array of shape {energies.shape}.")
    if known is not None and known.shape != energies.shape:
        raise DataError(f"scores needs known anomalies of shape {energies.shape}, as the energies; got {known.shape}.")
    low, high, line = (max(float(end), _LEAST) for end in (energies.min(), energies.max(), threshold))
    bins = np.geomspace(low, max(high, low * 1.01), _BARS + 1)
    shown = np.clip(energies, bins[0], bins[-1])
    figure = blank(7, 3)
    axes = plain(figure.add_subplot(), "energy, in nats", "samples")
    groups = [shown] if known is None else [shown[~known], shown[known]]
    names = ["all"] if known is None else ["usual", "known anomalies"]
    axes.hist(groups, bins.tolist(), stacked=True, color=[BLUE, ORANGE][: len(groups)], label=names)
    axes.set_xscale("log")
    axes.set_yscale("symlog")
    axes.axvline(line, color=INK, linewidth=1)
    axes.annotate("threshold", (line, 1), xycoords=("data", "axes fraction"), xytext=(4, -10), fontsize=8,
                  textcoords="offset points", color=GREY)  # fmt: skip
    title(axes, f"{int((energies > threshold).sum())} of {len(energies)} above the threshold")
    if known is not None:
        axes.legend(frameon=False, fontsize=8, labelcolor=INK)
    return figure
