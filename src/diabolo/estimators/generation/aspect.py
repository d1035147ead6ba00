"""One column of what samples are conditioned on."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.check import listed, shorten
from diabolo.data.cells import Content, present, read_column
from diabolo.errors import DataError, DataTypeError

Array = NDArray[Any]

_LABELS = 1024
"""Labels of one column, at most."""


@dataclass(frozen=True)
class Aspect:
    """One column of y: labels, one-hot in their order, or numbers, standardised.

    Parameters
    ----------
    name : str
        The column's name.
    labels : tuple of str
        What it held at fit, as text; none where it held numbers.
    shift, scale : float
        Mean and standard deviation of numbers.
    """

    name: str
    labels: tuple[str, ...] = ()
    shift: float = 0.0
    scale: float = 1.0

    @staticmethod
    def of(name: str, column: Array) -> Aspect:
        """Return the aspect of a column (N,): floating point numbers are numbers, all else is labels.

        Raises
        ------
        DataError
            If a value is missing or infinite, or the labels are as many as those of an identifier.
        DataTypeError
            If it holds dates.
        """
        cells, labelled = _cells(name, column)
        if not labelled:
            deviation = float(cells.std())
            rounding = 1e-12 * float(np.abs(cells).max())  # all that sets equal numbers apart
            return Aspect(name, (), float(cells.mean()), deviation if deviation > rounding else 1.0)
        labels = tuple(dict.fromkeys(cells[np.argsort(_order(column, cells), kind="stable")].tolist()))
        if len(labels) > _LABELS or (len(labels) > 64 and 2 * len(labels) > len(cells)):
            raise DataError(
                f"y must hold labels that come back; got {len(labels)} distinct ones in {len(cells)} rows of {name!r}. "
                "Group them, or pass floating point numbers if they are quantities."
            )
        return Aspect(name, labels)

    @property
    def width(self) -> int:
        """How many numbers it is told by."""
        return len(self.labels) or 1

    @property
    def about(self) -> str:
        """What it is, to be read.

        Examples
        --------
        >>> Aspect("kind", ("cat", "dog")).about, Aspect("price", (), 3.14159, 0.5).about
        ("kind: 'cat', 'dog'", 'price: numbers, 3.142 ± 0.5')
        """
        return f"{self.name}: {listed(self.labels) if self.labels else f'numbers, {self.shift:.4g} ± {self.scale:.4g}'}"

    def encode(self, column: Array) -> Array:
        """Return values (N,) as numbers (N, width).

        Raises
        ------
        DataError
            If a label was not there at fit, or a value is missing or infinite.
        DataTypeError
            If numbers are not given where there were numbers.
        """
        if not self.labels:
            content, cells = _known(self.name, column)
            if content != "number":
                raise DataTypeError(
                    f"The condition {self.name!r} must be numbers, as y was at fit; got {shorten(str(cells[0]))}."
                )
            return (cells.astype(np.float64)[:, None] - self.shift) / self.scale
        cells = np.array([_text(value) for value in column.tolist()], dtype=object)
        places = {label: i for i, label in enumerate(self.labels)}
        lost = [cell for cell in cells if cell not in places]
        if lost:
            raise DataError(
                f"The condition {self.name!r} must be one of the labels in y at fit, {listed(self.labels)}; got "
                f"{shorten(lost[0])}. Fit anew with samples of it."
            )
        return np.eye(len(places))[[places[cell] for cell in cells]]

    def parsed(self, text: str) -> str | float:
        """Return the value that a text stands for, as it is if it stands for none.

        Examples
        --------
        >>> Aspect("zip", ("00501", "2")).parsed("00501"), Aspect("zip", ("00501", "2")).parsed("2.0")
        ('00501', '2')
        >>> Aspect("price").parsed("1e3")
        1000.0
        """
        number = _number(text)
        return next((label for label in (text, _text(number)) if label in self.labels), text if self.labels else number)


def _cells(name: str, column: Array) -> tuple[Array, bool]:
    """Return a column as numbers, or as texts if it holds labels, and which."""
    content, cells = _known(name, column)
    labelled = content == "category" or column.dtype.kind in "iu" or _integers(column)
    return (np.array([_text(value) for value in column.tolist()], dtype=object) if labelled else cells), labelled


def _known(name: str, column: Array) -> tuple[Content, Array]:
    """Return what a column holds, and its cells, none of which is missing or infinite."""
    content, cells = read_column(name, column)
    if content == "date":
        raise DataTypeError(f"y must hold labels or numbers; got dates in {name!r}: pass a number, such as the year.")
    if not present(cells).all():
        raise DataError(f"y must hold no missing value; got one in {name!r}. Drop such samples, or give it a name.")
    if content == "number" and not np.isfinite(cells).all():
        raise DataError(f"y must hold finite numbers; got infinity in {name!r}.")
    return content, cells


def _integers(column: Array) -> bool:
    return column.dtype.kind == "O" and all(isinstance(value, Integral) for value in column)


def _order(column: Array, cells: Array) -> Array:
    """Return what labels are sorted by: integers by size, all else by text."""
    return column.astype(np.int64) if column.dtype.kind in "iu" or _integers(column) else cells.astype(str)


def _number(text: str) -> float | str:
    """Return a text as the number that it writes, without the underscores of Python, or as it is."""
    try:
        return text if "_" in text else float(text)
    except ValueError:
        return text


def _text(value: Any) -> str:
    """Return a label as text, 3.0 as 3."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        return str(int(value))  # not by way of a float, which holds 53 bits
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else 0.5
    return str(int(number)) if number.is_integer() else str(value)
