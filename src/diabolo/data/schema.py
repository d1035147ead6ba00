"""Schema: a table of mixed columns, as users have them, as numbers for a net and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from diabolo.check import Number, OneOf, demand, listed
from diabolo.data.cells import column_of, expected, names_of, read_column, table_of
from diabolo.data.counters import warn_of_counters
from diabolo.data.field import Field, foreign, number_fields
from diabolo.data.standard import KNEE, ROWS, Standard, standardised
from diabolo.errors import DataError

_BLOCK = 2**18  # numbers worked on at a time, so that they stay in the cache
_ROWS = 2**14  # rows of each column worked on at a time


@dataclass(frozen=True)
class Schema:
    """What is known of the columns of a table since training.

    Columns of a frame go by name, in any order; those of an array by position, and are called "0", "1", ....

    Parameters
    ----------
    fields : tuple of Field
        One for each column.
    knee : float
        Standard deviations beyond which numbers are compressed.

    Examples
    --------
    >>> X = np.array([[30.0, "Rome"], [50.0, "Oslo"], [40.0, None]], dtype=object)
    >>> schema = Schema.of(X)
    >>> values, observed = schema.encode(X)
    >>> values.shape, observed[:, 1].tolist()
    ((3, 5), [True, True, False])
    >>> [column.tolist() for column in schema.decode(values)][1]
    ['Rome', 'Oslo', None]
    """

    fields: tuple[Field, ...]
    knee: float = KNEE

    @staticmethod
    def of(X: Any, standard: Standard = ROWS) -> Schema:
        """Return the schema of a table (N, F): a data frame of pandas or polars, an array, or what becomes one.

        Numbers are numbers in any type; text, booleans and categorical types are categories; date types are dates, in
        their own time zone. A column of which nothing is known, since all of it is missing, is a number.

        Parameters
        ----------
        X : data frame or array-like (N, F)
            The training rows; None, NaN, NaT, NA and null are missing values.
        standard : Standard
            How numbers are standardised: `ROWS` of a table, or the points of a `SERIES`.

        Raises
        ------
        DataError
            If there are no rows or columns, names are not distinct, a column holds infinity or identifiers.
        DataTypeError
            If a column mixes kinds, or holds what is neither number, text, boolean nor date.

        Warns
        -----
        DiaboloWarning
            If a column has only missing values, numbers the rows, or holds texts that are hardly categories.
        """
        table = table_of(X)
        if 0 in table.shape:
            axis = "sample(s)" if len(table) == 0 else "feature(s)"
            raise DataError(f"X must hold rows: 0 {axis} (shape={table.shape}) while a minimum of 1 is required.")
        names = names_of(table)
        if isinstance(table, np.ndarray) and table.dtype.kind in "iuf":
            fields = number_fields(names, table, standard.constant)
        else:
            columns = (read_column(name, column_of(table, i)) for i, name in enumerate(names))
            each = zip(names, columns, strict=True)
            fields = tuple(Field.of(name, *column, standard.constant) for name, column in each)
        warn_of_counters(table)
        return Schema(fields, standard.knee)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(field.name for field in self.fields)

    @property
    def width(self) -> int:
        """The number of encoded columns P."""
        return sum(field.width for field in self.fields)

    @property
    def slices(self) -> tuple[slice, ...]:
        """Where each field's encoded columns lie."""
        ends = list(accumulate((field.width for field in self.fields), initial=0))
        return tuple(slice(*ends[i : i + 2]) for i in range(len(self.fields)))

    def encode(self, X: Any, dtype: DTypeLike = np.float32) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of `X` as numbers (N, P), and which values were not missing (N, F).

        Raises
        ------
        DataError
            If columns are missing or too many, or a column holds infinity.
        DataTypeError
            If a column holds another kind than in training; numbers or dates as text are not read.

        Examples
        --------
        >>> values, observed = Schema((Field("0", "number", 40.0, 10.0, missing=True),)).encode([[30.0], [None]])
        >>> values.tolist(), observed.tolist()
        ([[-1.0, 0.0], [0.0, 1.0]], [[True], [False]])
        """
        demand("dtype", "Schema.encode", np.dtype(dtype).name, OneOf("float32", "float64"))
        table = table_of(X)
        order = self._order(table)
        values, observed = np.zeros((len(table), self.width), dtype), np.zeros((len(table), len(self.fields)), bool)
        numeric = isinstance(table, np.ndarray) and table.dtype.kind in "iuf"
        if numeric and all(field.kind == "number" for field in self.fields):
            self._encode_numbers(table, values, observed)
            return values, observed
        each = list(zip(self.fields, order, self.slices, strict=True))
        for rows in _blocks(len(table), _ROWS):
            for i, (field, column, place) in enumerate(each):
                cells = expected(field.name, field.kind, column_of(table, column, rows))
                observed[rows, i] = field.encode(cells, values[rows, place], self.knee)
        return values, observed

    def decode(self, values: np.ndarray) -> list[np.ndarray]:
        """Return encoded rows (N, P), or a net's guess of them, as one array (N,) for each field; see `Field.decode`.

        Raises
        ------
        DataError
            If `values` has another shape.

        Examples
        --------
        >>> Schema((Field("0", "number", 40.0, 10.0),)).decode(np.array([[-1.0], [0.5]]))
        [array([30., 45.])]
        """
        if values.ndim != 2 or values.shape[1] != self.width:
            raise DataError(f"values must have shape (N, {self.width}), as encoded; got {values.shape}.")
        each = zip(self.fields, self.slices, strict=True)
        return [field.decode(values[:, place], self.knee) for field, place in each]

    def to_json(self) -> dict[str, Any]:
        """Return the schema as plain JSON values."""
        return {"fields": [field.to_json() for field in self.fields], "knee": self.knee}

    @staticmethod
    def from_json(plain: Any) -> Schema:
        """Return the schema that `to_json` described.

        Raises
        ------
        FileError
            If it is no description of a schema, or a value is outside what is allowed.

        Examples
        --------
        >>> Schema.from_json({"fields": []})
        Traceback (most recent call last):
        ...
        diabolo.errors.FileError: In the file, a schema must have a list of fields, and a knee; got a dict. ...
        """
        sound = isinstance(plain, Mapping) and set(plain) == {"fields", "knee"}
        described, knee = (plain["fields"], plain["knee"]) if sound else (None, 0.0)
        if not isinstance(described, list) or not described:
            raise foreign("a schema must have a list of fields, and a knee", plain)
        if knee not in Number(0, open_low=True):
            raise foreign(f"'knee' of a schema must be {Number(0, open_low=True)}", knee)
        schema = Schema(tuple(Field.from_json(field) for field in described), float(knee))
        if len(set(schema.names)) < len(schema.names):
            raise foreign("the names of fields must be distinct", described)
        return schema

    def _encode_numbers(self, array: np.ndarray, values: np.ndarray, observed: np.ndarray) -> None:
        names, flags = self.names, np.array([field.missing for field in self.fields])
        shift, scale = np.array([(field.shift, field.scale) for field in self.fields], dtype=np.float64).T
        starts = np.array([place.start for place in self.slices])
        places = starts if flags.any() else slice(None)
        for rows in _blocks(len(array), max(1, _BLOCK // self.width)):
            values[rows, places], here = standardised(names, array[rows], shift, scale, self.knee)
            values[rows, starts[flags] + 1] = ~here[:, flags]
            observed[rows] = here

    def _order(self, table: Any) -> list[int]:
        """Return which column of the table each field is."""
        if not isinstance(table, np.ndarray):
            return order_of(names_of(table), self.names)
        if table.shape[1] != len(self.fields):
            raise DataError(f"X must have {len(self.fields)} columns, as in training; got {table.shape[1]}.")
        return list(range(len(self.fields)))


def order_of(names: Sequence[str], known: Sequence[str]) -> list[int]:
    """Return where among the names of a frame those of training are, in any order.

    Raises
    ------
    DataError
        If one is missing, or there are others.

    Examples
    --------
    >>> order_of(["town", "age"], ["age", "town"])
    [1, 0]
    """
    places = {name: i for i, name in enumerate(names)}
    lost, extra = [name for name in known if name not in places], [name for name in names if name not in set(known)]
    if lost or extra:
        raise DataError(
            f"X must have the columns of training, by their feature names in any order; missing: {listed(lost)}, not "
            f"known: {listed(extra)}. Rename or add columns, take those of training with X[columns], or pass an array "
            "to go by position."
        )
    return [places[name] for name in known]


def _blocks(rows: int, step: int) -> Iterator[slice]:
    return (slice(start, start + step) for start in range(0, rows, step))
