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
    return _Assembled.apply(entries, values, shape) if values.requires_grad else _assembled(entries, values, shape)


def _assembled(entries: Tensor, values: Tensor, shape: tuple[int, ...]) -> Tensor:
    return torch.sparse_coo_tensor(entries, values, shape, is_coalesced=True, check_invariants=False)


class _Assembled(torch.autograd.Function):
    """What torch does too, but for a search through all entries on the way back: they are the same ones, in order."""

    @staticmethod
    def forward(ctx: Any, entries: Tensor, values: Tensor, shape: tuple[int, ...]) -> Tensor:
        ctx.save_for_backward(entries)
        return _assembled(entries, values, shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[None, Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        rows, columns = ctx.saved_tensors[0]
        if not g.is_sparse:
            return None, g[rows, columns], None
        g = g.coalesce()
        if len(g.values()) != len(rows):  # not every entry took part
            g = g.sparse_mask(_assembled(ctx.saved_tensors[0], torch.ones_like(rows, dtype=g.dtype), tuple(g.shape)))
        return None, g.values(), None


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

    Of sparse x the gradients by W and by the entries are computed.

    Examples
    --------
    >>> x, W = torch.tensor([[0.0, 1.0, 0.0, 0.5], [0.0] * 4]), torch.arange(8.0).view(4, 2)
    >>> product(x.to_sparse(), W)
    tensor([[5.0000, 6.5000],
            [0.0000, 0.0000]])
    """
    return weighted(x.values(), x.indices(), len(x), W) if x.is_sparse else x @ W


def weighted(values: Tensor, entries: Tensor, count: int, W: Tensor) -> Tensor:
    """Return x·W (count, n) for sparse x with these values at these entries (2, ·), which are in order.

    Examples
    --------
    >>> weighted(torch.tensor([2.0]), torch.tensor([[1], [0]]), 2, torch.tensor([[1.0, 3.0]]))
    tensor([[0., 0.],
            [2., 6.]])
    """
    return _Product.apply(values, *entries, count, W)


class _Product(torch.autograd.Function):
    """Sums of rows of W, and on the way back the same with x turned over: sums of rows of g for each row of W."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, rows: Tensor, columns: Tensor, count: int, W: Tensor) -> Tensor:
        ctx.save_for_backward(values, rows, columns, W)
        return sums_of(W, columns, values, torch.bincount(rows, minlength=count))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        values, rows, columns, W = ctx.saved_tensors
        g = g.contiguous()
        of_values = dots(g, W, rows, columns) if ctx.needs_input_grad[0] else None
        of_table = by_columns(g, rows, columns, values, len(W)) if ctx.needs_input_grad[4] else None
        return of_values, None, None, None, of_table


def by_columns(table: Tensor, rows: Tensor, columns: Tensor, weights: Tensor, count: int) -> Tensor:
    """Return xᵀ·table (count, n) for sparse x (B, count) with these weights: no two threads write to one row.

    Examples
    --------
    >>> by_columns(torch.tensor([[1.0], [5.0]]), torch.tensor([0, 1]), torch.tensor([2, 2]), torch.ones(2), 3)
    tensor([[0.],
            [0.],
            [6.]])
    """
    order, each = columns.argsort(stable=True), torch.bincount(columns, minlength=count)
    rows, weights = rows[order], weights[order]
    used = each.nonzero()[:, 0]
    if 8 * len(used) > count:
        return sums_of(table, rows, weights, each)
    return table.new_zeros(count, table.shape[1]).index_copy_(0, used, sums_of(table, rows, weights, each[used]))


def dots(some: Tensor, others: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return the products (count,) of rows of `some` (B, n) with rows of `others` (I, n), pair by pair, by rows.

    Examples
    --------
    >>> dots(torch.eye(2), torch.tensor([[3.0, 4.0]]), torch.tensor([0, 1]), torch.tensor([0, 0]))
    tensor([3., 4.])
    """
    each = torch.bincount(rows, minlength=len(some))
    starts = each.cumsum(0) - each
    return torch.ops.aten._embedding_bag_per_sample_weights_backward.default(some, others, columns, starts, rows, 0)


def sums_of(table: Tensor, rows: Tensor, weights: Tensor, count: Tensor) -> Tensor:
    """Return weighted sums (S, n) of the rows of a table that are named in turn, `count` (S,) of them to each.

    Examples
    --------
    >>> sums_of(torch.tensor([[1.0], [5.0]]), torch.tensor([0, 1, 1]), torch.ones(3), torch.tensor([2, 0, 1]))
    tensor([[6.],
            [0.],
            [5.]])
    """
    return F.embedding_bag(rows, table, count.cumsum(0) - count, mode="sum", per_sample_weights=weights)
