"""A data frame as a sheet: Arrow columns."""

from __future__ import annotations

import base64
import io
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.check import shorten
from diabolo.codec.sheet import Cells, Column, Sheet
from diabolo.data.package import package
from diabolo.errors import DataError, DataTypeError, FileError

_MOST = 2**31
"""Bytes of words that an Arrow array can hold."""

_NUMBERED = {"start": 0, "stop": 0, "step": 1}
"""A numbering that fits no rows: they are numbered from 0 then."""


@dataclass(frozen=True, eq=False)
class Framed(Sheet):
    """A frame of pandas or polars, kept as an Arrow table.

    Parameters
    ----------
    package : {"pandas", "polars"}
        Whose frame it is.
    schema : pyarrow.Schema
        Names and types, and what pandas adds.
    categories : dict
        The words of each column of categories, by its place.
    """

    package: str
    schema: Any
    categories: dict[str, list[str]]

    @staticmethod
    def of_frame(X: Any, owner: str) -> tuple[Framed, list[Column]]:
        """Return how a frame of pandas or polars is kept, and its columns."""
        arrow = package("pyarrow")
        try:
            with warnings.catch_warnings(action="error", category=UserWarning):  # names that would be others
                table = arrow.Table.from_pandas(X) if owner == "pandas" else _of_polars(X)
        except (arrow.ArrowException, TypeError, ValueError, UserWarning) as error:
            raise DataTypeError(f"X has a column that no table file can hold ({error}); convert or drop it.") from error
        framed = Framed.of_table(table, owner)
        if owner == "pandas":
            _demand_pandas(table)
        return framed

    @staticmethod
    def of_table(table: Any, owner: str = "pandas") -> tuple[Framed, list[Column]]:
        """Return how an Arrow table is kept, and its columns; it comes back as a frame of the owner."""
        if isinstance(table, package("pyarrow").RecordBatch):
            table = package("pyarrow").Table.from_batches([table])
        if not table.num_columns:
            raise DataError("X must have columns; got a data frame without any.")
        for field in table.schema:
            _demand_readable(field)
        columns = [_one(column) for column in table.columns]
        categories = {
            str(i): column.dictionary.to_pylist() for i, column in enumerate(columns) if _categorical(column.type)
        }
        return Framed(owner, table.schema, categories), columns

    def alike(self, other: Sheet) -> bool:
        """Tell whether it is a frame of the same package, with the same columns, types and categories."""
        if not isinstance(other, Framed) or self.package != other.package:
            return False
        return self.schema.equals(other.schema) and self.categories == other.categories

    def unnumbered(self) -> Framed:
        """Return how rows are kept that are numbered from 0: what Arrow notes of a numbering is that of no rows."""
        about = self.schema.pandas_metadata
        if not about:
            return self
        index = [name if isinstance(name, str) else {**name, **_NUMBERED} for name in about["index_columns"]]
        noted = {**self.schema.metadata, b"pandas": json.dumps({**about, "index_columns": index}).encode()}
        return replace(self, schema=self.schema.with_metadata(noted))

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """The name of each column, and its Arrow type."""
        return [(field.name, str(field.type)) for field in self.schema]

    @property
    def index(self) -> int:
        """How many of the last columns are the index of a frame of pandas."""
        about = self.schema.pandas_metadata or {"index_columns": ()}
        return sum(isinstance(name, str) for name in about["index_columns"])

    def cells(self, column: int, kept: Column) -> Cells | None:
        """Return numbers, booleans and times as numbers, words as places."""
        arrow = package("pyarrow")
        types, missing = arrow.types, np.asarray(kept.is_null())
        plain = _storage(arrow, kept.type)
        if plain is not None:
            values = kept.cast(plain) if types.is_boolean(kept.type) else kept.view(plain)
            return Cells(values.fill_null(0).to_numpy(zero_copy_only=False), missing)
        if _categorical(kept.type):
            return Cells(kept.indices.fill_null(0).to_numpy(zero_copy_only=False), missing, kept.dictionary.to_pylist())
        if not (types.is_string(kept.type) or types.is_large_string(kept.type) or types.is_string_view(kept.type)):
            return None
        found = kept.dictionary_encode()
        return Cells(found.indices.fill_null(0).to_numpy(zero_copy_only=False), missing, found.dictionary.to_pylist())

    def dtype(self, column: int) -> np.dtype[Any]:
        """Return the type of the numbers that an Arrow type is kept as."""
        arrow = package("pyarrow")
        plain = _storage(arrow, self.schema.field(column).type)
        return np.dtype(np.int64 if plain is None else plain.to_pandas_dtype())

    def some(self, kept: Column, rows: NDArray[np.int64]) -> Column:
        """Return some rows."""
        return kept.take(package("pyarrow").array(rows))

    def kept(self, column: int, cells: Cells) -> Column:
        """Return an Arrow array."""
        arrow, kind = package("pyarrow"), self.schema.field(column).type
        if _categorical(kind):
            listed = self.categories[str(column)]
            place = {word: i for i, word in enumerate(listed)}
            of_words = np.array([place.get(word, 0) for word in cells.words or [""]])
            indices = arrow.array(of_words[cells.values].astype(kind.index_type.to_pandas_dtype()), mask=cells.missing)
            return arrow.DictionaryArray.from_arrays(
                indices, arrow.array(listed, kind.value_type), ordered=kind.ordered
            )
        if cells.words is not None:
            words = arrow.array(cells.words or [""], kind)
            return words.take(arrow.array(cells.values, mask=cells.missing))
        plain = _storage(arrow, kind)
        array = arrow.array(cells.values.astype(plain.to_pandas_dtype()), plain, mask=cells.missing)
        return array.cast(kind) if arrow.types.is_boolean(kind) else array.view(kind)

    def size(self, kept: Column) -> int:
        """Return the bytes of its buffers."""
        return kept.nbytes

    def as_bytes(self, kept: Column) -> bytes:
        """Return the array as an Arrow stream of one batch."""
        arrow = package("pyarrow")
        batch = arrow.record_batch([kept], ["0"])
        sink = io.BytesIO()
        with arrow.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        return sink.getvalue()

    def from_bytes(self, column: int, data: bytes) -> Column:
        """Return the array."""
        arrow = package("pyarrow")
        try:
            with arrow.ipc.open_stream(data) as reader:
                table = reader.read_all()
            table.validate(full=True)
            if table.num_columns != 1 or table.schema.field(0).type != self.schema.field(column).type:
                raise FileError("A part of the file holds a column of another type; copy it again.")
            return _one(table.column(0))
        except (arrow.ArrowException, OSError, ValueError) as error:
            raise FileError(f"A part of the file holds no column ({error}); copy it again.") from error

    def mended(self, kept: Column, rows: NDArray[np.int64], by: Column) -> Column:
        """Return an array with other rows."""
        arrow = package("pyarrow")
        order = np.arange(len(kept))
        order[rows] = len(kept) + np.arange(len(rows))
        return arrow.concat_arrays([kept, by]).take(arrow.array(order))

    def joined(self, parts: Sequence[Column]) -> Column:
        """Return the pieces one after another: as one array, or more where one cannot hold so many words."""
        column = package("pyarrow").chunked_array(parts)
        return _one(column) if column.nbytes < _MOST else column

    def table(self, columns: Sequence[Column]) -> Any:
        """Return the frame."""
        table = package("pyarrow").table(list(columns), schema=self.schema)
        if self.package == "polars":
            return package("polars").from_arrow(table)
        frame = table.to_pandas(integer_object_nulls=True)
        kinds = [about["numpy_type"] for about in (self.schema.pandas_metadata or {"columns": ()})["columns"]]
        for place, (kind, dtype) in enumerate(zip(kinds, frame.dtypes, strict=False)):
            if kind == "object" and str(dtype) != "object":  # Arrow takes both for words
                column = frame.iloc[:, place].astype(object)
                frame.isetitem(place, column.where(column.notna(), None))
        return frame

    def to_json(self) -> dict[str, Any]:
        """Return package and schema, and what the schema says beside it as text, which deflates well."""
        beside = {name.decode("latin-1"): text.decode("latin-1") for name, text in (self.schema.metadata or {}).items()}
        text = self.schema.remove_metadata().serialize().to_pybytes().hex()
        return {"frame": self.package, "schema": text, "categories": self.categories, "metadata": beside}

    @staticmethod
    def from_text(
        owner: str, text: str, categories: dict[str, list[str]], metadata: dict[str, str] | None = None
    ) -> Framed:
        """Return the sheet of a package and a schema as text; format 1 had no metadata beside it.

        Raises
        ------
        ValueError
            If it is none.
        """
        arrow = package("pyarrow")
        if owner not in ("pandas", "polars"):
            raise ValueError(f"no frames of {shorten(owner)} are known")
        try:
            data = base64.b85decode(text) if metadata is None else bytes.fromhex(text)
            schema = arrow.ipc.read_schema(arrow.py_buffer(data))
            if metadata:
                schema = schema.with_metadata(_encoded(metadata))
            if {str(i) for i, field in enumerate(schema) if _categorical(field.type)} != set(categories):
                raise ValueError("categories of other columns")
            return Framed(owner, schema, categories)
        except (arrow.ArrowException, OSError) as error:
            raise ValueError(str(error)) from error


def _demand_pandas(table: Any) -> None:
    """Raise DataTypeError unless pandas can read the types of a table back: it holds some of Arrow that it cannot."""
    try:
        table.slice(0, 0).to_pandas()
    except (TypeError, ValueError, NotImplementedError) as error:
        raise DataTypeError(f"X has a column that no table file can hold ({error}); convert or drop it.") from error


def _of_polars(X: Any) -> Any:
    """Return a frame of polars as a table; Python objects in it would be places in memory."""
    objects = [name for name, dtype in X.schema.items() if dtype == package("polars").Object]
    if objects:
        raise TypeError(f"{objects[0]!r} holds Python objects")
    return X.to_arrow()


def _encoded(metadata: dict[str, str]) -> dict[bytes, bytes]:
    """Return the metadata of a schema from text, a byte a character."""
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError("metadata that is no text")
    return {name.encode("latin-1"): text.encode("latin-1") for name, text in metadata.items()}


def _demand_readable(field: Any) -> None:
    """Raise DataTypeError unless the type of a column can be read back: Arrow writes some categories that it cannot."""
    arrow = package("pyarrow")
    try:
        arrow.ipc.read_schema(arrow.schema([field]).serialize())
    except (arrow.ArrowException, TypeError, ValueError) as error:
        raise DataTypeError(
            f"X must have columns of types that can be read back; column {field.name!r} is {shorten(str(field.type))}, "
            f"which cannot. Convert it, to text with X[{field.name!r}].astype(str)."
        ) from error


def _one(column: Any) -> Any:
    """Return a column in pieces as one array."""
    combined = column.combine_chunks()
    return combined if not hasattr(combined, "chunks") else package("pyarrow").concat_arrays(combined.chunks)


def _categorical(kind: Any) -> bool:
    """Tell whether a type is that of categories that are words."""
    types = package("pyarrow").types
    return types.is_dictionary(kind) and (types.is_string(kind.value_type) or types.is_large_string(kind.value_type))


def _storage(arrow: Any, kind: Any) -> Any:
    """Return the type of the numbers that a type is kept as, or None where these are none."""
    types = arrow.types
    if types.is_integer(kind) or types.is_floating(kind):
        return kind
    if types.is_boolean(kind):
        return arrow.uint8()
    if types.is_date32(kind) or types.is_time32(kind):
        return arrow.int32()
    whole = types.is_timestamp(kind) or types.is_duration(kind) or types.is_date64(kind) or types.is_time64(kind)
    return arrow.int64() if whole else None
