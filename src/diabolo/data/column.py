"""How one column or channel is scaled into the domain of its likelihood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from diabolo.errors import DataError
from diabolo.likelihoods import Domain


@dataclass(frozen=True, eq=False)
class Column:
    """What is known of one column of a table, or one channel of series or images.

    Parameters
    ----------
    name : str
        What errors call it, such as "Column 3".
    low, high, mean, std : float
        Its extent and moments, missing values passed over.
    binary : bool
        Whether it holds only 0 and 1.
    top : float
        255 if the data are bytes that go beyond 1, else 0: the range is then known, not estimated.
    """

    name: str
    low: float
    high: float
    mean: float
    std: float
    binary: bool
    top: float = 0.0


def column_scaling(column: Column, domain: Domain) -> tuple[float, float]:
    """Return the shift and scale that take a column into `domain`.

    Raises
    ------
    DataError
        If it holds what the domain does not allow.

    Examples
    --------
    >>> column_scaling(Column("Column 0", 2.0, 4.0, 3.0, 1.0, False), "unit")
    (2.0, 2.0)
    """
    return _SCALINGS[domain](column)


def _real(column: Column) -> tuple[float, float]:
    if column.std <= 1e-12 * max(abs(column.low), abs(column.high)):
        return column.low, 1.0  # not the mean: a constant must come back exactly
    return column.mean, column.std


def _unit(column: Column) -> tuple[float, float]:
    if column.top:
        return 0.0, column.top
    if column.low >= 0 and column.high <= 1:
        return 0.0, 1.0
    return column.low, (column.high - column.low) or 1.0


def _counts(column: Column) -> tuple[float, float]:
    if column.low < 0:
        raise DataError(
            f"{column.name} must hold counts >= 0 for this likelihood; got {column.low:g}. "
            "Use likelihood=SquaredError() for numbers of either sign."
        )
    return 0.0, 1.0


def _one_hot(column: Column) -> tuple[float, float]:
    if not column.binary:
        raise DataError(
            f"{column.name} must hold 0 or 1 only, as the indicator of a category; got values in "
            f"[{column.low:g}, {column.high:g}]. Encode the category as 0/1 columns, or declare the column as numeric."
        )
    return 0.0, 1.0


_SCALINGS: dict[Domain, Callable[[Column], tuple[float, float]]] = {
    "real": _real,
    "unit": _unit,
    "counts": _counts,
    "one-hot": _one_hot,
}
