"""Ratings: weights that say how much somebody liked an item, so that a low one is no liking."""

from __future__ import annotations

import numpy as np

from diabolo.check import Number
from diabolo.errors import warn
from diabolo.rankers.ranker import Floats

_TOPS = (5, 10)
"""Best ratings of the usual scales."""

_LOOKED_AT = 2**17
"""How many weights are looked at, about."""


class Threshold:
    """Allowed: what makes likes of weights.

    Examples
    --------
    >>> 4 in Threshold(), None in Threshold(), "auto" in Threshold(), "4" in Threshold()
    (True, True, True, False)
    """

    def __contains__(self, value: object) -> bool:
        return value is None or (value == "auto" if isinstance(value, str) else value in Number())

    def __str__(self) -> str:
        return f"{Number()}, None (weights count as they are) or 'auto'"


def best_rating(weights: Floats) -> int | None:
    """Return the best rating of the scale that weights (N,) are on, or None if they do not look like ratings.

    They do if they are whole or half stars up to 5 or 10, at least three different ones, and most of them not in the
    lower half: most counts, such as those of clicks, are the smallest.

    Examples
    --------
    >>> best_rating(np.float32([3, 4, 5, 5, 2.5])), best_rating(np.float32([1, 1, 1, 2, 5]))
    (5, None)
    """
    some = weights[:: max(1, len(weights) // _LOOKED_AT)]
    top = float(some.max(initial=0))
    stars = bool((2 * some == np.rint(2 * some)).all()) and len(np.unique(some)) >= 3
    return int(top) if top in _TOPS and stars and 2 * np.median(some) >= top else None


def warn_of_ratings(weights: Floats) -> None:
    """Warn if weights (N,), each of another pair of user and item, look like ratings.

    Warns
    -----
    DiaboloWarning
        Which says what to set.
    """
    best = best_rating(weights)
    if best is not None:
        warn(
            f"The weights of X look like ratings up to {best}, and count as they are, so that low ones speak for an "
            f"item too; pass threshold={best * 4 // 5} to make likes of the better ones, or threshold=None if they are "
            "no ratings.",
        )
