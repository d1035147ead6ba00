"""The ranker that is chosen by the catalogue, and by what held-out users did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from diabolo.rankers.blend import Blend
from diabolo.rankers.judging import Held
from diabolo.rankers.low_rank import LowRank
from diabolo.rankers.neighbourhood import Neighbourhood
from diabolo.rankers.ranker import Matrix, Ranker, Scorer, Setting

_DENSE = 12_000
"""Items up to which the square of the catalogue is solved for: half a gigabyte, and about a minute on one core."""

_MANY, _WIDE = 50_000, 200
"""Items up to which each has 200 neighbours: the more the better, at a cost that grows with their cube."""


@dataclass(frozen=True)
class Auto(Ranker):
    """EASE and LowRank blended, Neighbourhood in place of EASE where the catalogue is large.

    How much each counts, none at all perhaps, is decided by users held out: low ranks are good where most items are
    popular, and bad at a long tail; neighbours want a dropout and a balance of a quarter where histories are short, and
    of a half where they are long.

    Examples
    --------
    >>> Auto().choose(1_000), Auto().choose(1_000_000).members[0]
    (Blend(), Neighbourhood(dropout=0.25, balance=0.25))
    """

    @property
    def settled(self) -> bool:
        """Whether nothing is open: never."""
        return False

    def choose(self, items: int) -> Blend:
        """Return the candidates for a catalogue."""
        if items <= _DENSE:
            return Blend()
        if items > _MANY:
            return Blend((Neighbourhood(dropout=0.25, balance=0.25), LowRank()))
        likely = (Neighbourhood(_WIDE, dropout=share, balance=share) for share in (0.25, 0.5))
        return Blend((*likely, LowRank()))

    def settle(self, histories: Matrix, held: Held, setting: Setting) -> Ranker:
        """Settle the candidates."""
        return self.choose(histories.shape[1]).settle(histories, held, setting)

    def learn(self, histories: Matrix, setting: Setting) -> Scorer:
        """Learn the candidates, with equal weights."""
        return self.choose(histories.shape[1]).learn(histories, setting)

    def restore(self, plain: dict[str, Any], arrays: dict[str, Tensor], items: int) -> Scorer:
        """Return the scorers of the candidates."""
        return self.choose(items).restore(plain, arrays, items)

    def equation(self) -> str:
        """Say what may come of it."""
        return "s = w·z(EASE or Neighbourhood) + (1 − w)·z(LowRank)"
