"""How evenly a code uses its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diabolo.errors import DataError
from diabolo.report.canvas import BLUE, GREY, blank, counted, legend, plain, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LEAST = 1e-6


def spectrum(code: np.ndarray, pca: np.ndarray) -> Figure:
    """Draw the variances of the code, falling, beside those of the data's principal components.

    Each is a share of its own total, since a code has no units. The title counts the numbers of the code that carry
    nothing: those with less than a millionth of the largest variance.

    Parameters
    ----------
    code : ndarray (n,)
        Variance of each number of the code.
    pca : ndarray (m,)
        Variances of the data's principal components: all of them, or the leading ones.

    Raises
    ------
    DataError
        If variances are negative, not finite, not one row of numbers, or all zero.
    CapabilityError
        If matplotlib is not installed.

    References
    ----------
    Cattell, "The scree test for the number of factors", 1966.

    Examples
    --------
    >>> import numpy as np
    >>> spectrum(np.array([2.0, 1.0, 0.0]), np.array([3.0, 1.0])).axes[0].get_title(loc="left")
    'Variance along the code: 1 of 3 numbers carries nothing'
    """
    figure = blank(6, 3.4)
    axes = plain(figure.add_subplot(), "component, by falling variance", "share of the variance")
    for name, values, colour in (("principal components", pca, GREY), ("code", code, BLUE)):
        share = _shares(name, values)
        axes.plot(
            np.arange(1, len(share) + 1), share, color=colour, linewidth=1.2, marker="o", markersize=3.5, label=name
        )
    axes.set_yscale("log")
    counted(axes.xaxis)
    title(axes, f"Variance along the code{_idle(code)}")
    legend(axes)
    return figure


def _shares(name: str, values: np.ndarray) -> np.ndarray:
    """Return the variances that carry something, falling, as shares of their sum."""
    if np.ndim(values) != 1 or not np.isfinite(values).all() or np.min(values, initial=0) < 0 or not np.any(values):
        raise DataError(f"spectrum needs variances >= 0, finite and not all 0, for the {name}; got {values!r}.")
    falling = np.sort(values)[::-1] / np.sum(values)
    return falling[falling >= _LEAST * falling[0]]


def _idle(code: np.ndarray) -> str:
    idle = len(code) - len(_shares("code", code))
    return f": {idle} of {len(code)} numbers {'carries' if idle == 1 else 'carry'} nothing" if idle else ""
