"""Rises that begin again."""

from __future__ import annotations

import math
from dataclasses import dataclass

from diabolo.check import Number, Whole
from diabolo.part import knob
from diabolo.schedules.schedule import KnobPath, Schedule, between

_ROUNDING = 1e-9  # a cycle begins at a whole number of turns, which epochs reach only nearly


@dataclass(frozen=True)
class Cycle(Schedule):
    """In each of several cycles from `start` in a straight line to the recipe's own value, which the cycle then keeps.

    The last epoch has the recipe's own value, however few there are.

    References
    ----------
    Fu et al., "Cyclical annealing schedule: a simple approach to mitigating KL vanishing", NAACL 2019, figure
    2b.

    Examples
    --------
    >>> schedule = Cycle(cycles=2, share=0.5)
    >>> [schedule.value(progress, 4.0) for progress in (0.0, 0.125, 0.25, 0.5, 0.625, 1.0)]
    [0.0, 2.0, 4.0, 0.0, 2.0, 4.0]
    """

    path: str = knob("latent__beta", KnobPath(), "number of the recipe that changes")
    start: float = knob(0.0, Number(), "its value at the beginning of each cycle")
    cycles: int = knob(4, Whole(1, 10**6), "number of cycles, of equal length")
    share: float = knob(0.5, Number(0, 1, open_low=True), "share of a cycle after which it has its own value")

    def value(self, progress: float, end: float) -> float:
        """Return the value at this progress, in [0, 1]."""
        turns = progress * self.cycles
        place = turns - math.floor(turns + _ROUNDING) if progress < 1 else 1.0
        return between(self.start, end, max(place, 0.0) / self.share)

    @property
    def settled(self) -> float:
        """The share of the run from which on the value is the recipe's own."""
        return (self.cycles - 1 + self.share) / self.cycles

    def equation(self) -> str:
        """Say what changes."""
        rise = f"{self.path} from {self.start:g} to its own value over the first {self.share:.0%}"
        return f"{rise} of each of {self.cycles} cycles"
