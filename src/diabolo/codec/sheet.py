"""A table as the user has it, column by column, and back: the same types, names, index and missing values."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diabolo.check import shorten
from diabolo.data import Form
from diabolo.data.form import PandasForm, PolarsForm, TorchForm
from diabolo.data.package import package
from diabolo.errors import DataTypeError, FileError

Column = Any
"""A column (N,) as it is kept: an array of numpy or of Arrow."""


@dataclass(frozen=True, eq=False)
class Cells:
    """What a column holds.

    Parameters
    ----------
    values : ndarray (N,)
        Numbers, or places in `words`; anything where missing.
    missing : ndarray of bool (N,)
        Which are missing.
    words : list of str, optional
        The words, if it holds such.
    """

    values: NDArray[Any]
    missing: NDArray[np.bool_]
    words: list[str] | None = None


class Sheet(ABC):
    """How a table is kept by its user; the columns themselves go beside it."""

    @abstractmethod
    def alike(self, other: Sheet) -> bool:
        """Tell whether two tables are kept alike, but for what numbers or names their rows."""

    def unnumbered(self) -> Sheet:
        """Return how rows are kept that are numbered from 0, whatever those looked at were."""
        return self

    @property
    @abstractmethod
    def kinds(self) -> list[tuple[str, str]]:
        """The name of each column, and its type."""

    @property
    def index(self) -> int:
        """How many of the last columns are the index of the rows."""
        return 0

    @abstractmethod
    def cells(self, column: int, kept: Column) -> Cells | None:
        """Return what a column holds, or None where it is neither numbers nor words."""

    @abstractmethod
    def dtype(self, column: int) -> np.dtype[Any]:
        """Return the type of the numbers that a column holds."""

    @abstractmethod
    def some(self, kept: Column, rows: NDArray[np.int64]) -> Column:
        """Return some rows of a column."""

    @abstractmethod
    def kept(self, column: int, cells: Cells) -> Column:
        """Return a column as it is kept, from what it holds."""

    @abstractmethod
    def size(self, kept: Column) -> int:
        """Return how many bytes a column takes as it is."""

    @abstractmethod
    def as_bytes(self, kept: Column) -> bytes:
        """Return a column as bytes."""

    @abstractmethod
    def from_bytes(self, column: int, data: bytes) -> Column:
        """Return the column that these bytes are.

        Raises
        ------
        FileError
            If they are none.
        """

    @abstractmethod
    def mended(self, kept: Column, rows: NDArray[np.int64], by: Column) -> Column:
        """Return a column with some rows in place of its own."""

    @abstractmethod
    def joined(self, parts: Sequence[Column]) -> Column:
        """Return pieces of a column as one."""

    @abstractmethod
    def table(self, columns: Sequence[Column]) -> Any:
        """Return the user's table."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""

    @staticmethod
    def of(X: Any) -> tuple[Sheet, list[Column]]:
        """Return how a table (N, D) is kept, and its columns.

        Raises
        ------
        DataTypeError
            If it is neither a data frame nor an array of numbers.

        Examples
        --------
        >>> sheet, columns = Sheet.of(np.array([[1, 2], [3, 4]]))
        >>> sheet.table(columns).tolist()
        [[1, 2], [3, 4]]
        """
        form, arrow = Form.of(X), sys.modules.get("pyarrow")
        if (arrow and isinstance(X, arrow.Table | arrow.RecordBatch)) or isinstance(form, PandasForm | PolarsForm):
            from diabolo.codec.framed import Framed  # at the place of use: it is a sheet itself

            if not isinstance(form, PandasForm | PolarsForm):
                return Framed.of_table(X)
            return Framed.of_frame(X, "pandas" if isinstance(form, PandasForm) else "polars")
        array = _array(X, form)
        if array.dtype.kind not in "iufb" or array.dtype.itemsize > 8 or array.ndim != 2:
            raise DataTypeError(
                f"X must be a data frame, or an array (N, D) of numbers; got {array.dtype} of shape {array.shape}. "
                "Make a data frame of what is mixed."
            )
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        return Plain(array.dtype.newbyteorder("<").str, array.shape[1], isinstance(form, TorchForm)), list(array.T)

    @staticmethod
    def from_json(plain: Any) -> Sheet:
        """Return the sheet that `to_json` described.

        Raises
        ------
        FileError
            If it is none.
        """
        try:
            if "frame" in plain:
                from diabolo.codec.framed import Framed

                return Framed.from_text(plain["frame"], plain["schema"], plain["categories"], plain.get("metadata"))
            dtype, width = np.dtype(plain["dtype"]), plain["columns"]
            if dtype.kind not in "iufb" or dtype.itemsize > 8 or type(width) is not int or not 0 < width <= 2**20:
                raise ValueError("an array of no numbers")
            return Plain(dtype.str, width, bool(plain["tensor"]))
        except (LookupError, TypeError, ValueError) as error:
            raise FileError(f"The file describes no table ({error}): {shorten(plain)}; it was edited.") from error


@dataclass(frozen=True)
class Plain(Sheet):
    """An array of numbers of one type, or a tensor."""

    type: str
    columns: int
    tensor: bool

    def alike(self, other: Sheet) -> bool:
        """Tell whether it has the same columns of the same type."""
        return self == other

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """The place of each column, and the type."""
        return [(str(i), self.type) for i in range(self.columns)]

    def cells(self, column: int, kept: Column) -> Cells | None:
        """Return the numbers; those that are not a number are missing."""
        missing = np.isnan(kept) if kept.dtype.kind == "f" else np.zeros(len(kept), bool)
        return Cells(kept.view(np.uint8) if kept.dtype.kind == "b" else kept, missing)

    def dtype(self, column: int) -> np.dtype[Any]:
        """Return the type of the array, bytes for booleans."""
        dtype = np.dtype(self.type)
        return np.dtype(np.uint8) if dtype.kind == "b" else dtype

    def some(self, kept: Column, rows: NDArray[np.int64]) -> Column:
        """Return some rows."""
        return kept[rows]

    def kept(self, column: int, cells: Cells) -> Column:
        """Return the numbers."""
        values = cells.values.astype(self.type)
        if values.dtype.kind == "f":
            values[cells.missing] = np.nan
        return values

    def size(self, kept: Column) -> int:
        """Return the bytes of its numbers."""
        return kept.nbytes

    def as_bytes(self, kept: Column) -> bytes:
        """Return the numbers as they are in memory."""
        return kept.astype(self.type).tobytes()

    def from_bytes(self, column: int, data: bytes) -> Column:
        """Return the numbers."""
        try:
            return np.frombuffer(data, self.type)
        except ValueError as error:
            raise FileError("A part of the file holds no whole number of values; copy it again.") from error

    def mended(self, kept: Column, rows: NDArray[np.int64], by: Column) -> Column:
        """Return a copy with other rows."""
        kept = kept.copy()
        kept[rows] = by
        return kept

    def joined(self, parts: Sequence[Column]) -> Column:
        """Return the pieces as one array."""
        return np.concatenate([np.empty(0, self.type), *parts])

    def table(self, columns: Sequence[Column]) -> Any:
        """Return the array (N, D), or a tensor."""
        array = np.stack(columns, 1)
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        return package("torch").from_numpy(array) if self.tensor else array

    def to_json(self) -> dict[str, Any]:
        """Return type and width."""
        return {"dtype": self.type, "columns": self.columns, "tensor": self.tensor}


_WHOLE = 2**53
"""The largest whole number up to which floating point numbers have all."""


def _array(X: Any, form: Form) -> NDArray[Any]:
    """Return the numbers of a tensor or array, of the type that they have."""
    if not isinstance(form, TorchForm):
        if not isinstance(X, np.ma.MaskedArray):
            return np.asarray(X)
        if X.dtype.kind in "iu" and (np.abs(X.compressed().astype(np.float64)) > _WHOLE).any():
            raise DataTypeError(
                f"X is a masked array of whole numbers beyond {_WHOLE}, which have no room beside what is missing; "
                "pass a data frame with columns of pandas.Int64Dtype()."
            )
        return np.ma.filled(X.astype(np.float64), np.nan)
    array = form.array(X)
    if str(form.dtype) == "torch.bool":
        return array.astype(bool)
    if array.dtype.name != str(form.dtype).removeprefix("torch."):
        raise DataTypeError(f"X is a tensor of {form.dtype}, which numpy does not have; pass X.float().")
    return array
