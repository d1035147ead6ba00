"""Numbers that stand for something unknown, such as 999 or -9999: learned as numbers, they hide all others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diabolo.check import several
from diabolo.errors import warn

_NINES = np.array([10.0**digits - 1 for digits in range(2, 16)])
"""99, 999, ...: what people write for unknown, also below 0."""

_FAR = 5
"""How many times as far from the middle as all other values, at least."""


def warn_of_sentinels(names: Sequence[str], array: NDArray, low: NDArray, high: NDArray) -> None:
    """Warn of columns (N, F) with a number of nines twice or more, far from all others; their ends are known (F,).

    Warns
    -----
    DiaboloWarning
        If there are such columns.

    Examples
    --------
    >>> import warnings
    >>> ages = np.array([[31.0], [999.0], [45.0], [999.0]])
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     warn_of_sentinels(["age"], ages, ages.min(0), ages.max(0))
    >>> print(told[0].message)
    Column 'age' has 999 2 times, all else is from 31 to 45: put NaN where such a number stands for unknown.
    """
    found = []
    for i in np.flatnonzero(np.isin(np.abs(low), _NINES) | np.isin(np.abs(high), _NINES)).tolist():
        column = array[:, i]
        others = column[~np.isin(np.abs(column), _NINES) & ~np.isnan(column)]
        for end in {float(low[i]), float(high[i])}:
            count = int((column == end).sum())
            if abs(end) in _NINES and count > 1 and _far(end, others):
                rest = f"all else is from {others.min():g} to {others.max():g}"
                found.append(f"{names[i]!r} has {end:.0f} {count} times, {rest}")
    if found:
        warn(f"Column {several(found)}: put NaN where such a number stands for unknown.")


def _far(end: float, others: NDArray) -> bool:
    """Tell whether an end of a column lies far from all else, which must differ: beside a constant anything is far."""
    if not len(others) or others.min() == others.max():
        return False
    middle = float(np.median(others))
    return abs(end - middle) > _FAR * float(np.abs(others - middle).max())
