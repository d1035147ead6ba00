"""Linear scorers: a weight from each item of the past to each item that may come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_array
from sklearn.utils.extmath import randomized_svd
from torch import Tensor

from diabolo.rankers.ranker import Floats, Matrix, Scorer
from diabolo.rankers.restoring import parted, taken, whole

_WIDTH = 64
"""Numbers of a vector where nobody says how many."""


@dataclass(frozen=True, eq=False)
class ItemWeights(Scorer):
    """s = x·B: the scores of a history x (I,) by weights B (I, I), 0 on the diagonal.

    Parameters
    ----------
    weights : ndarray or csr_array (I, I)
        B: row j says what item j speaks for.
    precision : ndarray (I,), optional
        The diagonal of the inverse that B was made of, by which the inverse is known again.

    Examples
    --------
    >>> scorer = ItemWeights(np.array([[0.0, 2.0], [1.0, 0.0]], dtype=np.float32))
    >>> scorer.scores(csr_array(np.array([[1.0, 0.0]], dtype=np.float32)))
    array([[0., 2.]], dtype=float32)
    """

    weights: Floats | Matrix
    precision: Floats | None = None
    _vectors: dict[int, tuple[Floats, Floats]] = field(default_factory=dict, repr=False)

    @property
    def items(self) -> int:
        """How many items there are."""
        return self.weights.shape[0]

    def scores(self, histories: Matrix) -> Floats:
        """Return x·B (B, I)."""
        product = histories @ self.weights
        return product.toarray() if isinstance(product, csr_array) else product

    def embeddings(self, n: int | None = None) -> Floats:
        """Return V·√Σ (I, n) of the decomposition B ≈ UΣVᵀ."""
        return self._decomposed(n)[1]

    def codes(self, histories: Matrix, n: int | None = None) -> Floats:
        """Return x·U·√Σ (B, n): its products with the embeddings are about the scores."""
        return histories @ self._decomposed(n)[0]

    def similar(self, item: int) -> Floats:
        """Return the mean of the weights from an item to each other one and back, (I,)."""
        if isinstance(self.weights, csr_array):
            row, column = self.weights[[item]], self.weights[:, [item]]
            return (row.toarray()[0] + column.toarray()[:, 0]) / 2
        return (self.weights[item] + self.weights[:, item]) / 2

    def reasons(self, history: Matrix, item: int) -> Floats:
        """Return x·B by items of the history: the parts sum to the score."""
        column = self.weights[:, [item]]
        column = column.toarray() if isinstance(column, csr_array) else column
        return history.data * column[history.indices, 0]

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return the weights, and the precision if it is known."""
        if isinstance(self.weights, csr_array):
            return {"sparse": True}, {f"weights.{name}": value for name, value in parted(self.weights).items()}
        arrays = {"weights": torch.from_numpy(self.weights)}
        return {"sparse": False}, arrays if self.precision is None else arrays | {
            "precision": torch.from_numpy(self.precision)
        }

    @classmethod
    def restored(cls, plain: dict[str, Any], arrays: dict[str, Tensor], items: int) -> ItemWeights:
        """Return what `state` described.

        Raises
        ------
        FileError
            If it describes no weights of so many items.
        """
        if plain.get("sparse"):
            return cls(whole(arrays, "weights.", (items, items)))
        precision = taken(arrays, "precision", (items,)) if "precision" in arrays else None
        return cls(taken(arrays, "weights", (items, items)), precision)

    def _decomposed(self, n: int | None) -> tuple[Floats, Floats]:
        """Return both sides of the decomposition, (I, n) each; the same ones whenever asked."""
        n = min(_WIDTH if n is None else n, self.items)
        if n not in self._vectors:
            left, values, right = randomized_svd(self.weights, n, random_state=0)
            root = np.sqrt(values)
            self._vectors[n] = (left * root).astype(np.float32), (right.T * root).astype(np.float32)
        return self._vectors[n]
