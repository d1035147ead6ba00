"""Rows of tables of mixed columns for a generator: as numbers, and back in the user's own form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from diabolo.data.cells import column_of, names_of, table_of
from diabolo.errors import FileError
from diabolo.estimators.columns import Column
from diabolo.estimators.generation.arrays import FRAMES, described
from diabolo.estimators.generation.frames import (
    Scale,
    kept_scale,
    pandas_frame,
    pandas_types,
    plainly,
    polars_frame,
    read_scale,
    scale_of,
)
from diabolo.likelihoods import Binned

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Rows:
    """What is remembered of a training table.

    As numbers, rows have the indicators of the bins of all columns, then the place in its bin of each.

    Parameters
    ----------
    columns : tuple of Column
        One for each column.
    form : {"array", "tensor", "pandas", "polars"}
        What the user had.
    dtypes : tuple of str
        The type of each column of a frame, or one of all.
    labels : tuple
        What a frame calls its columns.
    scales : tuple
        Of each column of a categorical type of pandas all its categories, and whether they are ordered; None of others.

    Examples
    --------
    >>> rows, numbers = Rows.of([[3.5, "a"], [4.5, "b"], [None, "b"]])
    >>> numbers.shape
    (3, 8)
    >>> rows.back(numbers, np.random.default_rng(0)).tolist()
    [[3.5, 'a'], [4.5, 'b'], [nan, 'b']]
    """

    columns: tuple[Column, ...]
    form: str
    dtypes: tuple[str, ...]
    labels: tuple[Any, ...] = ()
    scales: tuple[Scale | None, ...] = ()

    @staticmethod
    def of(X: Any, given: Any = None) -> tuple[Rows, Array]:
        """Return what is to be remembered of training rows, and these as numbers (N, P), float64.

        The user has them as `given`, if that is not X itself.

        Raises
        ------
        DataError, DataTypeError
            If a column cannot be learned: see `Schema.of` of `diabolo.data`.
        """
        given = X if given is None else given
        table, (form, labels) = table_of(X), described(given)
        names = names_of(table)
        pairs = [Column.of(name, column_of(table, i), _levels(table, i)) for i, name in enumerate(names)]
        if form == "pandas":
            dtypes = pandas_types(table)
        else:
            dtypes = tuple(map(str, table.dtypes if form in FRAMES else [getattr(given, "dtype", table.dtype)]))
        scales = tuple(map(scale_of, given.dtypes)) if form == "pandas" else ()
        rows = Rows(tuple(column for column, _ in pairs), form, dtypes, labels, scales)
        return rows, rows._encoded([cells for _, cells in pairs])

    def numbers(self, X: Any) -> Array:
        """Return rows as numbers (N, P), float64.

        Raises
        ------
        DataTypeError
            If a column holds something else than in training.
        DataError
            If numbers are infinite.
        """
        table = table_of(X)
        return self._encoded([column.cells(column_of(table, i)) for i, column in enumerate(self.columns)])

    def back(self, numbers: Array, rng: np.random.Generator) -> Any:
        """Return numbers (N, P), drawn or expected, as rows in the user's form."""
        columns = [column.back(*own, rng) for column, own in self._each(numbers)]
        if self.form == "pandas":
            return pandas_frame(self.labels, columns, self.dtypes, self.scales)
        if self.form == "polars":
            return polars_frame(self.labels, columns, self.dtypes)
        if self.form == "tensor":
            return torch.tensor(np.column_stack(columns)).to(getattr(torch, self.dtypes[0].removeprefix("torch.")))
        mixed = len({column.dtype.kind for column in columns}) > 1
        table = np.stack([column.astype(object) if mixed else column for column in columns], 1)
        return table.astype(self.dtypes[0])

    def slope(self, numbers: Array) -> Array:
        """Return by how many nats the density of rows differs from that of their numbers (N, P): (N,)."""
        return np.sum([column.log_density(*own) for column, own in self._each(numbers)], 0)

    @property
    def width(self) -> int:
        """How many numbers a row is."""
        return sum(column.width + 1 for column in self.columns)

    @property
    def likelihood(self) -> Binned:
        """The likelihood of the numbers: rows drawn from it are as noisy as real ones."""
        return Binned(tuple(column.width for column in self.columns))

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Of each column how many bins it has, and how many of these, the first ones, lie in an order."""
        return tuple((column.width, len(column.bins.knots)) for column in self.columns)

    def to_json(self) -> dict[str, Any]:
        """Return what is remembered as plain JSON values."""
        return {
            "columns": [column.to_json() for column in self.columns],
            "form": self.form,
            "dtypes": list(self.dtypes),
            "labels": list(self.labels),
            "scales": [kept_scale(scale) for scale in self.scales],
        }

    @staticmethod
    def from_json(plain: Any) -> Rows:
        """Return what `to_json` described.

        Raises
        ------
        FileError
            If it is no such description.
        """
        columns = tuple(Column.from_json(each) for each in plain["columns"])
        scales = tuple(map(read_scale, plain["scales"]))
        rows = Rows(columns, plain["form"], tuple(plain["dtypes"]), tuple(plain["labels"]), scales)
        framed = rows.form in FRAMES
        sizes = (len(rows.dtypes), len(rows.labels)) == ((len(columns),) * 2 if framed else (1, 0))
        sizes = sizes and len(scales) == (len(columns) if rows.form == "pandas" else 0)
        if not sizes or rows.form not in ("array", "tensor", *FRAMES):
            raise FileError("it does not describe rows")
        return rows

    def _encoded(self, cells: list[Array]) -> Array:
        coded = [column.encode(own) for column, own in zip(self.columns, cells, strict=True)]
        return np.column_stack([*(indicators for indicators, _ in coded), *(place for _, place in coded)])

    def _each(self, numbers: Array) -> Iterator[tuple[Column, tuple[Array, Array]]]:
        """Yield each column with its indicators (N, width) and places (N,)."""
        ends = list(accumulate((column.width for column in self.columns), initial=0))
        for i, column in enumerate(self.columns):
            yield column, (numbers[:, ends[i] : ends[i + 1]], numbers[:, ends[-1] + i])


def _levels(table: Any, i: int) -> dict[str, Any]:
    """Return what the user has for each text of a categorical column, where that is plain."""
    scale = scale_of(table.dtypes.iloc[i]) if hasattr(table, "iloc") else None
    return {str(level): level for level in scale[0] if plainly(level)} if scale else {}
