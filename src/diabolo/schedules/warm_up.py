"""One rise at the beginning."""

from __future__ import annotations

from dataclasses import dataclass

from diabolo.check import Number
from diabolo.part import knob
from diabolo.schedules.schedule import KnobPath, Schedule, between


@dataclass(frozen=True)
class WarmUp(Schedule):
    """From `start` in a straight line to the recipe's own value, which is then kept.

    With a β that starts at 0 a variational autoencoder learns to rebuild before its code becomes dear, so that fewer
    dimensions collapse.

    References
    ----------
    Bowman et al., "Generating sentences from a continuous space", CoNLL 2016, section 3.1; Sønderby et al., "Ladder
    variational autoencoders", NeurIPS 2016, section 2.3.

    Examples
    --------
    >>> schedule = WarmUp(share=0.5)
    >>> [schedule.value(progress, 4.0) for progress in (0.0, 0.25, 0.5, 1.0)]
    [0.0, 2.0, 4.0, 4.0]
    """

    path: str = knob("latent__beta", KnobPath(), "number of the recipe that changes")
    start: float = knob(0.0, Number(), "its value in the first epoch")
    share: float = knob(0.5, Number(0, 1, open_low=True), "share of the epochs after which it has its own value")

    def value(self, progress: float, end: float) -> float:
        """Return the value at this progress, in [0, 1]."""
        return between(self.start, end, progress / self.share)

    @property
    def settled(self) -> float:
        """The share of the run from which on the value is the recipe's own."""
        return self.share

    def equation(self) -> str:
        """Say what changes."""
        return f"{self.path} from {self.start:g} to its own value over the first {self.share:.0%} of the epochs"
