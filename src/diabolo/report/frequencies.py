"""How often the latents of a sparse code are active."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diabolo.errors import DataError
from diabolo.report.canvas import BLUE, GREY, INK, ORANGE, blank, plain, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BARS = 40


def frequencies(frequency: np.ndarray, often: float = 0.1) -> Figure:
    """Draw a histogram of the share of the samples that each latent is active in, on a logarithmic scale.

    The title counts the dead: those never active, which have no bar. Those active in more than `often` are in another
    colour.

    Parameters
    ----------
    frequency : ndarray (n,)
        Share of the samples that each latent is active in, such as `Sparsity.frequency`.
    often : float
        Share above which a latent counts as dense.

    Raises
    ------
    DataError
        If there are no frequencies, or one is no share.
    CapabilityError
        If matplotlib is not installed.

    References
    ----------
    Bricken et al., "Towards monosemanticity", 2023, which looks at the density of features so.

    Examples
    --------
    >>> frequencies(np.array([0.0, 0.01, 0.2])).axes[0].get_title(loc="left")
    '1 of 3 latents never active, 1 in more than 10 % of the samples'
    """
    if frequency.ndim != 1 or not frequency.size or not ((frequency >= 0) & (frequency <= 1)).all():
        raise DataError(f"frequencies needs shares (n,), each in [0, 1]; got an array of shape {frequency.shape}.")
    living = frequency[frequency > 0]
    bins = np.geomspace(min(float(living.min(initial=1.0)), 0.1 * often, 0.1), 1.0, _BARS + 1)
    shown = np.clip(living, bins[0], 1.0)
    figure = blank(7, 3)
    axes = plain(figure.add_subplot(), "share of the samples in which a latent is active", "latents")
    axes.hist(
        [shown[living <= often], shown[living > often]], bins.tolist(), stacked=True, color=[BLUE, ORANGE], rwidth=0.95
    )
    axes.set_xscale("log")
    axes.axvline(often, color=INK, linewidth=0.8)
    axes.annotate("dense", (often, 1), xycoords=("data", "axes fraction"), xytext=(4, -10), fontsize=8,
                  textcoords="offset points", color=GREY)  # fmt: skip
    dead, dense = len(frequency) - len(living), int((living > often).sum())
    title(axes, f"{dead} of {len(frequency)} latents never active, {dense} in more than {often:.0%} of the samples"
          .replace("%", " %"))  # fmt: skip
    return figure
