"""Sparse samples (B, I), such as histories of interactions: what is done to them costs what they hold.

They are coalesced COO tensors: their entries are in order, each place once.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


def assembled(entries: Tensor, values: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return the sparse tensor of `shape` (B, I) with these values at these entries (2, count), which are in order.

    Examples
    --------
    >>> assembled(torch.tensor([[0, 1], [2, 0]]), torch.tensor([1.0, 3.0]), (2, 3)).to_dense()
    tensor([[0., 0., 1.],
            [3., 0., 0.]])
    """
    return torch.sparse_coo_tensor(entries, values, shape, is_coalesced=True, check_invariants=False)


def dense(x: Tensor) -> Tensor:
    """Return x (B, *shape) as an ordinary tensor, where it may be a sparse one.

    Examples
    --------
    >>> dense(torch.eye(2).to_sparse())
    tensor([[1., 0.],
            [0., 1.]])
    """
    return x.to_dense() if x.is_sparse else x


def places(x: Tensor) -> Tensor:
    """Return where the entries of sparse x (B, I) lie in the written-out tensor flattened, (count,).

    Examples
    --------
    >>> places(torch.tensor([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]]).to_sparse())
    tensor([0, 2, 4])
    """
    rows, columns = x.indices()
    return rows * x.shape[1] + columns


def sums(x: Tensor, each: Tensor) -> Tensor:
    """Return for each row of sparse x (B, I) the sum over its entries of what they have in `each` (count,).

    Examples
    --------
    >>> x = torch.tensor([[1.0, 0.0, 2.0], [0.0, 0.0, 0.0]]).to_sparse()
    >>> sums(x, x.values())
    tensor([3., 0.])
    """
    return each.new_zeros(len(x)).index_add_(0, x.indices()[0], each)


def unit(x: Tensor) -> Tensor:
    """Return the rows of x (B, I), dense or sparse, each divided by its Euclidean length; those of zeros stay so.

    Examples
    --------
    >>> dense(unit(torch.tensor([[3.0, 0.0, 4.0], [0.0, 0.0, 0.0]]).to_sparse()))
    tensor([[0.6000, 0.0000, 0.8000],
            [0.0000, 0.0000, 0.0000]])
    """
    if not x.is_sparse:
        return F.normalize(x, dim=1)
    entries, values = x.indices(), x.values()
    length = sums(x, values.square()).sqrt()
    return assembled(entries, values / length.clamp_min(1e-12)[entries[0]], x.shape)


def product(x: Tensor, W: Tensor) -> Tensor:
    """Return x·W (B, n) for x (B, I), dense or sparse, and a table W (I, n) with a row for each element of x.

    Of sparse x the gradient by W is computed too, and none by x.

    Examples
    --------
    >>> x, W = torch.tensor([[0.0, 1.0, 0.0, 0.5], [0.0] * 4]), torch.arange(8.0).view(4, 2)
    >>> product(x.to_sparse(), W)
    tensor([[5.0000, 6.5000],
            [0.0000, 0.0000]])
    """
    return _Product.apply(x, W) if x.is_sparse else x @ W


class _Product(torch.autograd.Function):
    """Sums of rows of W, and on the way back the same with x turned over: sums of rows of g for each row of W."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, W: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        rows, columns = x.indices()
        return _sums_of(W, columns, x.values(), torch.bincount(rows, minlength=len(x)))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[None, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (x,) = ctx.saved_tensors
        rows, columns = x.indices()
        order, count = columns.argsort(), torch.bincount(columns, minlength=x.shape[1])
        used = count.nonzero()[:, 0]
        sums = _sums_of(g.contiguous(), rows[order], x.values()[order], count[used])
        return None, g.new_zeros(x.shape[1], g.shape[1]).index_copy_(0, used, sums)


def _sums_of(table: Tensor, rows: Tensor, weights: Tensor, count: Tensor) -> Tensor:
    """Return weighted sums (S, n) of the rows of a table that are named in turn, `count` (S,) of them to each."""
    return F.embedding_bag(rows, table, count.cumsum(0) - count, mode="sum", per_sample_weights=weights)
