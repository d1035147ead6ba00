"""Form: what the user has (array, data frame, tensor) as a numeric array, and back.

pandas and polars are never imported here: a value can only be theirs if the user has imported them already.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from scipy.sparse import issparse

from diabolo.check import listed, shorten
from diabolo.data.channels import channels_to_the_front
from diabolo.data.images import Assorted
from diabolo.errors import DataError, DataTypeError
from diabolo.flow import Shape

Kind = Literal["table", "series", "images"]
"""What samples are: rows of a table ``(D,)``, series ``(T, C)`` or images ``(C, H, W)``."""

_KINDS: dict[int, Kind] = {1: "table", 2: "series", 3: "images"}


def kind(shape: Shape) -> Kind:
    """Tell what samples of `shape` are.

    Raises
    ------
    DataError
        If a sample has no axis, or more than three.

    Examples
    --------
    >>> kind((30,)), kind((50, 3)), kind((3, 32, 32))
    ('table', 'series', 'images')
    """
    if len(shape) not in _KINDS:
        raise DataError(
            "X must be a table (N, D), series (N, T, C) or images (N, C, H, W); "
            f"got {len(shape) + 1} axes. Reshape your data: of one axis, X[:, None] is a table of one column and "
            "X[None, :, None] a single series."
        )
    return _KINDS[len(shape)]


class Form(ABC):
    """What the user has, remembered so that a reconstruction comes back as the same.

    Examples
    --------
    >>> import torch
    >>> form = Form.of(torch.ones(2, 3))
    >>> form.back(form.array(torch.ones(2, 3)))
    tensor([[1., 1., 1.],
            [1., 1., 1.]])
    """

    @staticmethod
    def of(X: Any) -> Form:
        """Return the form of `X`: numpy for whatever is no data frame and no tensor.

        Raises
        ------
        DataTypeError
            If `X` is a kind of data that must be converted first, such as a lazy frame.
        """
        if isinstance(X, torch.Tensor):
            return TorchForm(X.dtype, X.device)
        if isinstance(X, _their("pandas", "DataFrame")):
            return PandasForm(X.columns, X.index)
        if isinstance(X, _their("polars", "DataFrame")):
            return PolarsForm(tuple(X.columns))
        if isinstance(X, _their("polars", "LazyFrame")):
            raise DataTypeError("X is a polars LazyFrame, which holds no data yet; pass X.collect().")
        return NumpyForm()

    @abstractmethod
    def array(self, X: Any) -> np.ndarray:
        """Return the numbers of `X`, which has this form, as an array (N, *shape), not copied where possible.

        Raises
        ------
        DataTypeError
            If they are not numbers, are complex, or are stored sparsely.
        DataError
            If they are ragged, or there are no samples to speak of.
        """

    @abstractmethod
    def back(self, array: np.ndarray) -> Any:
        """Return a reconstruction (N, *shape) of the `X` whose form this is, in this form."""


@dataclass(frozen=True)
class NumpyForm(Form):
    """A numpy array, or whatever numpy makes an array of."""

    def array(self, X: Any) -> np.ndarray:
        """Return `X` as a numeric array; booleans, objects and masked arrays become float64, masked values NaN."""
        if issparse(X):
            raise DataTypeError("X is a sparse matrix, which is not supported here; pass X.toarray().")
        if isinstance(X, Assorted):
            raise X.refusal()
        if _one_by_one(X):
            raise DataTypeError(
                f"X is a {type(X).__name__}, which hands out samples one by one; pass them together, as one array or "
                "tensor."
            )
        if isinstance(X, np.ma.MaskedArray):
            X = np.ma.filled(X.astype(np.float64), np.nan)
        try:
            array = np.asarray(X)
        except ValueError as error:
            raise _ragged(X) from error
        if array.ndim == 0:
            raise DataTypeError(f"X must be an array, data frame or tensor of samples; got {shorten(X)}.")
        return _numbers(array)

    def back(self, array: np.ndarray) -> np.ndarray:
        """Return the array itself."""
        return array


@dataclass(frozen=True)
class TorchForm(Form):
    """A torch tensor, with its dtype and device."""

    dtype: torch.dtype
    device: torch.device

    def array(self, X: torch.Tensor) -> np.ndarray:
        """Return the tensor's numbers, detached and on the CPU."""
        if X.layout is not torch.strided:
            raise DataTypeError("X is a sparse tensor, which is not supported here; pass X.to_dense().")
        if X.dtype.is_floating_point and X.dtype not in (torch.float16, torch.float32, torch.float64):
            X = X.float()  # bfloat16 and smaller, unknown to numpy
        return NumpyForm().array(X.numpy(force=True))

    def back(self, array: np.ndarray) -> torch.Tensor:
        """Return a tensor on the same device, of the same dtype if that is a floating point one."""
        tensor = torch.tensor(array, device=self.device)
        return tensor.to(self.dtype) if self.dtype.is_floating_point else tensor


@dataclass(frozen=True, eq=False)
class PandasForm(Form):
    """A pandas data frame, with its columns and index; an index of None numbers the rows."""

    columns: Any
    index: Any

    def array(self, X: Any) -> np.ndarray:
        """Return the frame's numbers (N, D); nullable and boolean columns become float64, missing values NaN."""
        import pandas as pd

        dtypes = list(X.dtypes)
        objects = [i for i, dtype in enumerate(dtypes) if dtype == np.dtype(object)]
        numeric = pd.api.types.is_numeric_dtype
        refuse([(X.columns[i], d) for i, d in enumerate(dtypes) if not numeric(d) and i not in objects])
        if objects:
            return np.column_stack([_column(X.columns[i], X.iloc[:, i].to_numpy(), d) for i, d in enumerate(dtypes)])
        if all(isinstance(dtype, np.dtype) and dtype.kind in "iufc" for dtype in dtypes):
            return _numbers(X.to_numpy())
        return X.to_numpy(dtype=np.float64, na_value=np.nan)

    def back(self, array: np.ndarray) -> Any:
        """Return a frame with the same columns and index."""
        import pandas as pd

        return pd.DataFrame(array, columns=self.columns, index=self.index)


@dataclass(frozen=True)
class PolarsForm(Form):
    """A polars data frame, with its columns."""

    columns: tuple[str, ...]

    def array(self, X: Any) -> np.ndarray:
        """Return the frame's numbers (N, D); boolean and decimal columns become float64, missing values NaN."""
        import polars as pl

        dtypes = list(X.dtypes)
        refuse([(n, d) for n, d in zip(X.columns, dtypes, strict=True) if not (d.is_numeric() or d == pl.Boolean)])
        native = all(dtype.is_integer() or dtype.is_float() for dtype in dtypes)
        return (X if native else X.cast(pl.Float64)).to_numpy()

    def back(self, array: np.ndarray) -> Any:
        """Return a frame with the same columns."""
        import polars as pl

        return pl.from_numpy(array, schema=list(self.columns), orient="row")


def _one_by_one(X: Any) -> bool:
    """Tell whether X is such as a data set of torch: numpy would ask it for samples until it raises, maybe for ever."""
    if isinstance(X, Sequence | Mapping) or not hasattr(type(X), "__getitem__"):
        return False
    if any(hasattr(X, name) for name in ("__array__", "__array_interface__", "__dlpack__")):
        return False
    try:
        memoryview(X)
    except TypeError:
        return True
    return False


def _ragged(X: Any) -> DataError:
    """Return the error for samples of unlike shapes, which names two of these."""
    shapes = list(dict.fromkeys(map(_shape, X if isinstance(X, Sequence) else ())))
    known = [shape for shape in shapes if isinstance(shape, tuple)]
    got = " and ".join(map(str, shapes[:2])) if len(shapes) > 1 else "samples that are ragged themselves"
    return DataError(
        f"X must be rectangular: every sample of the same shape; got {got}. Resize or crop images, cut or pad series, "
        f"and give every row of a table all its columns.{channels_to_the_front(known)}"
    )


def _shape(sample: Any) -> Shape | str:
    try:
        return np.shape(sample)
    except ValueError:
        return "a ragged one"


def _their(package: str, name: str) -> type | tuple[()]:
    return getattr(sys.modules.get(package), name, ())


def _numbers(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind in "iuf":
        return array
    if array.dtype.kind == "c":
        raise DataTypeError("Complex data not supported: pass the real and the imaginary parts as separate columns.")
    if array.dtype.kind == "b":
        return array.astype(np.float64)
    if array.dtype.kind == "O" and not any(isinstance(value, str | bytes) for value in array.flat):
        try:
            return array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DataTypeError(f"X must hold numbers only: {error}; drop or encode what is no number.") from error
    raise DataTypeError(f"X must hold numbers only; got {array.dtype} values: drop them, or encode them as numbers.")


def _column(name: object, values: np.ndarray, dtype: object) -> np.ndarray:
    try:
        return _numbers(values)
    except DataTypeError:
        refuse([(name, dtype)])
        raise


def refuse(offending: Sequence[tuple[object, object]]) -> None:
    """Refuse columns that hold no numbers, each given by its name and type.

    Raises
    ------
    DataTypeError
        If there are any.

    Examples
    --------
    >>> refuse([])
    """
    if not offending:
        return
    names = listed([name for name, _ in offending])
    kinds = ", ".join(sorted({str(dtype) for _, dtype in offending[:3]}))
    raise DataTypeError(
        f"X must hold numbers only; column{'s' if len(offending) > 1 else ''} {names} "
        f"({kinds}) cannot be used as they are: drop them, or encode them as numbers."
    )


def as_given(values: Any) -> np.ndarray:
    """Return a list as an array, of objects where it holds text: of [3, "a"] numpy would make text throughout.

    Examples
    --------
    >>> as_given([3, "a", None]).tolist(), as_given([3, 4]).dtype.kind
    ([3, 'a', None], 'i')
    """
    array = np.asarray(values)
    return np.asarray(values, dtype=object) if array.dtype.kind == "U" and not isinstance(values, np.ndarray) else array
