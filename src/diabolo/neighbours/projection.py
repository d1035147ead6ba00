"""What neighbours are looked for in: the leading principal components of samples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.seeding import seeded
from diabolo.sparse import dense

_WIDEST = 2048
"""Widest samples whose covariance matrix is formed."""


@dataclass(frozen=True, eq=False)
class Projection:
    """x (B, *shape) ↦ W·min(max(x, −limit), limit) − c, of about unit size: codes that no rare, large number rules.

    Principal components are better than the numbers themselves to look for neighbours in, for noise is left out, and
    faster.

    Parameters
    ----------
    weight : Tensor (n, D)
        Orthogonal rows, all of one length.
    bias : Tensor (n,)
        Minus what the mean of the samples gives.
    limit : float
        What larger numbers are taken for.
    """

    weight: Tensor
    bias: Tensor
    limit: float

    @classmethod
    def of(cls, blocks: Iterable[Tensor], n: int, limit: float) -> Projection:
        """Return the projection onto the `n` leading components of samples in blocks (B, *shape).

        There are never more components than numbers of a sample; of fewer samples, the others are 0. Samples of more
        than 2,048 numbers are solved by a randomised decomposition (Halko, Martinsson, Tropp, SIAM Review 2011) of
        4,000 of them at most.

        Examples
        --------
        >>> x = torch.tensor([[0.0, 0.0], [2.0, 2.0]])
        >>> Projection.of([x], 1, limit=3.0)(x).abs().flatten().tolist()
        [1.0, 1.0]
        """
        x = torch.cat([dense(block).flatten(1).clamp(-limit, limit) for block in blocks])
        mean = x.mean(0)
        vectors = _vectors(x - mean, min(n, x.shape[1]))
        size = ((x - mean) @ vectors.T).square().mean().sqrt()
        weight = vectors / size.clamp_min(1e-6)
        return cls(weight, -weight @ mean, limit)

    def __call__(self, x: Tensor) -> Tensor:
        """Return the codes (B, n) of x (B, *shape)."""
        x = dense(x).flatten(1).clamp(-self.limit, self.limit)
        return torch.nn.functional.linear(x, self.weight, self.bias)


def _vectors(centred: Tensor, n: int) -> Tensor:
    """Return orthonormal rows (n, D), those of the largest variance first; 0 where there are too few samples."""
    count, width = centred.shape
    if width <= _WIDEST:
        scatter = (centred.T @ centred).double()
        return torch.linalg.eigh(scatter.cpu()).eigenvectors.flip(1)[:, :n].T.to(centred)
    rows = centred[:: -(-count // 4000)]
    rank = min(n, *rows.shape)
    with seeded(0, rows.device):
        found = torch.svd_lowrank(rows, q=min(rank + 10, *rows.shape), niter=4)[2]
    vectors = centred.new_zeros(n, width)
    vectors[:rank] = found.T[:rank]
    return vectors
