"""Sparse codes as SciPy has them, and as a model does."""

from __future__ import annotations

from typing import Any

import torch
from scipy.sparse import csr_array, vstack
from torch import Tensor

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
