"""Batches of labelled and unlabelled samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.flow import Batch
from diabolo.training.batches import shuffled

_STEPS = 25
"""Steps of an epoch at least: of few labels there are few in a pass over them."""


@dataclass(frozen=True)
class Labelled:
    """Labelled samples, in their order or shuffled pass by pass, and some unlabelled ones after them in each batch.

    The target of a batch holds the labels of its first samples; all after these are unlabelled.

    Parameters
    ----------
    samples : Tensor (N, *shape)
        As compact as they come.
    form : callable
        Turns gathered samples into the scaled x of a batch.
    labels : Tensor (N, ...)
        Of all samples; those of unlabelled ones are not looked at.
    index : Tensor (L,)
        Samples that are labelled.
    others : Tensor (U,)
        Samples that are not.
    ratio : int
        Unlabelled samples in a batch for each labelled one.
    count : int
        Labelled samples in an epoch.
    device : torch.device
        Where the batches are wanted.

    Examples
    --------
    >>> x, y = torch.arange(10.0)[:, None], torch.tensor([0, 1, 0, 1, *[-1] * 6])
    >>> source = Labelled(x, lambda x: x, y, torch.arange(4), torch.arange(4, 10), ratio=2, count=8)
    >>> [(len(batch.target), len(batch.x)) for batch in source.epoch(4, seed=0)]
    [(4, 12), (4, 12)]
    """

    samples: Tensor
    form: Callable[[Tensor], Tensor]
    labels: Tensor
    index: Tensor
    others: Tensor
    ratio: int
    count: int
    device: torch.device = torch.device("cpu")

    @staticmethod
    def enough(labels: int, batch_size: int) -> int:
        """Return how many labelled samples make an epoch: all of them, or what makes 25 steps.

        Examples
        --------
        >>> Labelled.enough(100, 64), Labelled.enough(5000, 64)
        (1600, 5000)
        """
        return max(labels, _STEPS * batch_size)

    def __len__(self) -> int:
        return self.count

    def epoch(self, batch_size: int, seed: int | None) -> Iterator[Batch]:
        """Yield so many labelled samples, in batches of equal size but for one; without a seed each in its order."""
        steps = math.ceil(self.count / batch_size)
        sizes = [len(part) for part in torch.arange(self.count).tensor_split(steps)]
        labelled = _passes(self.index, self.count, seed)
        others = _passes(self.others, self.ratio * self.count if len(self.others) else 0, seed)
        for known, unknown in zip(
            labelled.split(sizes), others.split([self._unlabelled(s) for s in sizes]), strict=True
        ):
            rows = torch.cat([known, unknown]).to(self.samples.device)
            x = self.form(self.samples.index_select(0, rows).to(self.device, non_blocking=True))
            yield Batch(x, self.labels.index_select(0, known).to(self.device))

    def _unlabelled(self, size: int) -> int:
        return self.ratio * size if len(self.others) else 0


def _passes(index: Tensor, count: int, seed: int | None) -> Tensor:
    """Return so many of the numbers: all of them, again and again, each time in another order."""
    if not count:
        return index[:0]
    rounds = range(math.ceil(count / len(index)))
    orders = [
        torch.arange(len(index)) if seed is None else shuffled(len(index), (seed + 31 * i) % 2**63) for i in rounds
    ]
    return index[torch.cat(orders)[:count]]
