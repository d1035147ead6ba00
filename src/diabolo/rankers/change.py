"""A Gram matrix that changes in few directions, and what that does to its inverse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from diabolo.rankers.ranker import Floats, Matrix

_STEP = 1024
"""Rows of the inverse that are corrected at a time."""


@dataclass(frozen=True, eq=False)
class Change:
    """G + VᵀSV in place of G.

    Parameters
    ----------
    rows : csr_array (r, I)
        V.
    signs : ndarray (r,)
        The diagonal of S, nowhere 0.
    """

    rows: Matrix
    signs: NDArray[np.float64]

    @staticmethod
    def between(before: Matrix, after: Matrix, diagonal: float) -> Change:
        """Return how XᵀX + diagonal·diag(XᵀX) changes from histories X `before` to those `after` (U, I).

        Examples
        --------
        >>> before, after = (csr_array(np.array(x, dtype=np.float32)) for x in ([[1, 0], [0, 1]], [[1, 1], [0, 1]]))
        >>> change = Change.between(before, after, 0.0)
        >>> change.rows.toarray(), change.signs
        (array([[1., 1.],
               [1., 0.]], dtype=float32), array([ 1., -1.]))
        """
        users = np.unique((after - before).nonzero()[0])
        new, old = after[users], before[users]
        rows, signs = [new, old], [np.ones(len(users)), -np.ones(len(users))]
        if diagonal:
            more = diagonal * (_squares(new) - _squares(old))
            items = np.flatnonzero(more)
            ones, numbers = np.ones(len(items), np.float32), np.arange(len(items))
            rows.append(csr_array((ones, (numbers, items)), shape=(len(items), before.shape[1])))
            signs.append(more[items])
        return Change(csr_array(vstack(rows, format="csr")), np.concatenate(signs))

    def applied(self, inverse: Floats) -> Floats:
        """Return (G + VᵀSV)⁻¹ = P − PVᵀ(S⁻¹ + VPVᵀ)⁻¹VP from P = G⁻¹ (I, I), which is overwritten.

        References
        ----------
        Woodbury, "Inverting modified matrices", 1950.
        """
        V = self.rows
        VP = (V @ inverse).astype(np.float64)  # (r, I)
        middle = np.diag(1 / self.signs) + V @ VP.T  # (r, r): VPVᵀ is its own transpose
        solved = np.linalg.solve(middle, VP).astype(np.float32)
        VP = VP.astype(np.float32)
        for start in range(0, len(inverse), _STEP):
            inverse[start : start + _STEP] -= VP[:, start : start + _STEP].T @ solved
        return inverse


def _squares(rows: Matrix) -> NDArray[np.float64]:
    """Return the sum of the squares of each column (I,)."""
    return np.asarray(rows.astype(np.float64).power(2).sum(0))
