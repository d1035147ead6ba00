"""How a detector reads what it is given: samples whole, rows by a schema, or long ones cut into windows."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from diabolo.data import Schema
from diabolo.flow import Shape
from diabolo.nearness import BESIDE, GRAIN, ROWS, Measure

_FEW = 2
"""Columns up to which a row tells too little of itself to say who is usual."""


@dataclass(frozen=True)
class Reading:
    """How samples become what a model takes, as it was learned.

    Parameters
    ----------
    schema : Schema or None
        The columns of a table, or of series with a window.
    window : int or None
        The size of windows; None if samples are taken whole.
    single : bool
        Whether X is one series, whose points are the samples.
    clock : str or None
        The column of a series that tells the time, which is not looked at.

    Examples
    --------
    >>> table = Reading(Schema.of([[1.0, 2.0, 0.0], [3.0, 5.0, 1.0]]))
    >>> table.by_rows, table.values((3,)), Reading(window=8).values((1, 8, 8))
    (True, 3, 64)
    """

    schema: Schema | None = None
    window: int | None = None
    single: bool = False
    clock: str | None = None

    @property
    def by_rows(self) -> bool:
        """Whether a sample is a row: of a table, or a point of one series."""
        return self.single or (self.window is None and self.schema is not None)

    def values(self, shape: Shape) -> int:
        """Return how many values of a piece of a shape are placed together: the columns of a table, all of a window."""
        return prod(shape) if self.schema is None else len(self.schema.fields) * (self.window or 1)

    def measure(self, shape: Shape) -> Measure:
        """Return what is near for pieces of a shape."""
        if self.window is not None:
            return GRAIN if len(shape) == 3 else BESIDE
        return ROWS if self.schema is not None and self.values(shape) > _FEW else BESIDE
