"""Rows of a table with further cells hidden, for a model that is to say what was there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo.estimators.imputation.factors import Factors
from diabolo.flow import Batch

Array = NDArray[Any]

_FAR = 6.0
"""Standard deviations beyond which the model sees no difference."""


@dataclass(frozen=True, eq=False)
class Copies:
    """Copies of rows, each with other cells hidden.

    Parameters
    ----------
    rows : ndarray (M,)
        Which row each is a copy of.
    visible : ndarray (M, F)
        Which cells are still seen.
    hidden : ndarray (M, F)
        Which are there and were hidden.
    fill, spread : ndarray (M, P), float32
        What factors expect of encoded rows, and how far from it they may lie: see `Factors.expect`.
    """

    rows: Array
    visible: Array
    hidden: Array
    fill: Array
    spread: Array

    @staticmethod
    def of(z: Array, observed: Array, sizes: Array, factors: Factors, count: int, most: float, seed: int) -> Copies:
        """Return about so many copies of rows z (N, P), of which cells (N, F) were there, each so many numbers (F,).

        Of the cells of each copy a share is hidden, at most `most`.
        """
        rng = np.random.default_rng(seed)
        rows = np.tile(np.arange(len(z)), max(1, -(-count // max(1, len(z)))))
        shares = rng.uniform(0.05, most, (len(rows), 1))
        hidden = observed[rows] & (rng.random((len(rows), observed.shape[1])) < shares)
        visible = observed[rows] & ~hidden
        fill, spread = (np.empty((len(rows), z.shape[1]), np.float32) for _ in range(2))
        for start in range(0, len(rows), 4096):
            part = slice(start, start + 4096)
            here = torch.from_numpy(np.repeat(visible[part], sizes, axis=1)).double()
            found = factors.expect(torch.from_numpy(z[rows[part]]), here)
            fill[part], spread[part] = (each.numpy() for each in found)
        return Copies(rows, visible, hidden, fill, spread)

    @property
    def seen(self) -> Tensor:
        """What the model is shown of them, (M, P + F)."""
        return shown(self.fill, self.visible)


@dataclass(frozen=True, eq=False)
class Hidden:
    """A source of copies, and of what was hidden in them.

    Parameters
    ----------
    seen : Tensor (M, P + F)
        What the model is shown.
    where : Tensor (M, F)
        Which of the indicators of the target is 1 for each hidden cell; for all others the first beyond the end.
    width : int
        How many numbers a target has.
    device : torch.device
        Where batches are wanted.
    """

    seen: Tensor
    where: Tensor
    width: int
    device: torch.device

    def __len__(self) -> int:
        return len(self.seen)

    def epoch(self, batch_size: int, seed: int | None) -> Iterator[Batch]:
        """Yield all copies once, shuffled unless `seed` is None."""
        order = torch.arange(len(self))
        if seed is not None:
            order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        for rows in order.tensor_split(math.ceil(len(self) / batch_size)):
            target = torch.zeros(len(rows), self.width + 1, device=self.device)
            target.scatter_(1, self.where[rows].long().to(self.device), 1.0)
            yield Batch(self.seen[rows].to(self.device), target[:, : self.width])


def shown(fill: Array, visible: Array, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return what the model is shown: filled rows (M, P), and which cells (M, F) are known.

    Examples
    --------
    >>> shown(np.array([[0.5, 99.0]]), np.array([[True, False]])).tolist()
    [[0.5, 6.0, 1.0, 0.0]]
    """
    return torch.cat([torch.from_numpy(fill).to(dtype).clamp(-_FAR, _FAR), torch.from_numpy(visible).to(dtype)], 1)
