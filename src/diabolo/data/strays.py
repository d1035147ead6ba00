"""Strays: a few numbers so far from all others of their column that these look alike once scaled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diabolo.check import several
from diabolo.data.moments import Moments
from diabolo.errors import warn

_STRAY = 1e5
"""Spreads of the middle four fifths: a deviation beyond hides how all others differ even where far values are bent."""
_FAR = 1e3
"""Likewise where they are not."""
_FEW = 0.02
"""The share of rows that are still few."""
_LOOKED_AT = 1000
"""Rows that tell where the middle four fifths lie."""


def without_strays(array: NDArray, mean: NDArray, std: NDArray) -> tuple[NDArray, NDArray]:
    """Return mean and deviation (F,) of columns (N, F), without values that would hide how all others differ.

    Examples
    --------
    >>> wages = np.array([[1.0], [2.0], [3.0], [4.0], [1e11]]).repeat(20, 0)[:81]
    >>> mean, std = without_strays(wages, wages.mean(0), wages.std(0))
    >>> print(mean, std.round(3))
    [2.5] [1.118]
    """
    low, middle, high = _fifths(array)
    reach = _STRAY * _spread(low, high)
    mean, std = mean.copy(), std.copy()
    for column in np.flatnonzero((reach > 0) & (std > reach)):
        values = array[:, column].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            near = values[np.abs(values - middle[column]) <= reach[column]]
        moments = Moments.of([near[:, None]], ("real",))  # whose squares do not overflow
        mean[column], std[column] = moments.mean[0], moments.std[0]
    return mean, std


def warn_of_strays(names: Sequence[str], array: NDArray, std: NDArray) -> None:
    """Warn of columns (N, F) of deviations (F,) that few values decide, where nothing bends these back.

    Warns
    -----
    DiaboloWarning
        If there are such columns.

    Examples
    --------
    >>> import warnings
    >>> wages = np.array([[1.0], [2.0], [3.0], [4.0], [1e11]]).repeat(20, 0)[:81]
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     warn_of_strays(["wage"], wages, wages.std(0))
    >>> print(str(told[0].message)[:83])
    Column 'wage' has 1e+11 in row 80, where four fifths of all values are from 1 to 4:
    """
    if not len(array):
        return
    low, middle, high = _fifths(array)
    spread = _spread(low, high)
    found = []
    for column in np.flatnonzero((spread > 0) & (std > _FAR * spread)).tolist():
        away = np.abs(array[:, column] - middle[column])
        if (away > _FAR * spread[column]).mean() > _FEW:
            continue
        row = int(np.nanargmax(away))
        rest = f"where four fifths of all values are from {low[column]:g} to {high[column]:g}"
        found.append(f"{names[column]!r} has {array[row, column]:g} in row {row}, {rest}")
    if found:
        advice = "Correct them, leave their rows out, or take logarithms."
        warn(f"Column {several(found)}: few values decide its scale, and all others look alike. {advice}")


def _fifths(array: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Return the ends of the middle four fifths of columns, and their medians (F,), by some of the rows."""
    some = np.random.default_rng(0).integers(len(array), size=_LOOKED_AT)  # at random: equal steps may meet a period
    few = np.sort((array if len(array) <= _LOOKED_AT else array[some]).astype(np.float64), axis=0)  # NaN come last
    last = np.maximum((~np.isnan(few)).sum(0) - 1, 0)
    low, middle, high = (few[np.rint(share * last).astype(int), np.arange(len(last))] for share in (0.1, 0.5, 0.9))
    return low, middle, high


def _spread(low: NDArray, high: NDArray) -> NDArray:
    """Return the deviation, were it a normal distribution that the middle four fifths are of."""
    with np.errstate(over="ignore"):
        return (high - low) / 2.56
