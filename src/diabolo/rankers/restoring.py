"""What was saved of a scorer, taken up again: arrays of the shapes that are due, or an error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from diabolo.errors import FileError
from diabolo.rankers.ranker import Floats, Matrix


def taken(arrays: dict[str, Tensor], name: str, shape: Sequence[int]) -> Floats:
    """Return an array of finite float32 numbers.

    Raises
    ------
    FileError
        If it is missing or another one.

    Examples
    --------
    >>> taken({"a": torch.ones(2)}, "a", (2,))
    array([1., 1.], dtype=float32)
    """
    value = arrays.get(name)
    if value is None or tuple(value.shape) != tuple(shape) or value.dtype != torch.float32:
        raise FileError(f"its array {name!r} is not one of {tuple(shape)} float32 numbers")
    if not bool(value.isfinite().all()):
        raise FileError(f"its array {name!r} has numbers that are not finite")
    return value.numpy()


def parted(matrix: Matrix) -> dict[str, Tensor]:
    """Return a sparse matrix as arrays to save."""
    return {
        "indptr": torch.from_numpy(matrix.indptr.astype(np.int64)),
        "indices": torch.from_numpy(matrix.indices.astype(np.int32)),
        "data": torch.from_numpy(matrix.data.astype(np.float32)),
    }


def whole(arrays: dict[str, Tensor], prefix: str, shape: tuple[int, int]) -> Matrix:
    """Return the sparse matrix that `parted` took apart, its arrays named with `prefix`.

    Raises
    ------
    FileError
        If the arrays are no sparse matrix of this shape.

    Examples
    --------
    >>> matrix = csr_array(np.eye(2, dtype=np.float32))
    >>> whole(parted(matrix), "", (2, 2)).toarray()
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    found = [arrays.get(f"{prefix}{name}") for name in ("indptr", "indices", "data")]
    if any(value is None or value.ndim != 1 for value in found):
        raise FileError("a sparse matrix in it lacks an array")
    indptr, indices, data = (value.numpy() for value in found if value is not None)
    kinds = indptr.dtype.kind == indices.dtype.kind == "i" and data.dtype == np.float32
    sizes = kinds and len(indptr) == shape[0] + 1 and len(indices) == len(data) and indptr[0] == 0
    if not sizes or indptr[-1] != len(data) or bool((np.diff(indptr) < 0).any()):
        raise FileError("the arrays of a sparse matrix in it do not fit together")
    if (len(indices) and not (indices.min() >= 0 and indices.max() < shape[1])) or not np.isfinite(data).all():
        raise FileError("a sparse matrix in it has entries that it cannot have")
    matrix = csr_array(
        (data, indices.astype(np.int32), indptr.astype(np.int32 if indptr[-1] < 2**31 else np.int64)), shape
    )
    if not matrix.has_canonical_format:
        raise FileError("a sparse matrix in it has entries twice or out of order")
    return matrix
