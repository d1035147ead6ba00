"""What samples are conditioned on, labels and numbers, as a model is told them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from diabolo.check import listed, shorten
from diabolo.data import Form
from diabolo.data.cells import column_of, names_of
from diabolo.data.form import NumpyForm, TorchForm, as_given
from diabolo.errors import DataError, FileError
from diabolo.estimators.generation.aspect import Aspect

Array = NDArray[Any]

_KEPT = 10_000
"""Conditions of training samples that are remembered, at most."""


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

        Several columns of a frame, or entries of a dict, go by their names.

        Raises
        ------
        DataError
            If it is not one or `count` conditions, has other names, or a label was not there at fit.
        DataTypeError
            If numbers are not given where there were numbers.
        """
        names = [aspect.name for aspect in self.aspects]
        if _is_row(condition, names):
            condition = condition.to_dict()
        if isinstance(condition, Mapping):
            condition = _ordered(condition, names)
        columns = self._in_order(*_columns(condition, len(self.aspects)))
        if len(columns) != len(self.aspects) or any(len(column) not in (1, count) for column in columns):
            names = listed([aspect.name for aspect in self.aspects])
            raise DataError(
                f"The condition must give {names} once, or for each of {count} samples; got {shorten(condition)}."
            )
        told = [a.encode(column) for a, column in zip(self.aspects, columns, strict=True)]
        return np.concatenate([np.broadcast_to(each, (count, each.shape[1])) for each in told], 1)

    def _in_order(self, names: list[str], columns: list[Array]) -> list[Array]:
        """Return columns in the order of the aspects, by name where both had some, each once, and there are several."""
        own, places = [aspect.name for aspect in self.aspects], [str(i) for i in range(len(self.aspects))]
        if len(set(own)) < len(own) or len(own) == 1 or places in (own, names):
            return columns
        if sorted(names) != sorted(own):
            raise DataError(f"The condition must name {listed(own)}; got {listed(names)}. Rename or add columns.")
        return [columns[names.index(name)] for name in own]

    def parsed(self, texts: Sequence[str]) -> dict[str, str | float]:
        """Return the condition of which only text is there, as on a command line: VALUE, or COLUMN=VALUE.

        Raises
        ------
        DataError
            If not each column is named once; where there is but one, its name may be left out.

        Examples
        --------
        >>> Conditions.of(["00501", "10001"], 2)[0].parsed(["00501"])
        {'y': '00501'}
        """
        said = [self._said(text) for text in texts]
        if sorted(aspect.name for aspect, _ in said if aspect) != sorted(aspect.name for aspect in self.aspects):
            names = listed([aspect.name for aspect in self.aspects])
            raise DataError(f"The condition must give {names} once, as COLUMN=VALUE; got {listed(texts)}.")
        return {aspect.name: aspect.parsed(value) for aspect, value in said if aspect}

    def _said(self, text: str) -> tuple[Aspect | None, str]:
        """Return which aspect a text is of, and its value; both may hold "=", and the longest name counts."""
        named = [aspect for aspect in self.aspects if text.startswith(f"{aspect.name}=")]
        if named:
            longest = max(named, key=lambda aspect: len(aspect.name))
            return longest, text.removeprefix(f"{longest.name}=")
        return (self.aspects[0] if len(self.aspects) == 1 else None), text

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
        return as_given(y)
    except ValueError as error:
        raise DataError(
            "y and conditions must be rectangular: one value for each sample, or as many for each as for all others. "
            "Give every row all its columns."
        ) from error


def _whole(frame: Any, i: int) -> Array:
    """Return a column of a frame; nullable integers stay integers."""
    column = column_of(frame, i)
    integers = "int" in str(list(frame.dtypes)[i]).lower() and column.dtype.kind == "f" and np.isfinite(column).all()
    return column.astype(np.int64) if integers else column


def _is_row(condition: Any, names: list[str]) -> bool:
    """Tell whether a condition is a row of a frame of pandas that has these columns."""
    index = getattr(condition, "index", ()) if hasattr(condition, "to_dict") else ()
    return len(index) == len(names) and {str(name) for name in index} == set(names)


def _ordered(condition: Mapping[Any, Any], names: list[str]) -> Array:
    known = {str(name): value for name, value in condition.items()}
    if set(known) != set(names):
        raise DataError(f"The condition must name {listed(names)}; got {listed(list(known))}.")
    columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(known[name], dtype=object)) for name in names))
    return np.stack(columns, 1)
