"""What the levels of a column add to the hidden units of a net of rows, in whole numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from diabolo.codec.exact import Whole
from diabolo.codec.exchange import Integers


class Addends:
    """What each level of a column adds to the sums of H hidden units, in their whole numbers.

    Parameters
    ----------
    embed : ndarray (K, H)
        What its groups add, in units of 8.
    slope : ndarray (H,)
        What a level adds for each 1 of its measure, in units of 1/128.
    """

    def __init__(self, embed: Whole, slope: Whole) -> None:
        self._embed, self._slope = embed * 2.0**3, slope * 2.0**-7
        self._any, self._steep = bool(embed.any()), bool(slope.any())

    def to(self, total: Whole, group: Integers, u: Whole) -> None:
        """Add what levels of these groups (S,), as measured (S,), add to sums (S, H), in place."""
        if self._any:
            total += self._embed.take(group, 0)
        if self._steep:
            total += u[:, None] * self._slope


class Together:
    """What the levels of several columns add at once, where all of them are known: one pass instead of two for each.

    Parameters
    ----------
    embeds : sequence of ndarray (K, H)
        What the groups of each column add, in units of 8.
    slopes : ndarray (D, H)
        What a level of each adds for each 1 of its measure, in units of 1/128.

    Examples
    --------
    >>> both = Together([np.ones((2, 1)), np.full((3, 1), 2.0)], np.zeros((2, 1)))
    >>> both.added([np.array([1]), np.array([0])], np.zeros((2, 1)))
    array([[24.]])
    """

    def __init__(self, embeds: Sequence[Whole], slopes: Whole) -> None:
        self._embed, self._slopes = np.concatenate(embeds) * 2.0**3, slopes * 2.0**-7
        sizes = np.array([len(embed) for embed in embeds])
        self._first = np.cumsum(sizes) - sizes

    def added(self, groups: Sequence[Integers], u: Whole) -> Whole:
        """Return what levels of these groups, (S,) of each column, as measured (D, S), add: (S, H)."""
        places = np.stack(groups, 1) + self._first  # (S, D)
        ends = np.arange(0, places.size + 1, len(self._first))
        found = csr_array((np.ones(places.size), places.ravel(), ends), (len(places), len(self._embed))) @ self._embed
        found += u.T @ self._slopes
        return found
