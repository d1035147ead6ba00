"""The order in which the places of a code are told: coarse to fine, so that most have neighbours on all sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

REACHES = (2, 2, 1, 1)
"""How far the nearest known places of levels 1 to 4 are."""

_DIAGONAL, _STRAIGHT = (0, 2, 6, 8), (1, 3, 5, 7)

NEAREST = (_DIAGONAL, _STRAIGHT, _DIAGONAL, _STRAIGHT)
"""Which of three by three places so far apart around one of levels 1 to 4 are known before it, counted row by row."""

LATE = 4
"""The last level, half of all places: each has a known one on all four sides."""

_SHARES = (1 / 16, 1 / 12, 1 / 8, 3 / 16, 1 / 4)


def levels(size: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the level (h, w) of each place of a grid, from 0 to 4: known places lie in squares, straight or on edge.

    Reference: the quincunx pyramid of Feauveau, "Analyse multirésolution par ondelettes non orthogonales et bancs de
    filtres numériques", 1990.

    Examples
    --------
    >>> levels((4, 5)).tolist()
    [[0, 4, 2, 4, 0], [4, 3, 4, 3, 4], [2, 4, 1, 4, 2], [4, 3, 4, 3, 4]]
    """
    row, column = np.indices(size)
    level = np.where((row + column) % 2 == 1, LATE, 3)
    even = (row % 2 == 0) & (column % 2 == 0)
    row, column = row // 2, column // 2
    coarse = np.where((row + column) % 2 == 1, 2, np.where(row % 2 == 1, 1, 0))
    return np.where(even, coarse, level)


def groups(channels: int) -> tuple[int, ...]:
    """Return how many channels are told together: few of the first ones, which are worth most, then more.

    Examples
    --------
    >>> groups(96), groups(4)
    ((6, 8, 12, 18, 24, 28), (1, 1, 1, 1))
    """
    sizes: list[int] = []
    for share in _SHARES:
        if (left := channels - sum(sizes)) > 0:
            sizes.append(min(left, max(1, round(channels * share))))
    left = channels - sum(sizes)
    return (*sizes, left) if left else tuple(sizes)
