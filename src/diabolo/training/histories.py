"""Batches from a sparse matrix of interactions: no row is ever written out, or handled by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diabolo.flow import Batch
from diabolo.sparse import assembled
from diabolo.training.batches import shuffled


@dataclass(frozen=True)
class Histories:
    """The rows `index` of a matrix of users and items, as batches of sparse x (B, I).

    Parameters
    ----------
    interactions : scipy CSR matrix or array (N, I)
        What each user did; entries of the same place are added up.
    index : Tensor (M,), optional
        Which users; all by default.
    device : torch.device
        Where the batches are wanted.
    weight : Tensor (N,), optional
        How much each user counts in the loss.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> histories = Histories(csr_array([[1, 0, 2], [0, 3, 0], [0, 0, 0]]))
    >>> batch = next(histories.epoch(2, seed=None))
    >>> batch.x.to_dense()
    tensor([[1., 0., 2.],
            [0., 3., 0.]])
    """

    interactions: Any  # SciPy's types say nothing about what is in a matrix
    index: Tensor | None = None
    device: torch.device = torch.device("cpu")
    weight: Tensor | None = None

    def __len__(self) -> int:
        return self.interactions.shape[0] if self.index is None else len(self.index)

    def epoch(self, batch_size: int, seed: int | None) -> Iterator[Batch]:
        """Yield all users once, shuffled unless `seed` is None, in batches of equal size but for one user."""
        order = torch.arange(len(self)) if seed is None else shuffled(len(self), seed)
        users = order if self.index is None else self.index[order]
        for part in users.tensor_split(math.ceil(len(self) / batch_size)):
            weight = None if self.weight is None else self.weight[part].to(self.device)
            yield Batch(sparse(self.interactions[part.numpy()]).to(self.device), weight=weight)


def sparse(rows: Any) -> Tensor:
    """Return the rows of a CSR matrix (B, I) as a coalesced sparse tensor, float32.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> sparse(csr_array([[0, 2], [0, 0]])).is_coalesced()
    True
    """
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    users = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    entries = torch.from_numpy(np.stack([users, rows.indices]))  # (2, entries), int64
    values = torch.from_numpy(rows.data.astype(np.float32))
    return assembled(entries, values, rows.shape)
