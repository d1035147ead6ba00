"""Scorers by vectors: a user is the sum of the vectors of his items, and scores are products of vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diabolo.errors import FileError
from diabolo.rankers.ranker import Floats, Matrix, Scorer
from diabolo.rankers.restoring import taken


@dataclass(frozen=True, eq=False)
class Factors(Scorer):
    """s = x·E·Dᵀ: a linear encoder and decoder.

    Parameters
    ----------
    into : ndarray (I, n)
        E: what each item of a history adds to the code.
    out : ndarray (I, n)
        D: the vector of each item.
    """

    into: Floats
    out: Floats

    @property
    def items(self) -> int:
        """How many items there are."""
        return len(self.out)

    def scores(self, histories: Matrix) -> Floats:
        """Return x·E·Dᵀ (B, I)."""
        return (histories @ self.into) @ self.out.T

    def embeddings(self, n: int | None = None) -> Floats:
        """Return D, its first `n` columns."""
        return self.out[:, :n]

    def codes(self, histories: Matrix, n: int | None = None) -> Floats:
        """Return x·E, its first `n` columns."""
        return histories @ self.into[:, :n]

    def reasons(self, history: Matrix, item: int) -> Floats:
        """Return x·E·Dᵀ by items of the history: the parts sum to the score."""
        return history.data * (self.into[history.indices] @ self.out[item])

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return both matrices."""
        return {}, {name: torch.from_numpy(np.ascontiguousarray(getattr(self, name))) for name in ("into", "out")}

    @classmethod
    def restored(cls, arrays: dict[str, Tensor], items: int) -> Factors:
        """Return what `state` described.

        Raises
        ------
        FileError
            If it describes no vectors of so many items.
        """
        if "into" not in arrays or arrays["into"].ndim != 2:
            raise FileError("it lacks the vectors of items")
        shape = (items, arrays["into"].shape[1])
        return cls(taken(arrays, "into", shape), taken(arrays, "out", shape))
