"""What the levels of a column add to the hidden units of a net of rows, in whole numbers."""

from __future__ import annotations

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
