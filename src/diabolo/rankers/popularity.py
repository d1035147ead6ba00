"""Popularity: what most have, for everyone. The floor of every comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diabolo.rankers.ranker import Floats, Matrix, Ranker, Scorer, Setting, no_vectors
from diabolo.rankers.restoring import taken


@dataclass(frozen=True)
class Popularity(Ranker):
    """Score items by how many users have them, whoever asks.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> histories = csr_array(np.array([[1.0, 0.0], [1.0, 1.0]], dtype=np.float32))
    >>> Popularity().learn(histories, Setting()).scores(histories[:1])
    array([[2., 1.]], dtype=float32)
    """

    def learn(self, histories: Matrix, setting: Setting) -> Scorer:
        """Count."""
        return Counts(np.bincount(histories.indices, minlength=histories.shape[1]).astype(np.float32))

    def restore(self, plain: dict[str, Any], arrays: dict[str, Tensor], items: int) -> Scorer:
        """Return the counts."""
        return Counts(taken(arrays, "counts", (items,)))

    def equation(self) -> str:
        """Return the formula."""
        return "sᵢ = how many have i"


@dataclass(frozen=True, eq=False)
class Counts(Scorer):
    """How many users have each item, (I,)."""

    counts: Floats

    @property
    def items(self) -> int:
        """How many items there are."""
        return len(self.counts)

    def scores(self, histories: Matrix) -> Floats:
        """Return the counts for every history."""
        return np.tile(self.counts, (histories.shape[0], 1))

    def embeddings(self, n: int | None = None) -> Floats:
        """Raise: counts tell nothing about which items go together."""
        raise no_vectors("Popularity")

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return the counts."""
        return {}, {"counts": torch.from_numpy(self.counts)}
