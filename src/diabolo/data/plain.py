"""Plain: ids of whatever type as int64 or text."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np

from diabolo.check import shorten
from diabolo.data.cells import is_missing
from diabolo.errors import DataError, DataTypeError


def objects(values: Iterable[Any]) -> np.ndarray:
    """Return an array (N,) of objects, whatever they are.

    Examples
    --------
    >>> objects([[1], [2]]).shape
    (2,)
    """
    return np.fromiter(values, dtype=object)


def plain(column: Any, called: str) -> np.ndarray:
    """Return ids (N,) as int64, or as str objects.

    Raises
    ------
    DataTypeError
        If they mix integers and text, or are something else, such as floats that are not whole.
    DataError
        If one is missing, or too large.

    Examples
    --------
    >>> plain([1.0, 2.0], "Users"), plain(np.array(["a"]), "Users")
    (array([1, 2]), array(['a'], dtype=object))
    """
    if isinstance(column, str | bytes) or not hasattr(column, "__iter__"):
        raise DataTypeError(
            f"{called} must be a list or column of ids; got {shorten(column)}: pass [{shorten(column)}]."
        )
    array = column.to_numpy() if hasattr(column, "to_numpy") else column
    array = array if isinstance(array, np.ndarray) else objects(array)
    if array.ndim != 1:
        raise DataTypeError(f"{called} must be one column, shape (N,); got shape {array.shape}.")
    array = _from_objects(array.astype(object), called) if array.dtype.kind in "OUT" else array
    if array.dtype.kind == "f":
        return _whole(array, called)
    if array.dtype.kind == "u" and len(array) and array.max() > np.iinfo(np.int64).max:
        raise _too_large(called, array.max())
    if array.dtype.kind not in "iuO":
        raise DataTypeError(f"{called} must be integers or text; got {array.dtype}: convert them, with .astype(str).")
    return array if array.dtype == object else array.astype(np.int64, copy=False)


def _from_objects(values: np.ndarray, called: str) -> np.ndarray:
    """Return objects (N,) as numbers if they are, or as str objects."""
    classes = set(map(type, values))
    if classes <= {str}:
        return values
    demand_present(np.array([not is_missing(value) for value in values]), called)
    if all(issubclass(cls, str) for cls in classes):
        return objects(map(str, values))
    if all(issubclass(cls, Real) and cls is not bool for cls in classes):
        whole = all(issubclass(cls, Integral) for cls in classes)
        try:
            return values.astype(np.int64 if whole else np.float64)
        except OverflowError as error:
            raise _too_large(called, max(values, key=abs)) from error
    found = " and ".join(sorted(cls.__name__ for cls in classes))
    raise DataTypeError(f"{called} must be all integers or all text; got {found}: convert them, with .astype(str).")


def _whole(values: np.ndarray, called: str) -> np.ndarray:
    demand_present(~np.isnan(values), called)
    broken = values[values != np.rint(values)]
    if len(broken):
        raise DataTypeError(f"{called} must be integers or text; got {broken[0]}: convert them, with .astype(str).")
    most = np.abs(values).max(initial=0)
    if most >= 2 ** (np.finfo(values.dtype).nmant + 1):  # from here on neighbours are one float
        raise _too_large(called, most)
    return values.astype(np.int64)


def demand_present(present: np.ndarray, called: str) -> None:
    """Raise unless all of a column (N,) is there.

    Raises
    ------
    DataError
        Which counts those that are not.

    Examples
    --------
    >>> demand_present(np.array([True, False]), "Users")
    Traceback (most recent call last):
    ...
    diabolo.errors.DataError: Users must not be missing; 1 of 2 are, the first in row 1: drop those rows.
    """
    if not present.all():
        raise DataError(
            f"{called} must not be missing; {(~present).sum()} of {len(present)} are, the first in row "
            f"{present.argmin()}: drop those rows."
        )


def _too_large(called: str, value: Any) -> DataError:
    return DataError(
        f"{called} must be integers that int64 holds, or text; got {value}: convert them, with .astype(str)."
    )
