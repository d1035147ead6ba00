"""How strong a ridge should be, by what held-out users did."""

from __future__ import annotations

from diabolo.check import Maybe, Number
from diabolo.rankers.judging import Held, popular
from diabolo.rankers.ranker import Matrix, Ranker, Setting

FIRST = 200.0
"""The ridge to begin with, and to stay with where nobody is held out to choose by."""

RIDGE = Maybe(Number(0, open_low=True), "chosen by held-out users, or 200 where there are none")

_STEP = 2.0
_STEPS = 6
_ITEMS = 5000
"""Items at most that ridges are tried on: solving for all of a large catalogue takes minutes each time."""


def best_ridge(ranker: Ridged, histories: Matrix, held: Held, setting: Setting) -> Ridged:
    """Return a ranker with the ridge that is best for users held out: doubled or halved as long as that helps.

    Of large catalogues the most popular 5,000 items are looked at.
    """
    histories, held = popular(histories, held, _ITEMS)

    def judged(ridge: float) -> float:
        return held(ranker(ridge=ridge).learn(histories, setting))

    ridge, best = FIRST, judged(FIRST)
    for factor in (_STEP, 1 / _STEP):
        for _ in range(_STEPS):
            found = judged(ridge * factor)
            if found <= best:
                break
            ridge, best = ridge * factor, found
        if ridge != FIRST:
            break
    return ranker(ridge=ridge)


class Ridged(Ranker, role=Ranker.role):
    """A ranker with a ridge, which users held out choose if it is not given."""

    ridge: float | None

    @property
    def settled(self) -> bool:
        """Whether the ridge is given."""
        return self.ridge is not None

    @property
    def cost(self) -> float:
        """The ridge, or the usual one where it is still open."""
        return FIRST if self.ridge is None else self.ridge

    def settle(self, histories: Matrix, held: Held, setting: Setting) -> Ranker:
        """Choose the ridge."""
        return self if self.settled else best_ridge(self, histories, held, setting)
