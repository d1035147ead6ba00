"""What a schedule is: a number of the recipe that changes from epoch to epoch."""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import dataclass

from diabolo.part import Part

_ROUNDING = 1e-9


@dataclass(frozen=True)
class KnobPath:
    """Allowed: what may be the path of a knob inside a recipe; whether there is one, the recipe knows.

    Examples
    --------
    >>> "latent__beta" in KnobPath(), "penalties.0.weight" in KnobPath(), "the beta" in KnobPath()
    (True, True, False)
    """

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and re.fullmatch(r"\w+(\.\w+)*", value, re.ASCII) is not None

    def __str__(self) -> str:
        return "the path of a number in the recipe, such as 'latent__beta'"


class Schedule(Part, role="schedules"):
    """Where a number of the recipe goes in training, on its way to the value that the recipe gives it.

    Every schedule ends there: at progress 1, ``value(1.0, end) == end``.
    """

    path: str
    """Which number."""

    @abstractmethod
    def value(self, progress: float, end: float) -> float:
        """Return the value when this share of the run is done, 0 in its first epoch and 1 in its last.

        `end` is the value that the recipe gives.
        """

    @property
    @abstractmethod
    def settled(self) -> float:
        """The share of the run from which on the value is the recipe's own."""

    @abstractmethod
    def equation(self) -> str:
        """Say in one phrase what changes, and how."""


def between(start: float, end: float, share: float) -> float:
    """Return what lies at this share of the way from `start` to `end`, and `end` itself from a share of 1 on.

    Examples
    --------
    >>> between(0.0, 4.0, 0.25), between(0.1, 0.3, 2.0)
    (1.0, 0.3)
    """
    return end if share >= 1 - _ROUNDING else start + (end - start) * share
