"""Sparse codes as SciPy has them, and as a model does."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_array, issparse, vstack
from torch import Tensor

from diabolo.data import Form
from diabolo.errors import DataError
from diabolo.sparse import assembled


def csr(z: Tensor) -> Any:
    """Return codes z (B, n), sparse or dense, as a ``csr_array`` of what differs from 0.

    Examples
    --------
    >>> csr(torch.tensor([[0.0, 2.0], [0.0, 0.0]])).toarray().tolist()
    [[0.0, 2.0], [0.0, 0.0]]
    """
    rows, columns = z.indices() if z.is_sparse else z.nonzero(as_tuple=True)
    values = z.values() if z.is_sparse else z[rows, columns]
    starts = torch.zeros(len(z) + 1, dtype=torch.long, device=z.device)
    torch.cumsum(torch.bincount(rows, minlength=len(z)), 0, out=starts[1:])
    parts = tuple(part.cpu().numpy() for part in (values, columns, starts))
    found = csr_array(parts, shape=tuple(z.shape))
    found.eliminate_zeros()
    return found


def tensor(codes: Any, dtype: torch.dtype) -> Tensor:
    """Return codes (N, n) of SciPy, whose indices are in order, as a sparse tensor.

    Examples
    --------
    >>> tensor(csr_array([[0.0, 2.0]]), torch.float32).to_dense()
    tensor([[0., 2.]])
    """
    found = codes.tocoo()
    entries = torch.stack([torch.from_numpy(each.astype("int64")) for each in (found.row, found.col)])
    return assembled(entries, torch.from_numpy(found.data).to(dtype), codes.shape)


def stacked(blocks: list[Any]) -> Any:
    """Return blocks of codes as one ``csr_array``."""
    return csr_array(vstack(blocks, format="csr"))


def codes_of(X: Any, n: int) -> Any:
    """Return codes (N, n), sparse or not, of any form, as a ``csr_array`` with sorted indices.

    Raises
    ------
    DataError
        If they have the wrong shape, or are not finite.
    DataTypeError
        If they are no numbers.

    Examples
    --------
    >>> codes_of([[0, 2.5]], 2).toarray()
    array([[0. , 2.5]])
    """
    if not issparse(X):
        X = X.to_dense() if isinstance(X, Tensor) and X.layout != torch.strided else X
        X = np.atleast_2d(Form.of(X).array(X))
    if X.ndim != 2 or X.shape[1] != n:
        raise DataError(f"Codes must have shape (N, {n}); got {X.shape}.")
    codes: Any = csr_array(X.astype(np.float32) if X.dtype.itemsize < 4 else X)
    if not np.isfinite(codes.data).all():
        raise DataError("Codes contain NaN or infinity; drop those rows first.")
    codes.sort_indices()
    return codes
