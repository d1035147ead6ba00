"""The few entries of a wide affine map that count: found block by block, their gradient computed for them alone.

Of h = x·Wᵀ + b (B, n) a sparse code keeps some entries. The rest of h is never kept, and no product on the way back is
dense: what an entry adds to a row of W or to a row of x is a sum of few rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from diabolo.sparse import assembled, by_columns, dots, sums_of

_AT_ONCE = 2**23
"""Entries of h that are computed at a time: bounds the memory."""

_SAMPLED = 8
"""How many times as many as are wanted there must be for a sample to say where to look."""


class Affine(NamedTuple):
    """The map x (B, D) → x·Wᵀ + b (B, n)."""

    weight: Tensor
    bias: Tensor

    def rows(self, index: Tensor) -> Affine:
        """Return the map to some of the entries of h."""
        return Affine(self.weight.detach()[index], self.bias.detach()[index])

    def blocks(self, x: Tensor) -> Iterator[tuple[int, Tensor]]:
        """Yield blocks of columns of h (B, ·), each with the number of its first column."""
        width = max(1, _AT_ONCE // max(len(x), 1))
        for start in range(0, len(self.weight), width):
            rows = slice(start, start + width)
            yield start, torch.addmm(self.bias[rows], x, self.weight[rows].T)


class Entries(NamedTuple):
    """Places of a matrix (B, n), row by row, and what stands there; each (count,)."""

    rows: Tensor
    columns: Tensor
    values: Tensor

    def where(self, here: Tensor) -> Entries:
        """Return those of the entries that are marked (count,)."""
        return Entries(self.rows[here], self.columns[here], self.values[here])


@torch.no_grad()
def of_rows(x: Tensor, map: Affine, k: int) -> Entries:
    """Return the k largest entries of each row of h.

    Examples
    --------
    >>> of_rows(torch.eye(2), Affine(torch.tensor([[1.0, 2.0], [3.0, 0.0]]), torch.zeros(2)), 1).columns
    tensor([1, 0])
    """
    values, columns = _merged(x, map, k)
    columns, order = columns.sort(1)
    rows = torch.arange(len(x), device=x.device).repeat_interleave(k)
    return Entries(rows, columns.flatten(), values.gather(1, order).flatten())


def _merged(x: Tensor, map: Affine, k: int) -> tuple[Tensor, Tensor]:
    """Return the k largest of each row, (B, k), and where they are: those of each block, and the largest of these."""
    found: tuple[Tensor, Tensor] | None = None
    for start, h in map.blocks(x):
        values, columns = h.topk(min(k, h.shape[1]), 1, sorted=False)
        columns += start
        if found is not None:
            values, columns = torch.cat([found[0], values], 1), torch.cat([found[1], columns], 1)
            values, kept = values.topk(min(k, values.shape[1]), 1, sorted=False)
            columns = columns.gather(1, kept)
        found = values, columns
    return found or (x.new_zeros(len(x), 0), torch.zeros(len(x), 0, dtype=torch.long, device=x.device))


@torch.no_grad()
def of_all(x: Tensor, map: Affine, count: int) -> Entries:
    """Return the `count` largest entries of h that are greater than 0.

    Examples
    --------
    >>> of_all(torch.eye(2), Affine(torch.tensor([[1.0, 2.0], [3.0, 0.0]]), torch.zeros(2)), 2).values
    tensor([3., 2.])
    """
    n = len(map.weight)
    values, places = x.new_zeros(0), torch.zeros(0, dtype=torch.long, device=x.device)
    for start, h in map.blocks(x):
        largest, at = _largest(h.flatten(), min(count, h.numel()))
        values, places = (
            torch.cat([values, largest]),
            torch.cat([places, at // h.shape[1] * n + at % h.shape[1] + start]),
        )
        if len(values) > count:
            values, kept = values.topk(count, sorted=False)
            places = places[kept]
    return _in_order(values, places, n)


def _largest(h: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the `count` largest of h (numel,), and where they are.

    Few of many are above what an even sample of them says; where that says too much, all are searched.
    """
    if count * _SAMPLED < len(h):
        sample = h[:: max(1, len(h) // 2**16) | 1]  # an odd stride meets all columns
        likely = sample.topk(min(len(sample), math.ceil(1.5 * count * len(sample) / len(h)) + 16), sorted=False).values
        (places,) = (h >= likely.min()).nonzero(as_tuple=True)
        if len(places) >= count:
            values, kept = h[places].topk(count, sorted=False)
            return values, places[kept]
    return h.topk(count, sorted=False)


@torch.no_grad()
def of_columns(x: Tensor, map: Affine, k: int) -> Entries:
    """Return the k largest entries of each column of h, those greater than 0.

    Examples
    --------
    >>> of_columns(torch.eye(2), Affine(torch.tensor([[1.0, 2.0], [3.0, 0.0]]), torch.zeros(2)), 1).rows
    tensor([0, 1])
    """
    found = []
    for start, h in map.blocks(x):
        values, rows = h.topk(min(k, len(h)), 0, sorted=False)  # (k, ·)
        columns = torch.arange(start, start + h.shape[1], device=h.device).expand_as(rows)
        found.append((values.flatten(), (rows * len(map.weight) + columns).flatten()))
    values, places = (torch.cat(each) for each in zip(*found, strict=True))
    return _in_order(values, places, len(map.weight))


@torch.no_grad()
def above(x: Tensor, map: Affine, threshold: Tensor) -> Entries:
    """Return the entries of h greater than a threshold, one for all () or one for each column (n,).

    Examples
    --------
    >>> above(torch.eye(2), Affine(torch.tensor([[1.0, 2.0], [3.0, 0.0]]), torch.zeros(2)), torch.tensor(1.5)).values
    tensor([3., 2.])
    """
    found = []
    for start, h in map.blocks(x):
        least = threshold[start : start + h.shape[1]] if threshold.ndim else threshold
        rows, columns = (~(h <= least)).nonzero(as_tuple=True)
        found.append((h[rows, columns], rows * len(map.weight) + columns + start))
    values, places = (torch.cat(each) for each in zip(*found, strict=True))
    return _in_order(values, places, len(map.weight), -torch.inf)


def _in_order(values: Tensor, places: Tensor, n: int, least: float = 0.0) -> Entries:
    """Return the values greater than `least`, in the order of their places in the flattened (B, n)."""
    kept = ~(values <= least)  # what is not a number is kept, and seen
    places, order = places[kept].sort()
    return Entries(places // n, places % n, values[kept][order])


def kept(x: Tensor, map: Affine, entries: Entries) -> Tensor:
    """Return the sparse matrix (B, n) of these entries of h, through which gradients go to x, W and b.

    Where h was computed in a lower precision, the entries are computed anew in that of x.

    Examples
    --------
    >>> x, map = torch.eye(2), Affine(torch.tensor([[1.0, 2.0], [3.0, 0.0]], requires_grad=True), torch.zeros(2))
    >>> z = kept(x, map, of_rows(x, map, 1))
    >>> z.to_dense().sum().backward()
    >>> map.weight.grad
    tensor([[0., 1.],
            [1., 0.]])
    """
    values = _Entries.apply(x, *map, *entries)
    return assembled(torch.stack([entries.rows, entries.columns]), values, (len(x), len(map.weight)))


class _Entries(torch.autograd.Function):
    """values = Wx + b at some places, which are known already; on the way back only these places take part."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, rows: Tensor, columns: Tensor, values: Tensor
    ) -> Tensor:
        ctx.save_for_backward(x, weight, rows, columns)
        return values.clone() if values.dtype == x.dtype else dots(x, weight, rows, columns) + bias[columns]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight, rows, columns = ctx.saved_tensors
        of_x = sums_of(weight, columns, g, torch.bincount(rows, minlength=len(x))) if ctx.needs_input_grad[0] else None
        of_weight = by_columns(x, rows, columns, g, len(weight)) if ctx.needs_input_grad[1] else None
        of_bias = g.new_zeros(len(weight)).index_add_(0, columns, g)
        return of_x, of_weight, of_bias, None, None, None
