"""Batches from whole tensors: no sample is ever handled by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from diabolo.flow import Batch


class Source(Protocol):
    """Where batches come from."""

    def __len__(self) -> int: ...

    def epoch(self, batch_size: int, seed: int | None) -> Iterator[Batch]:
        """Yield all samples once, in an order that `seed` decides, or in their own order for None."""
        ...


@dataclass(frozen=True)
class Rows:
    """The rows `index` of one tensor, turned into floating point batches by `form`.

    Parameters
    ----------
    samples : Tensor (N, *shape)
        As compact as they come: integers stay integers until a batch is formed.
    index : Tensor (M,), optional
        Which of them; all by default.
    form : callable
        Turns gathered samples into the scaled x of a batch.
    device : torch.device
        Where the batches are wanted.
    condition : Tensor (N, K), optional
        What is known about each sample, as floating point numbers.
    target : Tensor (N, *target), optional
        What is wanted of each sample, as compact as the samples, if it is not the sample itself.

    Examples
    --------
    >>> rows = Rows(torch.arange(6.0).reshape(3, 2), form=lambda x: x)
    >>> [tuple(batch.x.shape) for batch in rows.epoch(2, seed=0)]
    [(2, 2), (1, 2)]
    """

    samples: Tensor
    form: Callable[[Tensor], Tensor]
    index: Tensor | None = None
    device: torch.device = torch.device("cpu")
    condition: Tensor | None = None
    target: Tensor | None = None

    def __len__(self) -> int:
        return len(self.samples) if self.index is None else len(self.index)

    def epoch(self, batch_size: int, seed: int | None) -> Iterator[Batch]:
        """Yield all rows once, shuffled unless `seed` is None, in batches of equal size but for one row."""
        order = torch.arange(len(self)) if seed is None else shuffled(len(self), seed)
        if self.index is not None:
            order = self.index[order]
        for rows in order.to(self.samples.device).tensor_split(math.ceil(len(self) / batch_size)):
            yield self.batch(rows)

    def batch(self, rows: Tensor) -> Batch:
        """Return the rows (B,) of the tensor, by their numbers in it."""
        gathered = self.samples.index_select(0, rows)  # (B, *shape)
        known = None if self.condition is None else self.condition.index_select(0, rows).to(self.device)
        wanted = None if self.target is None else self.form(self.target.index_select(0, rows).to(self.device))
        return Batch(self.form(gathered.to(self.device, non_blocking=True)), wanted, condition=known)


def resident(samples: Tensor, device: torch.device) -> Tensor:
    """Move the samples to `device` if they take less than half of its free memory; else pin them where they are."""
    if device.type != "cuda":
        return samples
    free, _ = torch.cuda.mem_get_info(device)
    return samples.to(device) if samples.nbytes < free / 2 else samples.pin_memory()


def split(count: int, share: float, seed: int, most: int = 10_000) -> tuple[Tensor, Tensor]:
    """Return the sorted indices to train on and those to hold out, at most `most` of them.

    Fewer than 10 samples are all trained on: too few to judge by.

    Examples
    --------
    >>> train, held_out = split(100, 0.1, seed=0)
    >>> len(train), len(held_out)
    (90, 10)
    """
    held = min(round(count * share), most) if count >= 10 else 0
    order = shuffled(count, seed)
    return order[held:].sort().values, order[:held].sort().values


def shuffled(count: int, seed: int) -> Tensor:
    """Return the numbers 0, 1, … (count,) in an order that `seed` decides."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))
