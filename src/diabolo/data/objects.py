"""Dates and decimals that are objects in a column: what cells become so that they are of the type of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.data.cells import is_missing

_MADE: dict[str, Callable[[Any], Any]] = {
    "object of date": lambda cell: np.datetime64(cell, "D").item(),
    "object of Decimal": lambda cell: Decimal(repr(float(cell))),
}


def object_type(cells: Iterable[Any]) -> str | None:
    """Return which type of objects all cells that are there have, if it is a known one.

    Examples
    --------
    >>> object_type([None, Decimal("1.5")]), object_type(["1.5"])
    ('object of Decimal', None)
    """
    here = (f"object of {type(cell).__name__}" for cell in cells if not is_missing(cell))
    own = next(here, None)
    return own if own in _MADE and all(other == own for other in here) else None


def as_objects(cells: Iterable[Any], name: str) -> NDArray[np.object_]:
    """Return cells, dates or numbers, as objects of a type that `object_type` names; None where they are missing.

    Examples
    --------
    >>> as_objects(np.array([1.5, np.nan]), "object of Decimal").tolist()
    [Decimal('1.5'), None]
    """
    found = [None if is_missing(cell) else _MADE[name](cell) for cell in cells]
    made = np.empty(len(found), dtype=object)
    made[:] = found
    return made
