"""Dates and decimals that are objects in a column: what cells become so that they are of the type of the others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Context, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.data.cells import is_missing

_DATE, _DECIMAL = "object of date", "object of Decimal"
_DIGITS = Context(prec=400)
"""Of decimals: those of any 64-bit number are fewer."""


def object_type(cells: Iterable[Any]) -> str | None:
    """Return which type of objects all cells that are there have, if it is a known one; of decimals to what place.

    Examples
    --------
    >>> object_type([None, Decimal("1.5"), Decimal("2")]), object_type(["1.5"])
    ('object of Decimal to 1E-1', None)
    """
    here = (cell for cell in cells if not is_missing(cell))
    first = next(here, None)
    if type(first) is date:
        return _DATE if all(type(cell) is date for cell in here) else None
    if type(first) is not Decimal:
        return None
    places = [first.as_tuple().exponent]
    for cell in here:
        if type(cell) is not Decimal:
            return None
        places.append(cell.as_tuple().exponent)
    return f"{_DECIMAL} to 1E{min(int(place) for place in places):+d}"


def as_objects(cells: Iterable[Any], name: str) -> NDArray[np.object_]:
    """Return cells, dates or numbers, as objects of a type that `object_type` names; None where they are missing.

    Examples
    --------
    >>> as_objects(np.array([1.46, np.nan]), "object of Decimal to 1E-1").tolist()
    [Decimal('1.5'), None]
    """
    place = None if name == _DATE else Decimal(name.rpartition(" ")[2])
    found = [None if is_missing(cell) else _made(cell, place) for cell in cells]
    made = np.empty(len(found), dtype=object)
    made[:] = found
    return made


def _made(cell: Any, place: Decimal | None) -> Any:
    if place is None:
        return np.datetime64(cell, "D").item()
    return Decimal(repr(float(cell))).quantize(place, context=_DIGITS)
