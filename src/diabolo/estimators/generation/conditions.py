"""What samples are conditioned on, labels and numbers, as a model is told them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from diabolo.check import listed, shorten
from diabolo.data import Form
from diabolo.data.cells import Content, column_of, names_of, present, read_column
from diabolo.data.form import NumpyForm, TorchForm
from diabolo.errors import DataError, DataTypeError, FileError

Array = NDArray[Any]

_LABELS = 1024
"""Labels of one column, at most."""

_KEPT = 10_000
"""Conditions of training samples that are remembered, at most."""


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
            return Aspect(name, (), float(cells.mean()), float(cells.std()) or 1.0)
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


@dataclass(frozen=True, eq=False)
class Conditions:
    """What a generator was told about its training samples, and which conditions there were.

    Parameters
    ----------
    aspects : tuple of Aspect
        One for each column of y.
    rows : ndarray (R, K)
        Conditions of training samples, as told.
    shares : ndarray (R,)
        How frequent each is.

    Examples
    --------
    >>> conditions, told = Conditions.of(["cat", "dog", "cat"], 3)
    >>> told.tolist(), conditions.encode("dog", 2).tolist()
    ([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]])
    """

    aspects: tuple[Aspect, ...]
    rows: Array
    shares: Array

    @staticmethod
    def of(y: Any, count: int) -> tuple[Conditions, Array]:
        """Return the conditions of `count` training samples, and how they are told, (count, K).

        Raises
        ------
        DataError
            If y has another length, a value is missing or infinite, or labels are too many.
        """
        names, columns = _columns(y, None)
        if any(len(column) != count for column in columns):
            raise DataError(f"y must hold what is known about each of {count} samples; got {len(columns[0])} rows.")
        aspects = tuple(Aspect.of(name, column) for name, column in zip(names, columns, strict=True))
        found = np.concatenate([a.encode(column) for a, column in zip(aspects, columns, strict=True)], 1)
        rows, counts = np.unique(found, axis=0, return_counts=True)
        kept = np.linspace(0, len(rows) - 1, min(len(rows), _KEPT)).astype(int)
        return Conditions(aspects, rows[kept], counts[kept] / counts[kept].sum()), found

    @property
    def mean(self) -> Array:
        """What stands for a condition that is not known, (1, K)."""
        return self.shares[None] @ self.rows

    def encode(self, condition: Any, count: int) -> Array:
        """Return how the condition of `count` samples is told, (count, K); one condition is that of all.

        Raises
        ------
        DataError
            If it is not one or `count` conditions, or a label was not there at fit.
        DataTypeError
            If numbers are not given where there were numbers.
        """
        if isinstance(condition, Mapping):
            condition = _ordered(condition, [aspect.name for aspect in self.aspects])
        _, columns = _columns(condition, len(self.aspects))
        if len(columns) != len(self.aspects) or any(len(column) not in (1, count) for column in columns):
            names = listed([aspect.name for aspect in self.aspects])
            raise DataError(
                f"The condition must give {names} once, or for each of {count} samples; got {shorten(condition)}."
            )
        told = [a.encode(column) for a, column in zip(self.aspects, columns, strict=True)]
        return np.concatenate([np.broadcast_to(each, (count, each.shape[1])) for each in told], 1)

    def drawn(self, count: int, rng: np.random.Generator) -> Array:
        """Return conditions (count, K) drawn from those of training samples."""
        return self.rows[rng.choice(len(self.rows), count, p=self.shares)]

    def few(self, most: int) -> tuple[Array, Array]:
        """Return at most so many conditions that stand for all, and their shares."""
        if len(self.rows) <= most:
            return self.rows, self.shares
        places = np.searchsorted(self.shares.cumsum(), (np.arange(most) + 0.5) / most).clip(max=len(self.rows) - 1)
        return self.rows[places], np.full(most, 1 / most)

    def to_json(self) -> list[dict[str, Any]]:
        """Return the aspects as plain JSON values."""
        return [asdict(aspect) | {"labels": list(aspect.labels)} for aspect in self.aspects]

    @staticmethod
    def from_json(plain: Any, rows: Array, shares: Array) -> Conditions:
        """Return the conditions that `to_json` described.

        Raises
        ------
        FileError
            If the arrays do not fit.
        """
        aspects = tuple(Aspect(**{**each, "labels": tuple(each["labels"])}) for each in plain)
        width = sum(aspect.width for aspect in aspects)
        sound = rows.ndim == 2 and rows.shape[1] == width and shares.shape == (len(rows),) and len(rows) > 0
        if not sound or not np.isfinite(rows).all() or (shares < 0).any() or not np.isclose(shares.sum(), 1):
            raise FileError("its conditions are not sound")
        return Conditions(aspects, rows, shares / shares.sum())


def _columns(y: Any, wanted: int | None) -> tuple[list[str], list[Array]]:
    """Return names and columns of what may be one value, a list of them, a table or a series of a data frame."""
    y = y.reshape(1) if isinstance(y, Tensor) and y.ndim == 0 else y
    if hasattr(y, "to_frame"):
        y = y.to_frame(y.name or "y")
    form = Form.of(y)
    if not isinstance(form, NumpyForm | TorchForm):
        return names_of(y), [_whole(y, i) for i in range(len(y.columns))]
    array = form.array(y) if isinstance(form, TorchForm) else _array(y)
    if array.ndim < 2:
        array = array.reshape(1, -1) if wanted and wanted > 1 else array.reshape(-1, 1)
    if array.ndim != 2:
        raise DataError(f"y and conditions must be (N,) or (N, K); got shape {array.shape}.")
    names = ["y"] if array.shape[1] == 1 else [str(i) for i in range(array.shape[1])]
    return names, [array[:, i] for i in range(array.shape[1])]


def _array(y: Any) -> Array:
    try:
        array = np.asarray(y)
    except ValueError as error:
        raise DataError(f"y and conditions must be rectangular ({error}).") from error
    mixed = array.dtype.kind == "U" and not isinstance(y, np.ndarray)  # of [3, "a"] numpy makes text
    return np.asarray(y, dtype=object) if mixed else array


def _whole(frame: Any, i: int) -> Array:
    """Return a column of a frame; nullable integers stay integers."""
    column = column_of(frame, i)
    integers = "int" in str(list(frame.dtypes)[i]).lower() and column.dtype.kind == "f" and np.isfinite(column).all()
    return column.astype(np.int64) if integers else column


def _ordered(condition: Mapping[Any, Any], names: list[str]) -> Array:
    known = {str(name): value for name, value in condition.items()}
    if set(known) != set(names):
        raise DataError(f"The condition must name {listed(names)}; got {listed(list(known))}.")
    columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(known[name], dtype=object)) for name in names))
    return np.stack(columns, 1)


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


def _text(value: Any) -> str:
    """Return a label as text, 3.0 as 3."""
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool | np.bool_) else 0.5
    return str(int(number)) if number.is_integer() else str(value)
