"""How samples come together with their neighbours in training, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pairing:
    """Each sample of a batch comes with one of its nearest ones, and both moved a little towards a neighbour.

    Parameters
    ----------
    neighbours : int
        From how many nearest ones the other is drawn, by how surely it is a neighbour.
    mixing : float
        Each sample is taken from between itself and a neighbour, at most so far away from itself: 0 is not at all.
    components : int
        Principal components in which neighbours are looked for.
    limit : float
        What larger numbers of a scaled sample are taken for there.
    """

    neighbours: int
    mixing: float
    components: int
    limit: float
